"""Formats of an answer: what ``?format=`` chooses from."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from ..quoting import brief
from ..runtime.drawing.style import Style, choose
from ..runtime.results import encoding
from ..runtime.results.annotations.plain import polygons_as_dict
from ..runtime.results.records import to_coco_json, to_json
from ..runtime.results.result import SegmentationResult
from .problems import RequestError

DEFAULT_FORMAT: Final = "json"


@dataclass(frozen=True)
class Format:
    """One way to answer.

    Attributes:
        media_type: Of the answer.
        description: For people.
        encode: Makes the answer's content, in a worker.
    """

    media_type: str
    description: str
    encode: Callable[[SegmentationResult, Style], bytes]


def _picture(kind: str, suffix: str) -> Callable[[SegmentationResult, Style], bytes]:
    return lambda result, style: encoding.encode(result, kind, suffix, style)


FORMATS: Final[Mapping[str, Format]] = {
    "json": Format(
        "application/json",
        "the classes with share and bounding box",
        lambda result, style: to_json(result, style).encode(),
    ),
    "labels": Format("image/png", "a PNG whose pixels are class ids", _picture("labels", ".png")),
    "indexed": Format(
        "image/png", "the same, shown in colour by viewers", _picture("indexed", ".png")
    ),
    "overlay": Format(
        "image/jpeg", "the classes' colours over the image", _picture("overlay", ".jpg")
    ),
    "color": Format("image/png", "the colours alone", _picture("color", ".png")),
    "rle": Format(
        "application/json",
        "COCO run lengths, for pycocotools",
        lambda result, style: to_coco_json(result, style).encode(),
    ),
    "polygons": Format(
        "application/json",
        "the regions of each class, with holes",
        lambda result, style: json.dumps(polygons_as_dict(result, style)).encode(),
    ),
    "cutout": Format(
        "image/png",
        "the image where the chosen classes are, transparent elsewhere",
        _picture("cutout", ".png"),
    ),
}
"""Each format by its name."""


def format_named(name: str) -> Format:
    """Return a format.

    Raises:
        RequestError: There is none of that name.
    """
    if name not in FORMATS:
        raise RequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"expected a format of {', '.join(FORMATS)}, found {brief(name)}",
        )
    return FORMATS[name]


def style_of(
    names: tuple[str, ...],
    classes: str | None,
    opacity: float,
    *,
    tolerance: float = 1.0,
    min_area: int = 0,
) -> Style:
    """Return how an answer is drawn.

    Args:
        names: Name of each class id.
        classes: Names or ids, separated by commas; None for all.
        opacity: Share of the classes' colours in an overlay, from 0 to 1.
        tolerance: Of polygons, see `Style`.
        min_area: Of polygons, see `Style`.

    Raises:
        UsageError: A class is unknown, or a number makes no sense.
    """
    chosen = None if classes is None else choose(names, classes.split(","))
    return Style(opacity, chosen, tolerance=tolerance, min_area=min_area)
