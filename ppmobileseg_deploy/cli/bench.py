"""``ppms-bench``: how fast models are on this machine."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..errors import UsageError
from .console import new_app, parse_size_hw, print_note, run, stdout, version_option
from .extras import require_export_extra
from .progress import progress

if TYPE_CHECKING:
    from ..benchmarking import Candidate
    from ..benchmarking.head import HeadRow

_SIZE: Final = "512x512"
_ENGINES: Final = ("openvino",)

app = new_app()


@app.command()
def bench_models(
    models: Annotated[list[str], typer.Argument(metavar="MODEL", help="ONNX files.")],
    size: Annotated[
        str | None,
        typer.Option(metavar="HxW", help=f"Size of the made-up picture; by default {_SIZE}."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measure on this image, not on a made-up one."),
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
            help="Also time the upsampling alone, in its three forms, on made-up logits with so "
            "many classes. Needs the export extra.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Also time the network alone, here and in another engine: openvino.",
        ),
    ] = None,
    runs: Annotated[
        int, typer.Option(metavar="N", min=1, help="How often each model has its turn.")
    ] = 20,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write all figures here.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw them, as PNG or JPEG.")
    ] = None,
    _version: Annotated[bool, version_option("ppms-bench")] = False,
) -> None:
    """Measure how long models take from an image's file to the overlay's, stage by stage.

    Several models, and several numbers of threads, take turns image by image, so that a machine
    that gets slower or faster meanwhile treats them alike. As in a stream, the network is open
    for the size of the image. Memory and start are those of fresh processes.
    """
    if image is not None and size is not None:
        raise UsageError("expected --image or --size, found both: an image has its own size")
    if against not in (None, *_ENGINES):
        raise UsageError(f"expected --against {' or '.join(_ENGINES)}, found {against!r}")
    counts = _numbers("--classes-present", classes_present) if classes_present else []
    if counts:
        require_export_extra("--classes-present")
    from ..benchmarking import candidates, find_conditions, made_up_picture, measure_whole
    from ..benchmarking.benchmark import Benchmark
    from ..benchmarking.engines import require_openvino
    from ..benchmarking.logits import require_possible
    from ..benchmarking.networks import measure_networks
    from ..runtime.images import WRITABLE_SUFFIXES, read_image, write_image
    from ..runtime.locate import find_model
    from .bench_report import print_report, write_report

    if against is not None:
        require_openvino()
    if plot is not None and plot.suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageError(
            f"expected --plot to end in {', '.join(sorted(WRITABLE_SUFFIXES))}, found {plot}"
        )
    conditions = find_conditions()
    if conditions.busy:
        print_note(
            f"this machine is busy (load {conditions.load:.1f} on {conditions.machine_cores} "
            "cores): do not trust the figures"
        )
    with _warnings_as_notes():
        runners = candidates(
            [find_model(model) for model in models],
            _numbers("--threads", threads) if threads else [None],
        )
        with tempfile.TemporaryDirectory() as folder:
            file = image
            if file is None:
                file = Path(folder) / "picture.jpg"
                write_image(file, made_up_picture(parse_size_hw(size or _SIZE)))
            picture_bgr = read_image(file)
            picture_hw = picture_bgr.shape[0], picture_bgr.shape[1]
            # One for all models whose heads are alike.
            heads = list(dict.fromkeys(_Head.of(each, picture_hw) for each in runners if counts))
            for head in heads:
                require_possible(counts, head.grid_hw, head.num_classes)
            with progress("images") as show:
                whole = measure_whole(runners, file, runs, on_progress=show)
    networks = []
    if against is not None:
        with progress("networks") as show:
            networks = measure_networks(runners, picture_bgr, runs, on_progress=show)
    benchmark = Benchmark(
        conditions=conditions,
        picture="made-up picture" if image is None else image.name,
        picture_hw=picture_hw,
        turns=runs,
        whole=whole,
        networks=networks,
        heads=[row for head in heads for row in head.measure(counts, runs)],
    )
    print_report(benchmark, stdout)
    if json_file is not None:
        write_report(benchmark, json_file)
    if plot is not None:
        from ..benchmarking.plotting import draw_benchmark

        write_image(plot, draw_benchmark(benchmark))


@dataclass(frozen=True)
class _Head:
    """What there is to know of a model's upsampling."""

    stride: int
    grid_hw: tuple[int, int]
    num_classes: int
    threads: int | None

    @classmethod
    def of(cls, runner: "Candidate", picture_hw: tuple[int, int]) -> "_Head":
        metadata = runner.contract.metadata
        if metadata.stride < 1:
            raise UsageError(
                f"--classes-present expects models that tell their stride, {runner.model} does not"
            )
        height, width = (-(-side // metadata.stride) for side in runner.network_hw(picture_hw))
        return cls(metadata.stride, (height, width), metadata.num_classes, runner.threads)

    def measure(self, counts: Sequence[int], runs: int) -> "list[HeadRow]":
        from ..benchmarking.head import measure_head

        with progress(f"upsampling, stride {self.stride}") as show:
            return measure_head(
                runs,
                self.stride,
                self.grid_hw,
                counts,
                num_classes=self.num_classes,
                threads=self.threads,
                on_progress=show,
            )


def _numbers(option: str, text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        raise UsageError(f"expected {option} to be numbers such as 1,2, found {text!r}")
    numbers = [int(part) for part in parts]
    if len(set(numbers)) < len(numbers) or min(numbers) < 1:
        raise UsageError(f"expected {option} to be different numbers from 1 on, found {text!r}")
    return numbers


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for note in dict.fromkeys(str(warning.message) for warning in caught):
        print_note(note)


def main() -> None:
    """Entry point of ``ppms-bench``."""
    run(app)
