"""``ppms infer``: from images and videos to overlays, labels, and more."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from ..class_names import BUILT_IN, read_names, read_palette
from ..errors import UsageError
from ..files import check_folder
from ..runtime.images.headers import MAX_PIXELS
from . import infer_options as options
from .command import Command
from .console import (
    Version,
    new_app,
    parse_size_hw,
    plural,
    print_error,
    print_note,
    run,
    stderr,
    stdout,
    warnings_as_notes,
)
from .hints import with_hint

if TYPE_CHECKING:
    from ..runtime.batch import PlannedSource
    from ..runtime.batch.observer import RunReport
    from ..runtime.batch.run import Segment
    from ..runtime.drawing.style import Style
    from ..runtime.inference.workers import Workers
    from ..runtime.segmenter import OrtSegmenter
    from ..runtime.sources import FoundSources, Shard
    from ..types import Device
    from .progress_observer import ProgressObserver

_INTERRUPTED: Final = 130
_REASONS_SHOWN: Final = 3
_PRECISIONS: Final = {"bf16": "bfloat16", "fp32": "float32"}
_LEAST_INPUT: Final = 32  # the networks halve it five times


class _Infer(Command):
    renamed: ClassVar[Mapping[str, str]] = {"--label": "--draw-names"}


app = new_app()


@app.command(help=options.HELP, cls=_Infer)
def infer(
    sources: options.Sources,
    output: options.Output = None,
    save: options.Save = None,
    coco: options.Coco = None,
    coco_form: options.CocoForm = "rle",
    tolerance: options.Tolerance = 1.0,
    min_area: options.MinArea = 0,
    overwrite: options.Overwrite = False,
    resume: options.Resume = False,
    json_lines: options.JsonLines = False,
    show: options.Show = False,
    recursive: options.Recursive = False,
    shard: options.ShardOf = None,
    vid_stride: options.VidStride = 1,
    max_frames: options.MaxFrames = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    model: options.Model = None,
    threshold: options.Threshold = None,
    names: options.Names = None,
    palette: options.Palette = None,
    merge: options.Merge = None,
    input_size: options.InputSize = None,
    tile: options.Tile = None,
    overlap: options.Overlap = None,
    device: options.Device = "cpu",
    precision: options.Precision = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    timeout: options.Timeout = None,
    classes: options.Classes = None,
    opacity: options.Opacity = 0.5,
    contours: options.Contours = False,
    draw_names: options.DrawNames = False,
    confidence: options.Confidence = 0.0,
    verbose: options.Verbose = False,
    _version: Version = False,
) -> int:
    """Compose a run of what was asked for; return its exit code."""
    # Here, because they load OpenCV and ONNX Runtime, and --help needs neither.
    import numpy as np

    from ..runtime.batch import PlannedSource
    from ..runtime.batch.reading import Reading
    from ..runtime.batch.run import run_sources
    from ..runtime.batch.session_sizes import expect_sizes
    from ..runtime.batch.sharing import open_for_run
    from ..runtime.drawing.style import Style, choose
    from ..runtime.drawing.window import Window
    from ..runtime.inference.find_model import find_model
    from ..runtime.results.kinds import LABEL_KINDS, check_kinds
    from ..runtime.sources import Shard, find_sources
    from .infer_coco import check_apart, check_coco, open_coco
    from .logs import logs_as_notes
    from .progress_observer import ProgressObserver, print_failure

    target = _check_places(sources, output)
    kinds = _parse_kinds(save, json_lines=json_lines, coco=coco)
    if "cutout" in kinds and classes is None and confidence == 0:
        raise UsageError("expected --classes for cutout: which classes are to be cut out?")
    style = Style(
        opacity,
        contours=contours,
        label=draw_names,
        confidence=confidence,
        tolerance=tolerance,
        min_area=min_area,
    )
    coco_wanted = check_coco(coco, coco_form, overwrite=overwrite, resume=resume)
    reading = Reading(vid_stride, max_frames, max_pixels)
    tiling = _parse_tiling(tile, overlap, input_size)
    known = _read_classes(names, palette)
    if confidence > 0:
        known["confidence"] = True
    if merge is not None:
        known["merge"] = merge
    size_hw = _parse_input_size(input_size)
    part = None if shard is None else Shard.parse(shard)
    found = find_sources(sources, recursive=recursive, output=target)
    if json_lines:
        for error in found.errors:
            print_failure(error, error.location)
    if not found.sources:
        raise UsageError(_reasons(found))
    if coco_wanted is not None and not kinds and target is None:
        plans = _in_shard([PlannedSource(source, {}) for source in found.sources], part)
    else:
        plans = _plan(found, kinds, target, part, overwrite=overwrite, resume=resume)
    if coco_wanted is not None:
        check_apart(coco_wanted[0], plans)
    if found.skipped and not resume:  # which is about them anyway
        print_note(
            f"left out earlier results, {len(found.skipped)} in number, such as "
            f"{found.skipped[0]}; to segment one too, name it"
        )
    if not plans:
        return _report_failures(found.errors)
    path = find_model(model)

    def opened(shared: "Workers") -> "OrtSegmenter":
        return _open_model(
            path,
            device,
            shared.session_threads if device == "cpu" else shared.all_threads,
            input_size_hw=size_hw,
            threshold=threshold,
            timeout=timeout,
            precision=precision,
            **known,
        )

    with logs_as_notes(wanted=verbose):
        segmenter, shared = open_for_run(
            opened,
            plans,
            reading,
            workers=_workers(workers, plans, device, tiling=tiling, show=show),
            threads=threads,
        )
    if tiling is None:
        expect_sizes(segmenter, plans, reading)
    if precision == "auto":
        print_note(f"--precision auto: computing in {_PRECISIONS[str(segmenter.precision)]}")
    _note_unknown(known.get("palette_rgb"), segmenter.names, palette)
    check_kinds(kinds, len(segmenter.names))
    if tiling is not None:
        # Whether model, tile and overlap go together can be told from any picture.
        segmenter.tiled(np.zeros((1, 1, 3), np.uint8), **tiling)
    if classes is not None:
        style = replace(style, classes=choose(segmenter.names, classes.split(",")))
    if draw_names or "legend" in kinds:
        _note_unwritable(segmenter.names, style)
    window = Window("ppms-infer") if show else None
    chosen = classes is not None or confidence > 0
    if chosen and kinds and LABEL_KINDS.issuperset(kinds) and not (json_lines or show or coco):
        print_note(
            f"--classes and --confidence change nothing here: {' and '.join(kinds)} hold the "
            "class of every pixel"
        )
    with (
        logs_as_notes(wanted=verbose),
        open_coco(
            coco_wanted, segmenter.names, segmenter.metadata.palette_rgb, style
        ) as coco_file,
        ProgressObserver(
            len(plans),
            style,
            saving=bool(kinds) or coco_file is not None,
            json_lines=json_lines,
            window=window,
            coco=coco_file,
        ) as observer,
    ):
        report = run_sources(
            plans,
            _segment(segmenter, tiling, observer),
            style,
            reading=reading,
            observer=observer,
            workers=0 if tiling else shared.count,
        )
    files = report.files
    if coco_file is not None and coco_file.images:
        files = (*files, coco_file.path)
        if report.done < len(plans):
            print_note(f"{coco_file.path} holds the {plural(coco_file.images, 'image')} done")
    if not json_lines and (files or not kinds):
        observer.summary.print(stdout, files, report.seconds)
    for note in report.notes:
        print_note(note)
    code = _report_failures((*found.errors, *report.failures))
    count = _count(report, len(plans), len(found.errors))
    if json_lines and code:
        stderr.print(count)
    elif not json_lines and len(plans) + len(found.errors) > 1:
        stdout.print(count)
    return _INTERRUPTED if report.interrupted else code


def _check_places(sources: Sequence[str], output: str | None) -> Path | None:
    if "" in (*sources, output):  # as a path it would mean the current folder
        raise UsageError("expected names of files and folders, found an empty one")
    if output is not None and output.lower().endswith(".onnx"):
        raise UsageError(
            f"expected a folder or an image file for the results, found the model {output}",
            parameter="model",
        )
    return None if output is None else Path(output)


def _parse_kinds(save: str | None, *, json_lines: bool, coco: str | None) -> tuple[str, ...]:
    from ..runtime.results.kinds import parse_kinds

    if save is None:
        save = "none" if json_lines or coco is not None else "overlay"
    return () if save.strip().lower() == "none" else parse_kinds(save)


def _parse_tiling(
    tile: str | None, overlap: int | None, input_size: str | None
) -> dict[str, Any] | None:
    if tile is None:
        if overlap is not None:
            raise UsageError("--overlap is that of tiles: give --tile HxW too")
        return None
    if input_size is not None:
        raise UsageError("--tile keeps the scale of the image: leave out --input-size")
    tiling: dict[str, Any] = {"tile_hw": parse_size_hw(tile)}
    return tiling if overlap is None else {**tiling, "overlap": overlap}


def _parse_input_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    size_hw = parse_size_hw(text)
    if min(size_hw) < _LEAST_INPUT:
        least = f"{_LEAST_INPUT}x{_LEAST_INPUT}"
        raise UsageError(f"expected an --input-size of at least {least}, found {text}")
    return size_hw


def _read_classes(names: str | None, palette: str | None) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if names is not None:
        known["names"], known["palette_rgb"] = read_names(names)
    if palette is not None:
        known["palette_rgb"] = read_palette(palette)
    return known


def _note_unknown(palette_rgb: object, names: Sequence[str], source: str | None) -> None:
    if isinstance(palette_rgb, dict) and str(source).lower() not in BUILT_IN:
        unknown = [name for name in palette_rgb if name not in names]
        if unknown:
            print_note(
                f"{source} has {plural(len(unknown), 'colour')} for classes that the model does "
                f"not know, such as {unknown[0]!r}"
            )


def _note_unwritable(names: Sequence[str], style: "Style") -> None:
    from ..runtime.drawing.lettering import lacks_letters, writable

    ids = range(len(names)) if style.classes is None else style.classes
    lacking = [class_id for class_id in ids if lacks_letters(names[class_id])]
    if lacking:
        name, shown = names[lacking[0]], writable(names[lacking[0]], lacking[0])
        others = f" and {plural(len(lacking) - 1, 'other name')}" if len(lacking) > 1 else ""
        print_note(
            f"the fonts here cannot write {name}{others}: pictures show {shown!r}"
            + (" and the like" if others else "")
        )


def _reasons(found: "FoundSources") -> str:
    shown = [with_hint(error) for error in found.errors[:_REASONS_SHOWN]]
    rest = len(found.errors) - len(shown)
    return "; ".join([*shown, f"and {rest} more like these"] if rest else shown)


def _plan(
    found: "FoundSources",
    kinds: tuple[str, ...],
    target: Path | None,
    shard: "Shard | None",
    *,
    overwrite: bool,
    resume: bool,
) -> "list[PlannedSource]":
    from ..runtime.batch import PlannedSource, plan_outputs, settle_existing

    if not kinds:
        if target is not None or overwrite or resume:
            raise UsageError(
                "nothing is written: leave out -o, --overwrite and --resume, or --save"
            )
        return _in_shard([PlannedSource(source, {}) for source in found.sources], shard)
    # Of all sources: no two results of any shards have the same file.
    plans = _in_shard(plan_outputs(found.sources, kinds, target), shard)
    left = settle_existing(plans, overwrite=overwrite, resume=resume)
    for folder in dict.fromkeys(path.parent for plan in left for path in plan.outputs.values()):
        check_folder(folder)
    if len(left) < len(plans):
        print_note(f"{len(plans) - len(left)} of {plural(len(plans), 'source')} done before")
    return left


def _in_shard(plans: "list[PlannedSource]", shard: "Shard | None") -> "list[PlannedSource]":
    if shard is None:
        return plans
    chosen = [plan for plan in plans if shard.holds(plan.source.location)]
    print_note(
        f"shard {shard.number} of {shard.count} has {len(chosen)} of "
        f"{plural(len(plans), 'source')}"
    )
    return chosen


def _open_model(path: Path, device: str, threads: int | None, **known: Any) -> "OrtSegmenter":
    from ..runtime.segmenter import OrtSegmenter

    with warnings_as_notes():
        return OrtSegmenter(path, cast("Device", device), threads, **known)


def _workers(
    workers: int | None,
    plans: "Sequence[PlannedSource]",
    device: str,
    *,
    tiling: object,
    show: bool,
) -> int | None:
    """Return how many images to segment at a time, None where the run is to be looked at."""
    if tiling and workers not in (None, 1):
        raise UsageError("--tile is for images that are segmented one at a time: no --workers")
    # Frames of a camera grow old while others are segmented; other devices share no cores.
    cameras = any(plan.source.kind == "camera" for plan in plans)
    if workers is None and (tiling or show or cameras or device != "cpu"):
        return 1
    return workers


def _segment(
    segmenter: "OrtSegmenter", tiling: dict[str, Any] | None, observer: "ProgressObserver"
) -> "Segment":
    if tiling is None:
        return segmenter.segment_bgr
    return partial(segmenter.tiled, **tiling, progress=observer.tiled)


def _count(report: "RunReport", planned: int, not_found: int) -> str:
    failed = len(report.failures)
    left = planned - report.done - failed
    counts = f"{report.done} done, {failed + not_found} failed"
    return f"{counts}, {left} not begun" if left > 0 else counts


def _report_failures(failures: Sequence[Exception]) -> int:
    for failure in failures:
        print_error(failure)
    return 1 if failures else 0


def main() -> None:
    """Entry point of ``ppms-infer``."""
    run(app)
