"""Results of an image: one file for each kind, complete or not there."""

from pathlib import Path

from ...errors import UsageError
from ...files import atomic_path
from ..drawing.style import Style
from ..images.files import write_image
from ..results.documents import DOCUMENT_KINDS, to_document
from ..results.encoding import save
from ..results.kinds import IMAGE_KINDS, KINDS
from ..results.pictures import draw_over_image
from ..results.segmentation import Segmentation


def write_result(result: Segmentation, kind: str, path: Path, style: Style) -> None:
    """Write one kind of result so that its file appears complete or not at all.

    Args:
        result: What segmenting the image gave.
        kind: One of `kinds.KINDS`.
        path: The file; a missing folder is made.
        style: How pictures are drawn. Its classes and confidence also choose what JSON and run
            lengths and polygons tell of; labels are always whole.

    Raises:
        UsageError: The kind is unknown, the file's suffix cannot hold it, or the model has more
            classes than it can hold.
        ImageError: What tells where the image lies on Earth is malformed.
        OutputError: The file cannot be written.
    """
    if kind in IMAGE_KINDS:
        save(path, result, kind, style)
    elif kind in DOCUMENT_KINDS:
        _write_text(path, to_document(result, kind, style, path))
    else:
        raise UsageError(f"expected a kind of result from {', '.join(KINDS)}, found {kind!r}")


def write_overlay_in_place(result: Segmentation, path: Path, style: Style) -> None:
    """Write an overlay that is drawn over the result's own image, without memory for another.

    Args:
        result: What segmenting the image gave; its image cannot be used after this.
        path: The file; a missing folder is made.
        style: How it is drawn.

    Raises:
        UsageError: The file's suffix cannot hold it.
        OutputError: The file cannot be written.
    """
    write_image(path, draw_over_image(result, style))


def _write_text(path: Path, line: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(line.encode() + b"\n")
