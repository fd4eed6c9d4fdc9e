"""What configurations of PaddleSeg say about preparing images.

Read off its sources: `Compose`, which reads images and turns them to RGB floats, `Resize`,
`ResizeByShort`, `ResizeByLong` and `Normalize` of paddleseg/transforms, and the deploy.yaml that
tools/export.py writes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...metadata import MAX_SIDE
from ..recipes import Recipe, Resizing, Said, Three, Unclear
from .looking import at, entries, said, shown, side, sides, standard_deviation, three

_DATA_SETS: Final = {"ADE20K": "ade20k", "Cityscapes": "cityscapes"}

_WHITE: Final = 255
_HALF: Final = (0.5,)
_TESTED: Final = (("Deploy", "transforms"), ("val_dataset", "transforms"))
_TRAINED: Final = ("train_dataset", "transforms")
_CHANGES_SIZES: Final = ("Resize", "Pad", "Crop", "Limit", "Scale", "Rotat", "Affine")
_CHANGES_NOTHING: Final = frozenset(
    {"Resize", "ResizeByShort", "ResizeByLong", "Normalize", "AddEdgeLabel"}
)

_Steps = list[tuple[str, Mapping[str, Any]]]


def recipe_of(values: Mapping[str, object]) -> Recipe:
    """Read a configuration.

    Args:
        values: What it and all that it builds on says.
    """
    found = next((each for path in _TESTED if (each := at(values, *path)) is not None), None)
    tested = said(lambda: list(entries(found))) if found is not None else None
    steps: _Steps = tested if isinstance(tested, list) else []
    resizing: Said[Resizing] = tested if isinstance(tested, Unclear) else None
    size_multiple: Said[int] = tested if isinstance(tested, Unclear) else None
    if isinstance(tested, list):
        resizing = said(lambda: _resizing(tested))
        size_multiple = said(lambda: _multiple(tested))
    normalised = steps or _trained(values)
    dataset = at(values, "val_dataset") or at(values, "train_dataset")
    kind, counts = (
        at(dataset, "type"),
        [at(each, "num_classes") for each in (values.get("model"), dataset)],
    )
    return Recipe(
        **_normalisation(normalised),
        resizing=resizing,
        size_multiple=size_multiple,
        resize_rule=None if resizing is None else "paddleseg",
        data_set=_DATA_SETS.get(kind) if isinstance(kind, str) else None,
        num_classes=next((each for each in counts if type(each) is int), None),
        notes=tuple(dict.fromkeys(_notes(values, steps))),
    )


def _trained(values: Mapping[str, object]) -> _Steps:
    """Return the steps of training: images were normalised as they are in a test."""
    found = said(lambda: list(entries(at(values, *_TRAINED))))
    return found if isinstance(found, list) else []


def _resizing(steps: _Steps) -> Resizing:
    found = Resizing()
    for kind, step in steps:
        if kind in ("Resize", "ResizeByShort", "ResizeByLong"):
            if found != Resizing():
                raise ValueError("its transforms resize twice")
            found = _resized(kind, step)
        elif any(part in kind for part in _CHANGES_SIZES):
            raise ValueError(f"its transforms have {shown(kind)}")
    return found


def _resized(kind: str, step: Mapping[str, Any]) -> Resizing:
    if (interpolation := step.get("interp", "LINEAR")) != "LINEAR":
        raise ValueError(f"its {kind} interpolates by {shown(interpolation)}")
    if kind == "ResizeByShort":
        if step.get("max_size") is not None:
            # It keeps the shorter side that the first image which is too long asks for.
            raise ValueError("its ResizeByShort has max_size")
        return Resizing(side(step.get("short_size"), "short_size"), MAX_SIDE)
    if kind == "ResizeByLong":
        long = side(step.get("long_size"), "long_size")
        return Resizing(long, long)
    width, height = sides(step.get("target_size", 512), "target_size")
    if step.get("keep_ratio", False) is True:
        return Resizing(min(width, height), max(width, height))
    return Resizing(stretched_hw=(height, width))


def _multiple(steps: _Steps) -> int:
    """Return what the sides are a multiple of; where PaddleSeg does not say, any number."""
    divisors = [step.get("size_divisor") for kind, step in steps if kind == "Resize"]
    multiples = [side(each, "size_divisor") for each in divisors if each is not None]
    return multiples[0] if multiples else 1


def _normalisation(steps: _Steps) -> dict[str, Any]:
    step = next((step for kind, step in steps if kind == "Normalize"), None)
    if step is None:
        return {}

    def scaled(name: str) -> Three:
        one, two, last = three(step.get(name, _HALF), name)
        # Rounded, so that 0.224 becomes the 57.12 that others write.
        return round(one * _WHITE, 6), round(two * _WHITE, 6), round(last * _WHITE, 6)

    return {
        "mean": said(lambda: scaled("mean")),
        "std": said(lambda: standard_deviation(scaled("std"))),
        "channel_order": "rgb",
    }


def _notes(values: Mapping[str, object], steps: _Steps) -> Iterator[str]:
    for kind, _ in steps:
        if kind not in _CHANGES_NOTHING and not any(part in kind for part in _CHANGES_SIZES):
            yield f"its transforms have {shown(kind)}, which is not done here"
    if at(values, "test_config", "is_slide") is True:
        yield "its test slides a window over images, which --tile does here"
