"""What other programs write about a network's images: in the file, or in JSON files beside it."""

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

from ...checkpoints import Recipe, Resizing
from ...checkpoints.recipes import MAX_NAME, Three, Unclear
from ...files import kind_of
from ...metadata import MAX_CLASSES, MAX_SIDE
from ...small_files import read_small

_MOST_BYTES: Final = 1 << 20
_PIPELINE: Final = "pipeline.json"
_PREPROCESSOR: Final = "preprocessor_config.json"
_CONFIG: Final = "config.json"
_FULL: Final = 255.0


def known_origins(path: Path, properties: Mapping[str, str]) -> dict[str, Recipe | None]:
    """Read what is there of mmdeploy, Ultralytics and Hugging Face.

    Args:
        path: The file.
        properties: Its metadata.

    Returns:
        What they say, by where.
    """
    said: dict[str, Recipe | None] = {}
    if "ultralytics" in properties.get("author", "").lower():
        said["Ultralytics' metadata"] = _ultralytics(properties)
    pipeline = _json(path.with_name(_PIPELINE))
    if pipeline is not None and (transforms := list(_transforms(pipeline))):
        said[f"from mmdeploy's {_PIPELINE}"] = _mmdeploy(transforms)
    processor, config = (_json(path.with_name(name)) for name in (_PREPROCESSOR, _CONFIG))
    if processor is not None and "image_processor_type" in processor:
        said[f"from {_PREPROCESSOR}"] = _preprocessor(processor)
    if config is not None and "id2label" in config:
        names = _names(config["id2label"])
        said[f"from {_CONFIG}"] = Recipe(class_names=names)
    return said


def _json(path: Path) -> dict[str, Any] | None:
    """Read a file; None where there is none of that name that is JSON of an object."""
    if kind_of(path) != "file":
        return None
    try:
        content = read_small(path, _MOST_BYTES)
        found = json.loads(content) if len(content) <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None  # a file of that name need not have to do with it
    return found if isinstance(found, dict) else None


def _transforms(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    pipeline = found.get("pipeline")
    tasks = pipeline.get("tasks") if isinstance(pipeline, dict) else None
    for task in tasks if isinstance(tasks, list) else ():
        transforms = task.get("transforms") if isinstance(task, dict) else None
        for each in transforms if isinstance(transforms, list) else ():
            if isinstance(each, dict):
                yield each


def _mmdeploy(transforms: Sequence[Mapping[str, Any]]) -> Recipe:
    by_type = {str(each.get("type")): each for each in transforms}
    normalize, resize, pad = (by_type.get(name, {}) for name in ("Normalize", "Resize", "Pad"))
    to_rgb = normalize.get("to_rgb")
    return Recipe(
        mean=_three(normalize.get("mean")),
        std=_three(normalize.get("std")),
        channel_order=None if not isinstance(to_rgb, bool) else "rgb" if to_rgb else "bgr",
        resizing=_mmdeploy_size(resize),
        size_multiple=_side(pad.get("size_divisor")),
        resize_rule="mmseg",
    )


def _mmdeploy_size(resize: Mapping[str, Any]) -> Resizing | None:
    size = resize.get("size")
    if not isinstance(size, list) or len(size) != 2 or None in map(_side, size):
        return None
    if resize.get("keep_ratio"):
        return Resizing(min(size), max(size))
    width, height = size
    return Resizing(stretched_hw=(height, width))


def _ultralytics(properties: Mapping[str, str]) -> Recipe:
    # A literal of Python; nothing is run.
    size, stride = (_literal(properties.get(name, "")) for name in ("imgsz", "stride"))
    sides = [side for side in map(_side, size if isinstance(size, list) else ()) if side]
    return Recipe(
        mean=(0, 0, 0),
        std=(_FULL, _FULL, _FULL),
        channel_order="rgb",
        resizing=Resizing(min(sides), max(sides)) if len(sides) == 2 else None,
        size_multiple=_side(stride),
        resize_rule="mmseg",
        class_names=_names(_literal(properties.get("names", ""))),
        notes=(
            "Ultralytics pads images with gray on all sides, which is done here with black at the "
            "right and below",
        ),
    )


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text) if len(text) <= _MOST_BYTES else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _preprocessor(found: Mapping[str, Any]) -> Recipe:
    scale = found.get("rescale_factor", 1 / _FULL) if found.get("do_rescale", True) else 1.0
    unit = 1 / scale if isinstance(scale, float | int) and scale > 0 else _FULL
    mean: Three | None = (0, 0, 0)
    std: Three | None = (unit, unit, unit)
    if found.get("do_normalize", "image_mean" in found):
        mean, std = (_three(found.get(f"image_{name}"), unit) for name in ("mean", "std"))
    return Recipe(
        mean=mean,
        std=std,
        channel_order="bgr" if found.get("do_flip_channel_order") else "rgb",
        resizing=_preprocessor_size(found),
    )


def _preprocessor_size(found: Mapping[str, Any]) -> Resizing | Unclear | None:
    if found.get("do_center_crop"):
        return Unclear("it crops images")
    if not found.get("do_resize", True):
        return Resizing()
    size = found.get("size")
    if isinstance(size, int):
        size = {"height": size, "width": size}
    if not isinstance(size, dict):
        return None
    height, width, shortest = (_side(size.get(k)) for k in ("height", "width", "shortest_edge"))
    if height is not None and width is not None:
        return Resizing(stretched_hw=(height, width))
    return None if shortest is None else Resizing(shortest, MAX_SIDE)


def _names(found: object) -> tuple[str, ...] | None:
    """Read names by class id, whose keys may be texts; None where they are none."""
    if not isinstance(found, dict) or not 1 <= len(found) <= MAX_CLASSES:
        return None
    by_id = {str(key): value for key, value in found.items()}
    names = [by_id.get(str(number)) for number in range(len(found))]
    if not all(isinstance(name, str) and 0 < len(name) <= MAX_NAME for name in names):
        return None
    return tuple(str(name) for name in names)


def _three(found: object, unit: float = 1.0) -> Three | None:
    numbers: list[Any] = found if isinstance(found, list) else [found] * 3
    if len(numbers) != 3:
        return None
    for each in numbers:
        if isinstance(each, bool) or not isinstance(each, float | int) or not isfinite(each):
            return None
    first, second, third = (round(each * unit, 6) for each in numbers)
    return first, second, third


def _side(found: object) -> int | None:
    is_side = isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= MAX_SIDE
    return found if is_side else None  # type: ignore[return-value]
