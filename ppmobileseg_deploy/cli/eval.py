"""``ppms eval``: how accurate models are on labelled images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from ..errors import UsageError
from ..file_names import names_checkpoint
from .against import ENGINES, parse_against
from .checkpoint_options import (
    About,
    ChannelOrder,
    ConfigFile,
    LongSide,
    Mean,
    NoResize,
    RecipeName,
    ResizeRule,
    ShortSide,
    SizeMultiple,
    Std,
    Stretch,
    Weights,
    note_other_input,
)
from .command import Command
from .console import Version, new_app, print_note, run, stdout, warnings_as_notes
from .extras import require_export_extra
from .inputs import check_models
from .preparation import filling, sizes
from .progress import progress
from .reports import JSON, STDOUT, JsonFile, check_report, write_json

if TYPE_CHECKING:
    from ..evaluation import Evaluation, LabelledImage
    from ..evaluation.torch_segmenter import TorchSegmenter
    from ..metadata import RGB, ModelMetadata
    from ..runtime.segmenter import OrtSegmenter

    _Model: TypeAlias = OrtSegmenter | TorchSegmenter

_CITYSCAPES_CLASSES: Final = 19
_NEAR_ZERO_MIOU: Final = 0.05

app = new_app()


@app.command(cls=Command)
def evaluate_models(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="ONNX files; also PyTorch checkpoints where the export extra is installed.",
        ),
    ],
    images: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of images.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of PNG or TIFF files of class ids: NAME.png for NAME.jpg, or "
            "NAME_labels.png, as ppms infer --save labels writes them.",
        ),
    ] = None,
    ade20k: Annotated[
        Path | None,
        typer.Option(
            metavar="ROOT",
            help="ADE20K's folder, with images/validation and annotations/validation.",
        ),
    ] = None,
    cityscapes: Annotated[
        Path | None,
        typer.Option(
            metavar="ROOT",
            help="Cityscapes' folder: leftImg8bit/val and gtFine/val (_labelTrainIds.png).",
        ),
    ] = None,
    reduce_zero_label: Annotated[
        bool,
        typer.Option(
            "--reduce-zero-label",
            help="Label 0 means other and does not count; class ids begin at 1.",
        ),
    ] = False,
    ignore: Annotated[
        int,
        typer.Option(
            metavar="ID",
            help="Label of pixels that do not count; with --reduce-zero-label as it is once "
            "reduced, as in mmsegmentation.",
        ),
    ] = 255,
    foreground: Annotated[
        int | None,
        typer.Option(
            metavar="VALUE",
            help="Labels are masks: this value, often 255, is class 1, and 0 is class 0.",
        ),
    ] = None,
    label_palette: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Labels are pictures in the colours of the classes: JSON ([[r, g, b], ...] by "
            "class id, or {name: [r, g, b], ...}), or the word model, ade20k or cityscapes.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            help="Of heads of one class: the probability above which a pixel is of it. Without "
            "it: that of the file, or 0.3.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Take the first N images only.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="CPU threads. Without it: one for each core."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Also run each ONNX file in another engine: openvino (float32), openvino-bf16, "
            "or both. Needs an ONNX Runtime with OpenVINO.",
        ),
    ] = None,
    json_file: JsonFile = None,
    weights: Weights = None,
    mean: Mean = None,
    std: Std = None,
    channel_order: ChannelOrder = None,
    short_side: ShortSide = None,
    long_side: LongSide = None,
    no_resize: NoResize = False,
    stretch: Stretch = None,
    size_multiple: SizeMultiple = None,
    resize_rule: ResizeRule = None,
    recipe: RecipeName = None,
    config: ConfigFile = None,
    _version: Version = False,
) -> None:
    """Measure mIoU and accuracy on labelled images, of one model or of several side by side.

    Labels are compared at the size of the image, and counted as mmsegmentation does. With several
    models, the share of pixels on which they agree is shown too. A checkpoint runs in PyTorch
    through mmsegmentation's test pipeline: name it beside its ONNX file to see what the export
    costs, with the options about the network that it was exported with.
    """
    from ..evaluation import LabelCoding, evaluate
    from .eval_report import as_json, print_report

    if len(set(models)) < len(models):
        raise UsageError(f"expected each model once, found {' '.join(models)}")
    dataset = _dataset(images, labels, ade20k, cityscapes)[:limit]
    pictures = (path for pair in dataset for path in (pair.image, pair.labels))
    check_report("--json", json_file, JSON, (*models, *pictures))
    about = About(
        mean=mean,
        std=std,
        channel_order=channel_order,
        short_side=short_side,
        long_side=long_side,
        no_resize=no_resize,
        stretch=stretch,
        size_multiple=size_multiple,
        resize_rule=resize_rule,
        recipe=recipe,
        config=config,
    )
    _check_about((*(() if weights is None else ("--weights",)), *about.options), models)
    engines = parse_against(against)
    segmenters: dict[str, _Model] = {}
    for model in models:
        if names_checkpoint(model):
            segmenters[model] = _open_checkpoint(model, about, weights, threshold)
            continue
        segmenters[model] = _open(model, threads, threshold)
        for engine in engines:
            segmenters[f"{model} ({engine})"] = _open(model, threads, threshold, engine)
    _note_thresholds(segmenters)
    prepared = {name: each.metadata for name, each in segmenters.items()}
    note_other_input(prepared, "a checkpoint is given those of its ONNX file by --mean and --std")
    _note_other_sizes(prepared)
    if cityscapes is not None:
        _note_other_classes(segmenters)
    palette_rgb = None
    if label_palette is not None:
        palette_rgb = _palette(label_palette, next(iter(segmenters.values())))
    coding = LabelCoding(
        reduce_zero_label=reduce_zero_label or ade20k is not None,
        ignore=ignore,
        foreground=foreground,
        palette_rgb=palette_rgb,
    )
    with progress() as show:
        evaluation = evaluate(segmenters, dataset, coding=coding, on_progress=show)
    if json_file != STDOUT:
        print_report(evaluation, stdout)
    if _mixes_forms(segmenters):
        print_note(
            "a checkpoint decides at the image's size, as mmsegmentation does, an ONNX file with "
            "labels on a grid of its own: where sizes differ, so do some labels along borders"
        )
    # The ids of both layouts are known.
    if images is not None and not reduce_zero_label and _near_zero(evaluation):
        print_note("mIoU is near zero: do ids begin at 1? --reduce-zero-label")
    _note_beyond(evaluation)
    _note_masks(evaluation)
    if json_file is not None:
        write_json(as_json(evaluation), json_file)


def _dataset(
    images: Path | None, labels: Path | None, ade20k: Path | None, cityscapes: Path | None
) -> "Sequence[LabelledImage]":
    from ..evaluation import find_ade20k, find_cityscapes, find_labelled_images

    # One of the two folders is meant as a data set, too.
    options = {"--images/--labels": images or labels, "--ade20k": ade20k}
    options["--cityscapes"] = cityscapes
    given = [option for option, folder in options.items() if folder is not None]
    if len(given) != 1:
        found = f"{len(given)}: {', '.join(given)}" if given else "none"
        raise UsageError(
            "expected one data set: --images DIR --labels DIR, --ade20k ROOT or "
            f"--cityscapes ROOT, found {found}"
        )
    if ade20k is None and cityscapes is None and (images is None or labels is None):
        raise UsageError("--images and --labels belong together, found one of them")
    if ade20k is not None:
        return find_ade20k(ade20k)
    if cityscapes is not None:
        return find_cityscapes(cityscapes)
    assert images is not None and labels is not None  # noqa: S101  narrows the types
    return find_labelled_images(images, labels)


def _palette(source: str, segmenter: "_Model") -> "tuple[RGB, ...]":
    """Return the colour of each class of a model in pictures that serve as labels."""
    from ..class_names import choose_palette, read_palette
    from ..files import kind_of

    own = segmenter.metadata.palette_rgb
    if source == "model" and kind_of(Path(source)) is None:
        return own
    return choose_palette(segmenter.names, own, read_palette(source))


def _note_masks(evaluation: "Evaluation") -> None:
    """Note labels of 0 and 255 alone: most likely masks, of which the foreground is left out."""
    coding, ignored = evaluation.coding, evaluation.ignored_share
    shares = next(iter(evaluation.scores.values())).confusion.class_share
    by_id = not coding.reduce_zero_label and coding.foreground is None and not coding.palette_rgb
    if not (by_id and ignored > 0 and shares[0] == 1):
        return
    remedy = (
        f"--foreground {coding.ignore} makes that class 1"
        if len(evaluation.names) == 2
        else f"the model has {len(evaluation.names)} classes, so give each its own id"
    )
    print_note(
        f"the labels are 0 and {coding.ignore} only, and {coding.ignore} does not count: "
        f"{100 * ignored:.2f} % of the pixels are left out, and the figures tell of class 0 "
        f"alone; if these are masks, {remedy}"
    )


def _note_beyond(evaluation: "Evaluation") -> None:
    if evaluation.beyond is not None:
        print_note(
            f"{evaluation.beyond}; as in mmsegmentation, such pixels are of no class, and lower "
            "the IoU of the class that is found there"
        )


def _note_other_classes(segmenters: "Mapping[str, _Model]") -> None:
    for name, segmenter in segmenters.items():
        if len(segmenter.names) != _CITYSCAPES_CLASSES:
            print_note(
                f"--cityscapes has {_CITYSCAPES_CLASSES} classes, {name} has "
                f"{len(segmenter.names)}: its ids mean other things than the labels'"
            )


def _note_other_sizes(models: "Mapping[str, ModelMetadata]") -> None:
    seen: dict[str, str] = {}
    for name, metadata in models.items():
        seen.setdefault(f"{sizes(metadata)}; {filling(metadata)}", name)
    if len(seen) > 1:
        (one, first), (other, second) = list(seen.items())[:2]
        print_note(
            f"{first} and {second} see images of other sizes, {one} against {other}: a checkpoint "
            "is given those of its ONNX file by --config, --recipe or one by one"
        )


def _note_thresholds(segmenters: "Mapping[str, _Model]") -> None:
    thresholds = {name: each.metadata.threshold for name, each in segmenters.items()}
    decided = {name: threshold for name, threshold in thresholds.items() if threshold}
    if len(set(decided.values())) > 1:
        found = ", ".join(f"{threshold:g} in {name}" for name, threshold in decided.items())
        print_note(f"the models see their class above different probabilities: {found}")


def _mixes_forms(segmenters: "Mapping[str, _Model]") -> bool:
    """Whether checkpoints and ONNX files that give labels only stand side by side."""
    from ..runtime.segmenter import OrtSegmenter

    files = {name: each for name, each in segmenters.items() if not names_checkpoint(name)}
    gives_labels = (
        isinstance(each, OrtSegmenter) and each.output == "labels" for each in files.values()
    )
    return len(files) < len(segmenters) and any(gives_labels)


def _near_zero(evaluation: "Evaluation") -> bool:
    return all(score.confusion.miou < _NEAR_ZERO_MIOU for score in evaluation.scores.values())


def _check_about(options: Sequence[str], models: Sequence[str]) -> None:
    if options and not any(map(names_checkpoint, models)):
        raise UsageError(f"{options[0]} is for checkpoints, found none among the models")


def _open_checkpoint(
    model: str, about: About, weights: str | None, threshold: float | None
) -> "TorchSegmenter":
    check_models(model)
    require_export_extra("evaluating a checkpoint")
    from ..evaluation.torch_segmenter import TorchSegmenter

    segmenter = TorchSegmenter(model, threshold, weights=weights, description=about.description())
    for note in segmenter.notes:
        print_note(note)
    return segmenter


def _open(
    model: str, threads: int | None, threshold: float | None, engine: str | None = None
) -> "OrtSegmenter":
    from ..runtime.inference.find_model import find_model
    from ..runtime.segmenter import OrtSegmenter

    known: dict[str, Any] = {"threads": threads, "threshold": threshold}
    if engine is not None:
        known |= {"device": "openvino", "precision": ENGINES[engine]}
    with warnings_as_notes():
        return OrtSegmenter(find_model(model), **known)


def main() -> None:
    """Entry point of ``ppms-eval``."""
    run(app)
