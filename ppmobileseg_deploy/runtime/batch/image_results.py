"""Writing the results of one image."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import OutputError, UsageError
from ...files import atomic_path
from ..images.files import write_image
from ..results.kinds import KINDS, MAX_INDEXED_CLASSES, check_kinds
from ..results.pictures import draw_colors, draw_legend, draw_over_image, draw_overlay

if TYPE_CHECKING:
    from ..drawing.style import Style
    from ..results.result import SegmentationResult

_DRAW: Final = {"overlay": draw_overlay, "color": draw_colors, "legend": draw_legend}

PICTURES: Final = frozenset(_DRAW)
"""Kinds that are drawn for people to look at, and become videos."""

_WITH_ALPHA: Final = frozenset({".png", ".tif", ".tiff", ".webp"})


def write_result(result: "SegmentationResult", kind: str, path: Path, style: "Style") -> None:
    """Write one kind of result so that its file appears complete or not at all.

    Args:
        result: What segmenting the image gave.
        kind: One of `kinds.KINDS`.
        path: The file; a missing folder is made.
        style: How pictures are drawn. Its classes and confidence also choose what JSON and run
            lengths tell of; labels are always whole.

    Raises:
        UsageError: The kind is unknown, the file's suffix cannot hold it, or the model has more
            classes than it can hold.
        OutputError: The file cannot be written.
    """
    if kind in PICTURES:
        image = picture(result, kind, style)
        write_image(path, image if path.suffix.lower() in _WITH_ALPHA else opaque(image))
    elif kind == "labels":
        _write_bytes(path, labels_png(result))
    elif kind == "indexed":
        _write_bytes(path, indexed_png(result))
    elif kind == "json":
        _write_bytes(path, _readable_json(result, style).encode())
    elif kind == "rle":
        _write_bytes(path, rle_json(result, style).encode() + b"\n")
    else:
        raise UsageError(f"expected a kind of result from {', '.join(KINDS)}, found {kind!r}")


def write_overlay_in_place(result: "SegmentationResult", path: Path, style: "Style") -> None:
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


def picture(result: "SegmentationResult", kind: str, style: "Style") -> NDArray[np.uint8]:
    """Draw a result for people to look at.

    Args:
        result: What segmenting the image gave.
        kind: One of `PICTURES`.
        style: How to draw it.

    Returns:
        (height, width, 3) uint8 BGR; or with a fourth channel, alpha, for colours of which some
        are left out. A legend is wider than the image.
    """
    return _DRAW[kind](result, style)


def opaque(image: NDArray[Any]) -> NDArray[Any]:
    """Lay an image with an alpha channel, 0 or 255, over black; return others as they are."""
    if image.shape[2] == 3:
        return image
    return cv2.bitwise_and(image[..., :3], image[..., :3], mask=image[..., 3])


def labels_png(result: "SegmentationResult") -> bytes:
    """Return labels as a gray PNG, of 8 bits or, above 256 classes, 16, with ids as values.

    Raises:
        OutputError: A side is longer than libpng allows, a million pixels.
    """
    try:
        complete, content = cv2.imencode(".png", result.labels)
    except cv2.error:  # how OpenCV 4 says it
        complete, content = False, np.empty(0, np.uint8)
    if not complete:
        height, width = result.labels.shape
        raise OutputError(f"a PNG cannot hold {height}x{width} pixels")
    return content.tobytes()


def indexed_png(result: "SegmentationResult") -> bytes:
    """Return labels as a PNG whose palette holds the classes' colours.

    Raises:
        UsageError: There are more than 256 classes.
    """
    check_kinds(("indexed",), len(result.names))
    labels = np.ascontiguousarray(result.labels, np.uint8)
    height, width = labels.shape
    image = Image.frombuffer("P", (width, height), labels, "raw", "P", 0, 1)
    # All 256 entries: with fewer, several pixels share a byte, and not every reader unpacks them.
    palette = np.zeros((MAX_INDEXED_CLASSES, 3), np.uint8)
    palette[: len(result.palette_rgb)] = result.palette_rgb
    image.putpalette(palette.tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def rle_json(result: "SegmentationResult", style: "Style") -> str:
    """Return the COCO annotations of an image as one line of JSON, in ASCII."""
    return json.dumps(
        result.to_rle(classes=style.classes, confidence=style.confidence), allow_nan=False
    )


def _readable_json(result: "SegmentationResult", style: "Style") -> str:
    # One file for one image is opened by people too; programs that want lines take --json-lines.
    record = result.to_dict(classes=style.classes, confidence=style.confidence)
    return json.dumps(record, indent=2, allow_nan=False) + "\n"


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
