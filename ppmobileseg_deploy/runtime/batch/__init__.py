"""Where results go: into files whose names never collide, and to a window."""

from ..drawing.window import Window
from .existing import settle_existing
from .image_results import write_last_overlay, write_result
from .planning import PlannedSource, plan_outputs
from .video_results import ResultWriter
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
