"""Names and colours of a network's classes, and where they were found."""

from typing import Any

from ..class_names import (
    BACKGROUND,
    BUILT_IN,
    choose_palette,
    default_classes,
    read_classes,
    read_palette,
    usual_palette,
)
from ..metadata import RGB
from ..palettes import distinct_palette
from .description import Description
from .recipes import Unclear
from .sources import Network, Sources


def names_of(
    network: Network, given: Description, sources: Sources
) -> tuple[tuple[str, ...], str, tuple[RGB, ...] | None]:
    """Find the name of each class id.

    Args:
        network: The network.
        given: What its owner says.
        sources: Who else says something.

    Returns:
        The names, where they come from, and the colours that a file of names brings along.

    Raises:
        UsageError: The owner's names cannot be read, or are of another number.
    """
    if given.names is not None:
        names, palette = read_classes(given.names, network.num_classes)
        return names, f"from {given.names}", palette
    if found := _fitting("class_names", "class names", BACKGROUND, network, sources):
        return found[0], found[1], None
    for data_set, origin in sources.said("data_set", assumed=False):
        names, _ = BUILT_IN[data_set]
        if len(names) == network.num_classes:
            return names, origin, None
    names, _ = default_classes(network.num_classes)
    if names == BUILT_IN["ade20k"][0]:
        return names, "ADE20K's, as there are 150 and no others are given", None
    return names, "made up, as none are given", None


def palette_of(
    network: Network,
    given: Description,
    sources: Sources,
    names: tuple[str, ...],
    along: tuple[RGB, ...] | None,
) -> tuple[tuple[RGB, ...], str]:
    """Find the colour of each class id.

    Args:
        network: The network.
        given: What its owner says.
        sources: Who else says something.
        names: Name of each class id.
        along: Colours that a file of names brought along.

    Returns:
        The colours, and where they come from.

    Raises:
        UsageError: The owner's colours cannot be read, or do not fit.
    """
    background = distinct_palette(1)[0]
    if along is not None:
        palette, origin = along, f"from {given.names}"
    elif found := _fitting("palette_rgb", "colours", background, network, sources):
        palette, origin = found
    else:
        palette = usual_palette(names)
        made_up = palette == distinct_palette(len(names))
        origin = "made up" if made_up else "those of these names"
    if given.palette is None:
        return palette, origin
    return choose_palette(names, palette, read_palette(given.palette)), f"from {given.palette}"


def _fitting(
    name: str, what: str, background: object, network: Network, sources: Sources
) -> tuple[Any, str] | None:
    """Return the first that are as many as the classes, and where they come from."""
    # A head of one class tells it from the background, which is named as well.
    count = max(network.num_classes, 2)
    for said, origin in sources.said(name):
        if isinstance(said, Unclear):
            problem = said.reason
        else:
            each = (background, *said) if network.num_classes == len(said) == 1 else said
            if len(each) == count:
                return each, origin
            problem = f"expected {count}, found {len(each)}"
        sources.notes.append(f"the {what} ({origin}) are not taken: {problem}")
    return None
