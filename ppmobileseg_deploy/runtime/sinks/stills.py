"""Writing the results of one image."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..result import SegmentationResult
    from ..style import Style


def write_result(result: "SegmentationResult", kind: str, path: Path, style: "Style") -> None:
    """Write one kind of result so that its file appears complete or not at all.

    Args:
        result: What segmenting the image gave.
        kind: One of `kinds.KINDS`.
        path: The file; a missing folder is made.
        style: How pictures are drawn.

    Raises:
        UsageError: The kind is unknown, the file's suffix cannot hold it, or the model has more
            classes than it can hold.
        OutputError: The file cannot be written.
    """
    raise NotImplementedError
