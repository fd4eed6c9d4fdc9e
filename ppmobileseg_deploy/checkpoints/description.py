"""What is known about a network besides its weights, and where that was found.

What its owner says comes first, then what the checkpoint says, then what mmsegmentation's
models for ADE20K have in common.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args

from ..class_names import (
    choose_palette,
    default_classes,
    read_classes,
    read_palette,
    usual_palette,
)
from ..errors import UsageError
from ..metadata import MAX_NUMBER, MIN_STD, RGB, ModelMetadata
from ..palettes import distinct_palette
from ..quoting import brief
from ..version import VERSION
from .checkpoint import Checkpoint

ChannelOrder = Literal["bgr", "rgb"]
Three = tuple[float, float, float]

_DEFAULTS: Final = ModelMetadata()

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Description:
    """What its owner says about a network, in place of what the checkpoint says.

    Attributes:
        names: File with the class names, or ``"ade20k"`` or ``"cityscapes"``, see
            `class_names.read_names`.
        palette: File with the colours, likewise, see `class_names.read_palette`.
        mean_rgb: Subtracted from red, green and blue in [0, 255].
        std_rgb: What the differences are divided by.
        channel_order: Order of the channels that the network was trained on, ``"rgb"`` or
            ``"bgr"``.

    Raises:
        UsageError: The numbers are not three, not finite, or no standard deviations; or there is
            no such order.
    """

    names: str | Path | None = None
    palette: str | Path | None = None
    mean_rgb: Three | None = None
    std_rgb: Three | None = None
    channel_order: ChannelOrder | None = None

    def __post_init__(self) -> None:
        _check_numbers("means", self.mean_rgb, -MAX_NUMBER)
        _check_numbers("standard deviations", self.std_rgb, MIN_STD)
        if self.channel_order not in (None, *get_args(ChannelOrder)):
            raise UsageError(
                f"expected channel order to be one of {', '.join(get_args(ChannelOrder))}, found "
                f"{brief(self.channel_order)}"
            )


@dataclass(frozen=True)
class Origins:
    """Where names and numbers of a file come from, in words for a table.

    Attributes:
        names: Of the class names, such as ``"the checkpoint's"`` or ``"from names.txt"``.
        palette: Of the colours.
        normalisation: Of means and standard deviations.
        channel_order: Of the order of the channels.
        notes: What the user should look at.
    """

    names: str
    palette: str
    normalisation: str
    channel_order: str
    notes: tuple[str, ...] = ()


def describe(
    checkpoint: Checkpoint, given: Description | None = None
) -> tuple[ModelMetadata, Origins]:
    """Put together what is known about a network.

    Args:
        checkpoint: The network.
        given: What its owner says.

    Returns:
        The metadata of a file that gives labels upsampled in the plain way, and where its
        entries were found.

    Raises:
        UsageError: Names or colours cannot be read, or are of another number.
    """
    given = given or Description()
    names, names_from, along = _names(checkpoint, given)
    palette, palette_from = _palette(checkpoint, given, names, along)
    order, order_from = _first(
        (given.channel_order, "as given"),
        (checkpoint.channel_order, "the checkpoint's"),
        (_DEFAULTS.channel_order, "the default"),
    )
    # The checkpoint's numbers are in the order of the network's channels.
    mean, std = (
        numbers and (numbers if order == "rgb" else numbers[::-1])
        for numbers in (checkpoint.mean, checkpoint.std)
    )
    mean_rgb, mean_from = _first(
        (given.mean_rgb, "as given"),
        (mean, "the checkpoint's"),
        (_DEFAULTS.mean_rgb, "the default"),
    )
    std_rgb, std_from = _first(
        (given.std_rgb, "as given"),
        (std, "the checkpoint's"),
        (_DEFAULTS.std_rgb, "the default"),
    )
    metadata = ModelMetadata(
        variant=checkpoint.config.name,
        class_names=names,
        palette_rgb=palette,
        stride=checkpoint.config.stride,
        mean_rgb=mean_rgb,
        std_rgb=std_rgb,
        channel_order=order,
        checkpoint=checkpoint.file_name,
        checkpoint_sha256=checkpoint.sha256,
        tool_version=VERSION,
        threshold=checkpoint.threshold,
    )
    normalisation = mean_from if mean_from == std_from else f"{mean_from} and {std_from}"
    return metadata, Origins(
        names=names_from,
        palette=palette_from,
        normalisation=normalisation,
        channel_order=order_from,
        notes=tuple(_scale_notes(mean_rgb, std_rgb)),
    )


def _names(
    checkpoint: Checkpoint, given: Description
) -> tuple[tuple[str, ...], str, tuple[RGB, ...] | None]:
    """Return the names, where they come from, and the colours that come along."""
    if given.names is not None:
        names, palette = read_classes(given.names, checkpoint.num_classes)
        return names, f"from {given.names}", palette
    if checkpoint.class_names is not None:
        return checkpoint.class_names, "the checkpoint's", None
    names, _ = default_classes(checkpoint.num_classes)
    if names == _DEFAULTS.class_names:
        return names, "ADE20K's, as there are 150 and the checkpoint gives no others", None
    return names, "made up, as the checkpoint gives none", None


def _palette(
    checkpoint: Checkpoint,
    given: Description,
    names: tuple[str, ...],
    along: tuple[RGB, ...] | None,
) -> tuple[tuple[RGB, ...], str]:
    if along is not None:
        palette, origin = along, f"from {given.names}"
    elif checkpoint.palette_rgb is not None:
        palette, origin = checkpoint.palette_rgb, "the checkpoint's"
    else:
        palette = usual_palette(names)
        made_up = palette == distinct_palette(len(names))
        origin = "made up" if made_up else "those of these names"
    if given.palette is None:
        return palette, origin
    return choose_palette(names, palette, read_palette(given.palette)), f"from {given.palette}"


def _first(*found: tuple[_Value | None, str]) -> tuple[_Value, str]:
    """Return the first value that there is, and where it comes from."""
    return next((value, origin) for value, origin in found if value is not None)


def _check_numbers(what: str, numbers: object, least: float) -> None:
    if numbers is None:
        return
    # Negated, because whatever is compared with NaN is false.
    if (
        not isinstance(numbers, tuple | list)
        or len(numbers) != len("rgb")
        or not all(isinstance(each, int | float) for each in numbers)
        or not all(least <= each <= MAX_NUMBER for each in numbers)
    ):
        raise UsageError(
            f"expected three {what} from {least:g} to {MAX_NUMBER:g}, found {brief(numbers)}"
        )


def _scale_notes(mean_rgb: Three, std_rgb: Three) -> Iterator[str]:
    if any(0 < mean < 1 for mean in mean_rgb) and max(std_rgb) <= 1:
        numbers = ",".join(f"{mean * 255:g}" for mean in mean_rgb)
        yield (
            f"means such as {mean_rgb[0]:g} look as if for pixels from 0 to 1, and are taken from "
            f"pixels from 0 to 255: for those, --mean {numbers}, and likewise --std"
        )
