"""Reading true labels from PNG and TIFF files."""

import os
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

from ..errors import ImageError
from ..runtime.images.decoding import one_line
from ..runtime.images.formats import png, tags, tiff
from ..runtime.images.headers import MAX_PIXELS, Limits
from .label_coding import LabelCoding

_ID_MODES: Final = ("1", "L", "P", "I", "I;16", "I;16B")
_COLOUR_MODES: Final = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
_OPAQUE: Final = 255
_IDS: Final = LabelCoding()
_STRETCHED: Final = {"L;2": 2, "L;4": 4}  # Pillow's names of packed gray values, and their bits


def read_labels(
    path: Path, size_hw: tuple[int, int], coding: LabelCoding = _IDS
) -> NDArray[np.int32]:
    """Read the true class ids of one image.

    Args:
        path: A PNG file of 1-, 8- or 16-bit gray values, or with a palette, whose colours do not
            matter unless ``coding`` is about colours; or a TIFF file of one number a pixel. Other
            formats are refused: most of them change values. So are PNG files of gray values of 2
            and 4 bits, which decoders stretch to [0, 255]: 1 would be read as 17.
        size_hw: Height and width of the image that they belong to.
        coding: What the pixels mean.

    Returns:
        (height, width) class ids.

    Raises:
        ImageError: The file is missing, damaged, no file of such labels, or of another size.
    """
    kind = "PNG"
    try:
        with path.open("rb") as stream:
            kind = "TIFF" if stream.read(4) in tags.MAGICS else "PNG"
            limits = Limits(MAX_PIXELS, file_bytes=stream.seek(0, os.SEEK_END))
            stream.seek(0)
            if kind == "TIFF":
                return _ids_of_tiff(stream, size_hw, coding, limits)
            return _ids(png.open_png(stream, limits)[0], size_hw, coding)
    except ImageError as error:
        raise ImageError(f"cannot use labels {path}: {error}") from None
    except FileNotFoundError:
        raise ImageError(f"cannot read labels {path}: no such file") from None
    except Exception as error:  # damage makes decoders raise whatever the damaged field breaks
        raise ImageError(
            f"cannot read labels {path}: expected a complete {kind} file ({one_line(error)})"
        ) from error


def _ids_of_tiff(
    stream: BinaryIO, size_hw: tuple[int, int], coding: LabelCoding, limits: Limits
) -> NDArray[np.int32]:
    if coding.palette_rgb is not None:
        raise ImageError("expected a PNG file of the classes' colours, found a TIFF file")
    values = tiff.read_values(stream, limits).astype(np.int32)
    _check_size((values.shape[0], values.shape[1]), size_hw)
    return coding.ids_of_values(values)


def _ids(
    image: PngImagePlugin.PngImageFile, size_hw: tuple[int, int], coding: LabelCoding
) -> NDArray[np.int32]:
    _check_size((image.size[1], image.size[0]), size_hw)
    if coding.palette_rgb is not None:
        return coding.ids_of_colours(_opaque_rgb(image))
    if image.mode not in _ID_MODES:
        raise ImageError(
            "expected class ids, one channel of gray values or palette indices, found "
            + _described(image)
        )
    bits = _STRETCHED.get(_stored_as(image))
    if bits is not None:
        raise ImageError(
            f"expected class ids as gray values of 8 or 16 bits, or palette indices, "
            f"found gray values of {bits} bits"
        )
    return coding.ids_of_values(np.asarray(image).astype(np.int32))


def _check_size(found_hw: tuple[int, int], size_hw: tuple[int, int]) -> None:
    if found_hw != size_hw:
        raise ImageError(
            f"expected the image's size {_text(size_hw)}, found {_text(found_hw)} (height x width)"
        )


def _opaque_rgb(image: PngImagePlugin.PngImageFile) -> NDArray[np.uint8]:
    if image.mode not in _COLOUR_MODES:
        raise ImageError(f"expected colours of 8 bits a channel, found {image.mode} pixels")
    rgba = np.asarray(image.convert("RGBA"))
    if rgba[..., 3].min() < _OPAQUE:
        raise ImageError("expected colours, found some that are transparent")
    return rgba[..., :3]


def _described(image: PngImagePlugin.PngImageFile) -> str:
    rgb = np.asarray(image.convert("RGB"))
    if (rgb == rgb[..., :1]).all():
        return f"{image.mode} pixels that are all gray: save one of their channels"
    number = len(image.convert("RGB").getcolors(rgb.size) or ())
    return (
        f"{image.mode} pixels of {number} colours: if they are the classes' colours, ppms-eval "
        "takes them with --label-palette"
    )


def _stored_as(image: PngImagePlugin.PngImageFile) -> str:
    arguments = image.tile[0][3]
    return arguments if isinstance(arguments, str) else ""


def _text(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[0]}x{size_hw[1]}"
