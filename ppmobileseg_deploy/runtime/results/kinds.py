"""Kinds of result: overlay, colours, labels, JSON and so on, and the formats of their files."""

from collections.abc import Sequence
from typing import Final

from ...errors import UsageError
from ..images.files import WRITABLE_SUFFIXES

KINDS: Final = (
    *("overlay", "color", "labels", "indexed", "json", "rle", "legend", "cutout", "polygons"),
    *("labelme", "label-studio", "geojson"),
)
"""What can be written for an image, in the order in which help lists it.

``overlay`` blended with the image, ``color`` the colours alone, ``labels`` class ids as pixel
values, ``indexed`` class ids that viewers show in colour, ``json`` the classes with shares and
boxes, ``rle`` COCO run lengths, ``legend`` the overlay with names and colours beside it,
``cutout`` the image where chosen classes are, transparent elsewhere, ``polygons`` the regions'
outlines; ``labelme``, ``label-studio`` and ``geojson`` for programs of these names.
"""

IMAGE_KINDS: Final = ("overlay", "color", "labels", "indexed", "legend", "cutout")
"""The kinds whose files are images, so that a later run could take them for its sources."""

LABEL_KINDS: Final = frozenset({"labels", "indexed"})
"""The kinds that hold the class of every pixel, whichever classes a style chooses."""

MAX_INDEXED_CLASSES: Final = 256
"""Entries of a PNG's palette."""

_PNG: Final = frozenset({".png"})
_JSON: Final = frozenset({".json"})
_WITH_ALPHA: Final = frozenset({".png", ".tif", ".tiff", ".webp"})

SUFFIXES_OF_KIND: Final = {
    "overlay": WRITABLE_SUFFIXES,
    "color": WRITABLE_SUFFIXES,
    "labels": _PNG,
    "indexed": _PNG,
    "json": _JSON,
    "rle": _JSON,
    "legend": WRITABLE_SUFFIXES,
    "cutout": _WITH_ALPHA,
    "polygons": _JSON,
    "labelme": _JSON,
    "label-studio": _JSON,
    "geojson": frozenset({".geojson", ".json"}),
}
"""How the file of a kind may end for an image; class ids survive no lossy format."""


def parse_kinds(text: str) -> tuple[str, ...]:
    """Read a list of result kinds such as ``"overlay,labels"``.

    Args:
        text: Names from `KINDS`, separated by commas.

    Returns:
        Each kind once, in the order given.

    Raises:
        UsageError: A name is unknown, or there is none.
    """
    kinds = tuple(dict.fromkeys(kind.strip().lower() for kind in text.split(",")))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(
            f"expected kinds of result from {', '.join(KINDS)}, "
            f"found {', '.join(repr(kind) for kind in unknown)}"
        )
    return kinds


def check_kinds(kinds: Sequence[str], class_count: int) -> None:
    """Make sure, before any work, that a model's classes fit into the kinds of result.

    Args:
        kinds: The kinds to write, from `parse_kinds`.
        class_count: How many classes the model tells apart.

    Raises:
        UsageError: There are more classes than a palette PNG has colours.
    """
    if "indexed" in kinds and class_count > MAX_INDEXED_CLASSES:
        raise UsageError(
            f"expected at most {MAX_INDEXED_CLASSES} classes for indexed, which a palette PNG "
            f"can hold, found {class_count}: choose labels"
        )
