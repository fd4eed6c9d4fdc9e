"""What configurations of mmsegmentation, 0.x and 1.x, say about preparing images.

Read off its sources: `SegDataPreProcessor`, mmcv's `Resize`, `MultiScaleFlipAug`, and what
configs/_base_ assigns.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ..recipes import ChannelOrder, Recipe, Resizing, Said, Unclear
from .looking import (
    MAX_STEPS,
    at,
    colours,
    entries,
    inner,
    names,
    said,
    shown,
    side,
    sides,
    standard_deviation,
    three,
)

_DATA_SETS: Final = {"ADE20KDataset": "ade20k", "CityscapesDataset": "cityscapes"}

_TESTED: Final = (
    ("test_dataloader", "dataset"),
    ("val_dataloader", "dataset"),
    ("data", "test"),
    ("data", "val"),
)
"""Where the data set of a test stands, with its pipeline."""

_AUGMENTED: Final = "MultiScaleFlipAug"

_CHANGES_SIZES: Final = ("Resize", "Rescale", "Pad", "Crop", "Rotat", "Scale")
"""Parts of the names of steps that do."""

_CHANGES_NOTHING: Final = frozenset(
    {
        *("LoadImageFromFile", "LoadImageFromNDArray", "LoadAnnotations", "RandomFlip", "Flip"),
        *("PackSegInputs", "ImageToTensor", "DefaultFormatBundle", "Collect", "ToTensor"),
        *("Resize", "ResizeShortestEdge", "Pad", "Normalize"),  # are read
    }
)


class _Step(NamedTuple):
    """One step of a pipeline, and the scale that a step around it has, as in 0.x."""

    kind: str
    values: Mapping[str, Any]
    scale: object = None


def recipe_of(values: Mapping[str, object], *, complete: bool) -> Recipe:
    """Read a configuration.

    Args:
        values: What it and all that it builds on assigns.
        complete: Whether all of that was there, so that what is not said has its default.
    """
    dataset = inner(next((each for path in _TESTED if (each := at(values, *path))), None))
    pipeline = at(dataset, "pipeline") or at(values, "test_pipeline")
    steps, unclear = _steps(pipeline)
    resizing: Said[Resizing] = None
    if pipeline is not None:
        resizing = unclear or said(lambda: _resizing(steps))
    preprocessor = at(values, "model", "data_preprocessor") or at(values, "data_preprocessor")
    metainfo = at(dataset, "metainfo") or dataset
    classes, palette = at(metainfo, "classes"), at(metainfo, "palette")
    kind = at(dataset, "type")
    return Recipe(
        **_normalisation(steps, unclear, preprocessor, complete=complete),
        resizing=resizing,
        size_multiple=said(lambda: _multiple(steps, preprocessor)) or unclear,
        resize_rule=None if resizing is None else "mmseg",
        class_names=None if classes is None else said(lambda: names(classes)),
        palette_rgb=None if palette is None else said(lambda: colours(palette)),
        data_set=_DATA_SETS.get(kind.rsplit(".", 1)[-1]) if isinstance(kind, str) else None,
        num_classes=_num_classes(values),
        notes=tuple(dict.fromkeys(_notes(values, steps, preprocessor))),
    )


def _steps(pipeline: object) -> tuple[list[_Step], Unclear | None]:
    """Return the steps in their order, those within a step that tests several scales as well."""
    found: list[_Step] = []
    unclear = None
    try:
        for kind, step in entries(pipeline or ()):
            if kind != _AUGMENTED:
                found.append(_Step(kind, step))
                continue
            ratios = step.get("img_ratios")
            if ratios not in (None, 1.0) and not (isinstance(ratios, list) and len(ratios) == 1):
                unclear = Unclear("its test pipeline takes several scales")
            within = entries(step.get("transforms"))
            found += [_Step(kind, each, step.get("img_scale")) for kind, each in within]
            if len(found) > MAX_STEPS:
                raise ValueError(f"its test pipeline has more than {MAX_STEPS} steps")
    except ValueError as error:
        return found, Unclear(str(error))
    return found, unclear


def _resizing(steps: list[_Step]) -> Resizing:
    found = Resizing()
    for step in steps:
        if step.kind in ("Resize", "ResizeShortestEdge"):
            if found != Resizing():
                raise ValueError("its test pipeline resizes twice")
            found = _resized(step)
        elif step.kind == "Pad":
            if step.values.get("size_divisor") is None:
                raise ValueError("its test pipeline pads to a size, expected to a multiple")
        elif any(part in step.kind for part in _CHANGES_SIZES):
            raise ValueError(f"its test pipeline has {shown(step.kind)}")
    return found


def _resized(step: _Step) -> Resizing:
    values = step.values
    for name in ("scale_factor", "ratio_range", "min_size"):
        if values.get(name) is not None:
            raise ValueError(f"its {step.kind} has {name}")
    if (interpolation := values.get("interpolation", "bilinear")) != "bilinear":
        raise ValueError(f"its {step.kind} interpolates by {shown(interpolation)}")
    if step.kind == "ResizeShortestEdge":
        short, long = (side(values.get(name), name) for name in ("scale", "max_size"))
        return Resizing(short, long)
    is_old = "scale" not in values
    scale = values.get("img_scale", step.scale) if is_old else values["scale"]
    if isinstance(scale, list) and len(scale) == 1:
        (scale,) = scale
    width, height = sides(scale, "img_scale" if is_old else "scale")
    keeps_ratio = values.get("keep_ratio", is_old)
    if not isinstance(keeps_ratio, bool):
        raise ValueError(f"its keep_ratio is {shown(keeps_ratio)}")
    if keeps_ratio:
        return Resizing(min(width, height), max(width, height))
    return Resizing(stretched_hw=(height, width))


def _normalisation(
    steps: list[_Step], unclear: Unclear | None, preprocessor: object, *, complete: bool
) -> dict[str, Any]:
    step = next((step.values for step in steps if step.kind == "Normalize"), None)
    source = preprocessor if step is None else step
    if source is None and unclear is not None:  # it may be in what is not understood
        return {"mean": unclear, "std": unclear, "channel_order": unclear}
    mean, std = at(source, "mean"), at(source, "std")
    if mean is std is None:
        if not isinstance(source, Mapping) or not complete:
            return {"channel_order": _order(source, is_old=step is not None, complete=False)}
        mean, std = 0, 1  # not normalised
    return {
        "mean": said(lambda: three(mean, "mean")),
        "std": said(lambda: standard_deviation(std)),
        "channel_order": _order(source, is_old=step is not None, complete=complete),
    }


def _order(source: object, *, is_old: bool, complete: bool) -> Said[ChannelOrder]:
    # Images are read as BGR. In 1.x either of the two turns the channels round.
    turned = {name: at(source, name) for name in ("to_rgb", "bgr_to_rgb", "rgb_to_bgr")}
    for name, value in turned.items():
        if value not in (None, True, False):
            return Unclear(f"its {name} is {shown(value)}, expected True or False")
    if True in turned.values():
        return "rgb"
    if False in turned.values():
        return "bgr"
    return ("rgb" if is_old else "bgr") if complete else None


def _multiple(steps: list[_Step], preprocessor: object) -> int | None:
    """Return what sides are a multiple of; of several, what the pipeline says."""
    divisors = [step.values.get("size_divisor") for step in steps if step.kind == "Pad"]
    divisors.append(at(preprocessor, "test_cfg", "size_divisor"))
    multiples = [side(each, "size_divisor") for each in divisors if each is not None]
    return multiples[0] if multiples else None


def _num_classes(values: Mapping[str, object]) -> int | None:
    head = at(values, "model", "decode_head")
    head = head[-1] if isinstance(head, list) and head else head
    count = at(head, "num_classes")
    # A head of one class has two by name and one by out_channels.
    return count if type(count) is int and at(head, "out_channels") is None else None


def _notes(
    values: Mapping[str, object], steps: list[_Step], preprocessor: object
) -> Iterator[str]:
    for step in steps:
        sized = any(part in step.kind for part in _CHANGES_SIZES)
        if step.kind not in _CHANGES_NOTHING and not sized:
            yield f"its test pipeline has {shown(step.kind)}, which is not done here"
        if step.values.get("to_float32") is True:
            yield "it resizes images as floats, which are resized as bytes here"
    kinds = [step.kind for step in steps]
    if "Pad" in kinds and "Normalize" not in kinds[: kinds.index("Pad")]:
        yield "it pads before it normalises, which is done the other way round here"
    if at(preprocessor, "test_cfg", "size") is not None:
        yield "its data_preprocessor pads to a size, which is not done here"
    if at(values, "model", "test_cfg", "mode") == "slide":
        yield "its test slides a window over images, which --tile does here"
