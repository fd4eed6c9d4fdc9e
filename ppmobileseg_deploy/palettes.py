"""Names and colours for class sets that bring none of their own."""

from typing import Final

_BITS: Final = 8


def numbered_names(num_classes: int) -> tuple[str, ...]:
    """Return ``"class 0"``, ``"class 1"``, and so on.

    Args:
        num_classes: How many names are needed.
    """
    return tuple(f"class {class_id}" for class_id in range(num_classes))


def distinct_palette(num_classes: int) -> tuple[tuple[int, int, int], ...]:
    """Return well separated colours, the same for every call.

    The bits of the class id are dealt to red, green and blue in turn, most significant first:
    the scheme of the PASCAL VOC development kit, shifted by one so that no class is black.

    Args:
        num_classes: How many colours are needed.

    Returns:
        (red, green, blue) in [0, 255] for each class id. The first 255 differ pairwise.
    """
    return tuple(_color(class_id + 1) for class_id in range(num_classes))


def _color(index: int) -> tuple[int, int, int]:
    rgb = [0, 0, 0]
    for bit in range(_BITS):
        for channel in range(3):
            rgb[channel] |= ((index >> channel) & 1) << (_BITS - 1 - bit)
        index >>= 3
    return rgb[0], rgb[1], rgb[2]
