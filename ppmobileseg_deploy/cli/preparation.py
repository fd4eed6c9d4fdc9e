"""How images are prepared for a model, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..metadata import ModelMetadata


def sizes(metadata: "ModelMetadata", shape_hw: tuple[int, int] | None = None) -> str:
    """Say to which size images are brought.

    Args:
        metadata: What the model says of itself.
        shape_hw: The only height and width that it takes, if there is one.
    """
    if shape_hw is not None and metadata.stretched_hw is None:
        height, width = shape_hw
        return f"to fit inside {height}x{width}, the file's only size"
    if metadata.stretched_hw is not None:
        height, width = metadata.stretched_hw
        return f"to {height}x{width}, whatever their ratio"
    if metadata.short_side is None:
        return "not: images stay as large as they are"
    return f"short side to {metadata.short_side}, long side to {metadata.long_side} at most"


def filling(metadata: "ModelMetadata") -> str:
    """Say what is done where that is no multiple of what it should be, and by whose rule."""
    multiple = metadata.size_multiple
    if metadata.resize_rule == "mmseg":
        return f"padded to multiples of {multiple}"
    if multiple == 1:
        return "not, by PaddleSeg's arithmetic"
    return f"stretched to multiples of {multiple}, by PaddleSeg's arithmetic"
