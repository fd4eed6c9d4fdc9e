"""Reading true labels: images whose pixels are class ids."""

from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

from ..errors import ImageError
from ..runtime.decoding import one_line

IGNORE: Final = 255
"""What label images call a pixel that has no class, by custom."""

_ID_MODES: Final = ("1", "L", "P", "I", "I;16", "I;16B")
_STRETCHED: Final = {"L;2": 2, "L;4": 4}  # Pillow's names of packed gray values, and their bits


def read_labels(
    path: Path, size_hw: tuple[int, int], *, reduce_zero_label: bool = False, ignore: int = IGNORE
) -> NDArray[np.int32]:
    """Read the true class ids of one image.

    Args:
        path: A PNG file of 1-, 8- or 16-bit gray values, or with a palette, whose colours do not
            matter. Other formats are refused: most of them change values. So are gray values of
            2 and 4 bits, which decoders stretch to [0, 255]: 1 would be read as 17.
        size_hw: Height and width of the image that they belong to.
        reduce_zero_label: Id 0 means "other": it becomes ``ignore``, all others become one less.
            ADE20K's annotations are of this kind.
        ignore: The id of pixels that do not count; it stays what it is.

    Returns:
        (height, width) class ids.

    Raises:
        ImageError: The file is missing, damaged, no PNG file of ids, or of another size.
    """
    try:
        with path.open("rb") as stream:
            ids = _ids(stream, path, size_hw)
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"cannot read labels {path}: no such file") from None
    except Exception as error:  # damage makes decoders raise whatever the damaged field breaks
        raise ImageError(
            f"cannot read labels {path}: expected a complete PNG file ({one_line(error)})"
        ) from error
    if reduce_zero_label:
        other = (ids == 0) | (ids == ignore)
        ids -= 1
        ids[other] = ignore
    return ids


def _ids(stream: BinaryIO, path: Path, size_hw: tuple[int, int]) -> NDArray[np.int32]:
    image = PngImagePlugin.PngImageFile(stream)
    found_hw = image.size[1], image.size[0]
    if found_hw != size_hw:
        raise ImageError(
            f"expected labels of the image's size {_text(size_hw)}, found {_text(found_hw)} "
            f"in {path}"
        )
    if image.mode not in _ID_MODES:
        raise ImageError(
            f"expected class ids, one channel of gray values or palette indices, "
            f"found {image.mode} colours in {path}"
        )
    bits = _STRETCHED.get(_stored_as(image))
    if bits is not None:
        raise ImageError(
            f"expected class ids as gray values of 8 or 16 bits, or palette indices, "
            f"found gray values of {bits} bits in {path}"
        )
    return np.asarray(image).astype(np.int32)


def _stored_as(image: PngImagePlugin.PngImageFile) -> str:
    arguments = image.tile[0][3]
    return arguments if isinstance(arguments, str) else ""


def _text(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[0]}x{size_hw[1]}"
