"""Documents: the kinds of result that are text, as JSON."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..drawing.style import Style
from .annotations.geojson import as_geojson
from .annotations.label_studio import as_label_studio
from .annotations.labelme import as_labelme
from .annotations.plain import polygons_as_dict
from .records import as_coco, as_dict
from .segmentation import Segmentation


def _labelme(segmentation: Segmentation, style: Style, path: Path) -> Any:
    return as_labelme(segmentation, style, _image_as_seen_from(path.parent, segmentation))


def _label_studio(segmentation: Segmentation, style: Style, path: Path) -> Any:
    del path
    image = segmentation.source or str(segmentation.path or "")
    return [as_label_studio(segmentation, style, image, from_name="tag", to_name="image")]


_DOCUMENTS: Final[dict[str, Callable[[Segmentation, Style, Path], Any]]] = {
    "json": lambda segmentation, style, _: as_dict(segmentation, style),
    "rle": lambda segmentation, style, _: as_coco(segmentation, style),
    "polygons": lambda segmentation, style, _: polygons_as_dict(segmentation, style),
    "labelme": _labelme,
    "label-studio": _label_studio,
    "geojson": lambda segmentation, style, _: as_geojson(segmentation, style),
}

DOCUMENT_KINDS: Final = frozenset(_DOCUMENTS)
"""The kinds of result that are JSON; of videos they become JSON Lines."""

_FOR_PEOPLE: Final = frozenset({"json"})


def to_document(segmentation: Segmentation, kind: str, style: Style, path: Path) -> str:
    """Return one kind of result as JSON in ASCII: on one line, or indented if people open it.

    Args:
        segmentation: What is written.
        kind: One of `DOCUMENT_KINDS`.
        style: Which classes and polygons are listed.
        path: The file that it will be in.

    Raises:
        UsageError: The style needs a confidence and there is none.
        ImageError: What tells where the image lies on Earth is malformed.
    """
    still = segmentation.frame_index is None
    indent = 2 if still and kind in _FOR_PEOPLE else None
    return json.dumps(_DOCUMENTS[kind](segmentation, style, path), indent=indent, allow_nan=False)


def _image_as_seen_from(folder: Path, segmentation: Segmentation) -> str:
    path = segmentation.path
    if path is None:
        return segmentation.source
    if segmentation.frame_index is not None:  # as programs call them that take a video apart
        path = path.with_suffix("") / f"{segmentation.frame_index:06d}.png"
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return path.absolute().as_posix()
