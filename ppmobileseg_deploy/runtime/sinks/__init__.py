"""Where results go: into files whose names never collide, and to a window."""

from ..kinds import parse_kinds
from .existing import settle_existing
from .moving import ResultWriter
from .planning import PlannedSource, plan_outputs
from .stills import write_result
from .window import Window
from .worker import WritingWorker

PlannedImage = PlannedSource  # the command line's name for it so far

__all__ = [
    "PlannedImage",
    "PlannedSource",
    "ResultWriter",
    "Window",
    "WritingWorker",
    "parse_kinds",
    "plan_outputs",
    "settle_existing",
    "write_result",
]
