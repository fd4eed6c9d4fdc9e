"""Where results go: into files whose names never collide, and to a window."""

from .existing import settle_existing
from .moving import ResultWriter
from .planning import PlannedSource, plan_outputs
from .stills import write_last_overlay, write_result
from .window import Window
from .worker import WritingWorker

__all__ = [
    "PlannedSource",
    "ResultWriter",
    "Window",
    "WritingWorker",
    "plan_outputs",
    "settle_existing",
    "write_last_overlay",
    "write_result",
]
