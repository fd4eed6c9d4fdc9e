"""Image files of a segmentation: PNG, JPEG and others, as bytes or written to a file."""

import io
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from PIL import Image

from ...errors import OutputError, UsageError
from ...files import atomic_path
from ...quoting import brief
from ..drawing.style import Style
from ..images.arrays import in_color_order
from ..images.files import WRITABLE_SUFFIXES, encode_image
from .kinds import IMAGE_KINDS, MAX_INDEXED_CLASSES, SUFFIXES_OF_KIND, check_kinds
from .pictures import DRAWN_KINDS, draw, opaque
from .segmentation import Segmentation

_WITH_ALPHA: Final = frozenset({".png", ".tif", ".tiff", ".webp"})


def encode(segmentation: Segmentation, kind: str, suffix: str, style: Style) -> bytes:
    """Encode one kind of picture as an image file.

    Args:
        segmentation: What is encoded.
        kind: One of `kinds.IMAGE_KINDS`.
        suffix: How files of the format end, such as ``".png"``; upper case counts as lower.
        style: How pictures are drawn. ``labels`` and ``indexed`` hold every pixel's class anyway.

    Returns:
        The content of the file.

    Raises:
        UsageError: The kind or the format is unknown, they do not go together, or the model has
            more classes than the kind can hold.
        OutputError: The format cannot hold an image of this size.
    """
    suffix = suffix.lower()
    _check_format(kind, suffix)
    if kind in DRAWN_KINDS:
        picture = draw(segmentation, kind, style)
        with_alpha = suffix in _WITH_ALPHA
        return encode_image(picture if with_alpha else opaque(picture), suffix).tobytes()
    return labels_png(segmentation) if kind == "labels" else indexed_png(segmentation)


def save(
    file: str | Path | BinaryIO,
    segmentation: Segmentation,
    kind: str,
    style: Style,
    file_format: str | None = None,
) -> None:
    """Write one kind of picture to an image file.

    Args:
        file: A path, whose file appears complete or not at all and whose folder is made if it is
            missing; or a file that is open for writing bytes.
        segmentation: What is written.
        kind: One of `kinds.IMAGE_KINDS`.
        style: How pictures are drawn.
        file_format: ``"png"``, ``"jpg"`` and so on. None for the one that the file's name ends in.

    Raises:
        UsageError: As for `encode`; the file's name ends in no format and none is given; or
            ``file`` is neither a path nor open for writing bytes.
        OutputError: The file cannot be written.
    """
    if isinstance(file, str | Path):
        path = Path(file)
        suffix = path.suffix if file_format is None else suffix_of(file_format)
        content = _encoded_for(f"{path}", segmentation, kind, suffix, style)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        return
    if not hasattr(file, "write"):
        raise UsageError(f"expected a path or a file open for writing bytes, found {brief(file)}")
    if file_format is None:
        name = getattr(file, "name", None)
        suffix = Path(name).suffix if isinstance(name, str) else ""
        if not suffix:
            raise UsageError("expected a format, such as format='png', for a file without a name")
    else:
        suffix = suffix_of(file_format)
    content = _encoded_for("the file", segmentation, kind, suffix, style)
    try:
        _write_whole(file, content)
    except TypeError as error:
        raise UsageError(f"expected a file open for writing bytes, found {brief(file)}") from error
    except OSError as error:
        raise OutputError(f"cannot write the file: {error.strerror or error}") from error


def _write_whole(file: BinaryIO, content: bytes) -> None:
    """Write until all is written: files without a buffer may take a part at a time."""
    rest = memoryview(content)
    while rest:
        written: object = file.write(rest)
        if written is None and not isinstance(file, io.RawIOBase):
            return  # files that are not of Python's own classes seldom tell
        if not isinstance(written, int) or not 0 < written <= len(rest):
            raise OSError(f"it took {written or 0} of {len(rest)} bytes")
        rest = rest[written:]


def suffix_of(file_format: str) -> str:
    """Return how files of a format end: ``".jpg"`` for ``"jpg"``, ``"JPG"`` or ``".jpg"``.

    Raises:
        UsageError: It is no format that can be written.
    """
    suffix = f".{file_format.lower().removeprefix('.')}" if isinstance(file_format, str) else ""
    if suffix not in WRITABLE_SUFFIXES:
        formats = ", ".join(each[1:] for each in sorted(WRITABLE_SUFFIXES))
        raise UsageError(f"expected a format of {formats}, found {brief(file_format)}")
    return suffix


def labels_png(segmentation: Segmentation) -> bytes:
    """Encode labels as a gray PNG, of 8 bits or, above 256 classes, 16, with ids as values.

    Raises:
        OutputError: A side is longer than libpng allows, a million pixels.
    """
    return encode_image(segmentation.labels, ".png").tobytes()


def indexed_image(segmentation: Segmentation) -> Image.Image:
    """Return labels as a PIL image of mode P, whose palette holds the classes' colours.

    Raises:
        UsageError: There are more than 256 classes.
    """
    check_kinds(("indexed",), len(segmentation.names))
    labels = np.ascontiguousarray(segmentation.labels, np.uint8)
    height, width = labels.shape
    image = Image.frombuffer("P", (width, height), labels, "raw", "P", 0, 1)
    # All 256 entries: with fewer, several pixels share a byte, and not every reader unpacks them.
    palette = np.zeros((MAX_INDEXED_CLASSES, 3), np.uint8)
    palette[: len(segmentation.palette_rgb)] = segmentation.palette_rgb
    image.putpalette(palette.tobytes())
    return image


def indexed_png(segmentation: Segmentation) -> bytes:
    """Encode labels as a PNG whose palette holds the classes' colours.

    Raises:
        UsageError: There are more than 256 classes.
    """
    stream = io.BytesIO()
    indexed_image(segmentation).save(stream, "PNG")
    return stream.getvalue()


def pil_image(segmentation: Segmentation, kind: str, style: Style) -> Image.Image:
    """Return one kind of picture as a PIL image; see `SegmentationResult.to_pil`."""
    _check_kind(kind)
    if kind == "indexed":
        return indexed_image(segmentation)
    if kind == "labels":
        return Image.fromarray(segmentation.labels)
    return Image.fromarray(in_color_order(draw(segmentation, kind, style), "rgb"))


def _encoded_for(
    name: str, segmentation: Segmentation, kind: str, suffix: str, style: Style
) -> bytes:
    try:
        return encode(segmentation, kind, suffix, style)
    except OutputError as error:
        raise OutputError(f"cannot write {name}: {error}") from error.__cause__


def _check_kind(kind: str) -> None:
    if kind not in IMAGE_KINDS:
        raise UsageError(f"expected a picture of {', '.join(IMAGE_KINDS)}, found {brief(kind)}")


def _check_format(kind: str, suffix: str) -> None:
    _check_kind(kind)
    if suffix not in SUFFIXES_OF_KIND[kind]:
        expected = ", ".join(sorted(SUFFIXES_OF_KIND[kind]))
        exact = "" if kind in DRAWN_KINDS else ", which keeps class ids exact"
        raise UsageError(
            f"expected a file of {expected} for {kind}{exact}, found {suffix or 'no suffix'}"
        )
