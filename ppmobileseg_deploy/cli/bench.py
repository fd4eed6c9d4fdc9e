"""``ppms bench``: how fast models are on this machine."""

from pathlib import Path
from typing import Annotated, Final

import typer

from ..errors import UsageError
from .against import ENGINES, parse_against
from .command import Command
from .console import Version, new_app, parse_size_hw, run, stdout, warnings_as_notes
from .extras import require_export_extra
from .inputs import check_inputs
from .progress import progress
from .reports import JSON, PICTURE, STDOUT, JsonFile, check_report, write_json

_SIZE: Final = "512x512"

app = new_app()


@app.command(cls=Command)
def bench_models(
    models: Annotated[list[str], typer.Argument(metavar="MODEL", help="ONNX files.")],
    size: Annotated[
        str | None,
        typer.Option(metavar="HxW", help=f"Size of the synthetic picture; by default {_SIZE}."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measure on this image, not on a synthetic one."),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option(
            metavar="N,...",
            help="CPU threads; several numbers are compared. Without it: one for each core.",
        ),
    ] = None,
    classes_present: Annotated[
        str | None,
        typer.Option(
            metavar="N,...",
            help="Also time the upsampling alone, in its three forms, on synthetic logits with so "
            "many classes. Needs the export extra.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Also time the network alone, here and in other engines: openvino (float32), "
            "openvino-bf16, or both. Needs the package openvino.",
        ),
    ] = None,
    runs: Annotated[
        int, typer.Option(metavar="N", min=1, help="How often each model has its turn.")
    ] = 20,
    json_file: JsonFile = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also draw them, as PNG or JPEG. Needs matplotlib."),
    ] = None,
    _version: Version = False,
) -> None:
    """Measure how long models take from an image's file to the overlay's, stage by stage.

    Several models, and several numbers of threads, take turns image by image, so that a machine
    that gets slower or faster meanwhile treats them alike. As in a stream, the network is open
    for the size of the image. Peak memory and start are those of fresh processes with one image.
    """
    from ..benchmarking import measure
    from ..runtime.images.files import write_image
    from ..runtime.inference.find_model import find_model
    from .bench_report import as_json, print_report

    if image is not None and size is not None:
        raise UsageError("expected --image or --size, found both: an image has its own size")
    engines = parse_against(against)
    inputs = (*models, *(() if image is None else (image,)))
    check_inputs(image)
    check_report("--json", json_file, JSON, inputs)
    check_report("--plot", plot, PICTURE, inputs)
    if plot is not None:  # before the work: it needs a package of the bench extra
        from ..benchmarking.plotting import draw_benchmark
    if classes_present is not None:
        require_export_extra("--classes-present")
    with warnings_as_notes(), progress() as show:
        benchmark = measure(
            [find_model(model) for model in models],
            image,
            size_hw=parse_size_hw(size or _SIZE),
            threads=_numbers("--threads", threads) or [None],
            classes_present=_numbers("--classes-present", classes_present),
            openvino=[ENGINES[name] for name in engines],
            turns=runs,
            on_progress=show,
        )
    if json_file != STDOUT:
        print_report(benchmark, stdout)
    if json_file is not None:
        write_json(as_json(benchmark), json_file)
    if plot is not None:
        write_image(plot, draw_benchmark(benchmark))


def _numbers(option: str, text: str | None) -> list[int]:
    """Read what an option lists; nothing where it was not given."""
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        raise UsageError(f"expected {option} to be numbers such as 1,2, found {text!r}")
    numbers = [int(part) for part in parts]
    if len(set(numbers)) < len(numbers) or min(numbers) < 1:
        raise UsageError(f"expected {option} to be different numbers from 1 on, found {text!r}")
    return numbers


def main() -> None:
    """Entry point of ``ppms-bench``."""
    run(app)
