"""``ppms-infer``: from images to overlays."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ImageError, ModelError, OutputError, PPMobileSegError, UsageError
from ..quoting import printable
from .console import (
    new_app,
    parse_size_hw,
    print_error,
    print_note,
    run,
    stderr,
    stdout,
    version_option,
)
from .summary import Summary

if TYPE_CHECKING:
    from ..runtime.result import SegmentationResult
    from ..runtime.segmenter import OrtSegmenter
    from ..runtime.sinks import PlannedImage, Window

app = new_app()


@app.command()
def infer(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="Images, and folders of images."),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="FILE",
            help="The ONNX file. Without it: $PPMS_MODEL, then ./end2end.onnx, then the official "
            "model that ppms-export has fetched.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the results, or an image file for the only one. "
            "Without it: next to each image.",
        ),
    ] = None,
    save: Annotated[
        str,
        typer.Option(
            metavar="KINDS",
            help="What to write, separated by commas: overlay (colours over the image), color "
            "(colours alone), labels (a PNG whose pixels are class ids).",
        ),
    ] = "overlay",
    opacity: Annotated[
        float,
        typer.Option(metavar="0..1", help="Share of the class colour in an overlay."),
    ] = 0.5,
    device: Annotated[
        str,
        typer.Option(metavar="NAME", help="Where to run: cpu, cuda, coreml, dml or openvino."),
    ] = "cpu",
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="CPU threads. Without it: one for each core."),
    ] = None,
    input_size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW",
            help="Fit images into this size for the network: smaller is faster, larger shows "
            "finer things. Without it: the model's own rule.",
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Also show each overlay in a window; any key goes on, Esc closes it."
        ),
    ] = False,
    _version: Annotated[bool, version_option("ppms-infer")] = False,
) -> int:
    """Segment images with an exported model and write what was found.

    Earlier results of the same name are replaced. The exit code is 0 when every image was done,
    1 when something failed (the other images are done all the same), 2 for wrong use.
    """
    # Here, because they load OpenCV and ONNX Runtime, and --help needs neither.
    from ..runtime.locate import find_model
    from ..runtime.sinks import Window, parse_kinds, plan_outputs
    from ..runtime.sources import find_images

    if "" in (*sources, output):  # as a path it would mean the current folder
        raise UsageError("expected names of files and folders, found an empty one")
    kinds = parse_kinds(save)
    if not 0 <= opacity <= 1:
        raise UsageError(f"expected an opacity in [0, 1], found {opacity}")
    size_hw = None if input_size is None else parse_size_hw(input_size)
    found = find_images(sources)
    if not found.images:
        raise UsageError("; ".join(map(str, found.errors)))
    plans = plan_outputs(found.images, kinds, None if output is None else Path(output))
    segmenter = _open_model(find_model(model), device, threads, size_hw)
    window = Window("ppms-infer") if show else None
    if found.skipped:
        print_note(
            f"left out earlier results, {len(found.skipped)} in number, such as "
            f"{found.skipped[0]}; to segment one too, name it"
        )
    summary = Summary()
    failures = _segment_all(segmenter, plans, opacity, window, summary)
    if summary.images:
        summary.print(stdout)
    for failure in (*found.errors, *failures):
        print_error(failure)
    return 1 if found.errors or failures else 0


def _open_model(
    path: Path, device: str, threads: int | None, size_hw: tuple[int, int] | None
) -> "OrtSegmenter":
    from ..runtime.segmenter import OrtSegmenter

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        segmenter = OrtSegmenter(path, device, threads, input_size_hw=size_hw)
    for warning in caught:
        print_note(str(warning.message))
    return segmenter


def _segment_all(
    segmenter: "OrtSegmenter",
    plans: "list[PlannedImage]",
    opacity: float,
    window: "Window | None",
    summary: Summary,
) -> list[PPMobileSegError]:
    """Do every image that can be done; return what went wrong with the others."""
    failures: list[PPMobileSegError] = []
    for plan in _with_progress(plans):
        path = plan.source.path
        start = perf_counter()
        try:
            result = segmenter(path)
            _write(result, plan.outputs, opacity)
        except (ImageError, ModelError) as error:
            failures.append(error if str(path) in str(error) else type(error)(f"{path}: {error}"))
            continue
        except MemoryError:
            failures.append(ImageError(f"{path}: not enough memory for this image"))
            continue
        except OutputError as error:
            # Whatever keeps one result from being written keeps the next ones from it too.
            failures.append(
                OutputError(f"{error} ({summary.images} of {len(plans)} images were done)")
            )
            break
        summary.add(result, plan.outputs.values(), perf_counter() - start)
        if window is not None:
            window.show(result.plot(opacity))
    return failures


def _with_progress(plans: "list[PlannedImage]") -> "Iterable[PlannedImage]":
    if not stderr.is_interactive:
        yield from plans
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    name = Column(max_width=30, no_wrap=True, overflow="ellipsis")
    progress = Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    )
    with progress:
        task = progress.add_task("", total=len(plans))
        for plan in plans:
            progress.update(task, description=printable(plan.source.path.name))
            yield plan
            progress.advance(task)


def _write(result: "SegmentationResult", outputs: dict[str, Path], opacity: float) -> None:
    from ..runtime.images import write_image

    for kind, path in outputs.items():
        if kind == "overlay":
            write_image(path, result.plot(opacity))
        elif kind == "color":
            write_image(path, result.color())
        else:
            write_image(path, result.labels)


def main() -> None:
    """Entry point of ``ppms-infer``."""
    run(app)
