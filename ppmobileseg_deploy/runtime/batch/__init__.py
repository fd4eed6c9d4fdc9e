"""Batch runs: result files planned, written in the background, resumed."""

from .coco_file import CocoFile
from .existing import settle_existing
from .image_results import write_overlay_in_place, write_result
from .planning import PlannedSource, plan_outputs
from .video_results import VideoResultWriter
from .worker import WritingWorker

__all__ = [
    "CocoFile",
    "PlannedSource",
    "VideoResultWriter",
    "WritingWorker",
    "plan_outputs",
    "settle_existing",
    "write_overlay_in_place",
    "write_result",
]
