"""What is known about a network besides its weights, and where that was found.

What its owner says comes first: one by one, then by a configuration, then by a recipe. Then
comes what the checkpoint says, then the configuration of training that it may hold. What nobody
says is assumed to be as with mmsegmentation's models for ADE20K.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ..errors import UsageError
from ..metadata import ModelMetadata
from ..version import VERSION
from .description import Description
from .naming import names_of, palette_of
from .recipes import RECIPES, Resizing, Three
from .sources import ASSUMED, GIVEN, Network, Sources

_DEFAULTS: Final = ModelMetadata()


@dataclass(frozen=True)
class Origins:
    """Where names and numbers of a file come from, in words for a table.

    Attributes:
        names: Of the class names, such as ``"the checkpoint's"`` or ``"from names.txt"``.
        palette: Of the colours.
        normalisation: Of means and standard deviations.
        channel_order: Of the order of the channels.
        resizing: Of the size to which images are brought.
        filling: Of the multiple to which sides are filled up, and whose rule that is.
        notes: What the user should look at.
    """

    names: str
    palette: str
    normalisation: str
    channel_order: str
    resizing: str
    filling: str
    notes: tuple[str, ...] = ()


def describe(network: Network, given: Description | None = None) -> tuple[ModelMetadata, Origins]:
    """Put together what is known about a network.

    Args:
        network: The network, such as a `Checkpoint`.
        given: What its owner says.

    Returns:
        The metadata of a file that gives labels upsampled in the plain way, and where its
        entries were found.

    Raises:
        UsageError: Names, colours or the configuration cannot be read, or do not fit the network;
            or numbers do not fit each other.
    """
    given = given or Description()
    sources = Sources(network, given)
    names, names_from, along = names_of(network, given, sources)
    palette, palette_from = palette_of(network, given, sources, names, along)
    order, order_from = sources.first("channel_order", given.channel_order)
    # All but the owner say the numbers in the order of the network's channels.
    mean, mean_from = sources.first("mean", _turned(given.mean_rgb, order))
    std, std_from = sources.first("std", _turned(given.std_rgb, order))
    resizing, resizing_from = _resizing(given, sources)
    multiple, multiple_from = sources.first("size_multiple", given.size_multiple)
    rule, rule_from = sources.first("resize_rule", given.resize_rule)
    metadata = ModelMetadata(
        variant=network.variant,
        class_names=names,
        palette_rgb=palette,
        stride=network.stride,
        mean_rgb=_turned(mean, order),
        std_rgb=_turned(std, order),
        channel_order=order,
        short_side=resizing.short_side,
        long_side=resizing.long_side,
        stretched_hw=resizing.stretched_hw,
        size_multiple=multiple,
        resize_rule=rule,
        checkpoint=network.file_name,
        checkpoint_sha256=network.sha256,
        tool_version=VERSION,
        threshold=network.threshold,
    )
    try:
        metadata.checked()
    except ValueError as error:
        raise UsageError(str(error)) from None
    origins = Origins(
        names=names_from,
        palette=palette_from,
        normalisation=_joined(mean_from, std_from),
        channel_order=order_from,
        resizing=resizing_from,
        filling=_joined(multiple_from, rule_from),
    )
    assumed = _assumptions(network.file_name, origins)
    return metadata, replace(origins, notes=(*sources.notes, *assumed, *_scale_notes(mean, std)))


def _resizing(given: Description, sources: Sources) -> tuple[Resizing, str]:
    short, long = given.short_side, given.long_side
    if given.no_resize:
        return Resizing(), GIVEN
    if given.stretched_hw is not None:
        height, width = given.stretched_hw
        return Resizing(stretched_hw=(height, width)), GIVEN
    if short is not None and long is not None:
        found, origin = Resizing(short, long), GIVEN
    else:
        found, origin = sources.first("resizing")
        if short is not None or long is not None:
            if found.short_side is None:
                found, origin = Resizing(_DEFAULTS.short_side, _DEFAULTS.long_side), ASSUMED
            found = Resizing(short or found.short_side, long or found.long_side)
            said, other = ("short", "long") if short else ("long", "short")
            origin = f"the {said} side {GIVEN}, the {other} one {origin}"
    if (found.short_side or 0) > (found.long_side or 0):
        raise UsageError(
            f"expected a short side of at most the long side, {found.long_side}, found "
            f"{found.short_side}"
        )
    return found, origin


def _assumptions(file_name: str, origins: Origins) -> Iterator[str]:
    if ASSUMED in origins.normalisation:
        sized = " and which sizes" if ASSUMED in origins.resizing else ""
        yield (
            f"nothing says with which mean and std{sized} {file_name} was trained: ADE20K's are "
            "assumed, and wrong ones cost accuracy without a sign; --config FILE takes them from "
            f"its configuration, --recipe NAME from a known one ({', '.join(RECIPES)}), and each "
            "has an option of its own"
        )


def _scale_notes(mean: Three, std: Three) -> Iterator[str]:
    if any(0 < each < 1 for each in mean) and max(std) <= 1:
        numbers = ",".join(f"{each * 255:g}" for each in mean)
        yield (
            f"means such as {mean[0]:g} look as if for pixels from 0 to 1, and are taken from "
            f"pixels from 0 to 255: for those, --mean {numbers}, and likewise --std"
        )


def _turned(numbers: Three | None, order: str) -> Any:
    """Turn numbers in the order of the channels to red, green and blue, or back."""
    return numbers if numbers is None or order == "rgb" else numbers[::-1]


def _joined(first: str, second: str) -> str:
    return first if first == second else f"{first} and {second}"
