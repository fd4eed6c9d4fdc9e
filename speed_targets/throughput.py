"""Many pictures, all cores: from files to overlays, by ways of sharing the cores."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Final

from rich.table import Table

from demo.scenes import draw_scene
from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.benchmarking import Spread, take_turns
from ppmobileseg_deploy.exporters.options import Vim
from ppmobileseg_deploy.runtime.batch import PlannedSource, plan_outputs
from ppmobileseg_deploy.runtime.batch.reading import Reading
from ppmobileseg_deploy.runtime.batch.run import run_sources
from ppmobileseg_deploy.runtime.batch.sharing import open_for_run
from ppmobileseg_deploy.runtime.drawing.style import Style
from ppmobileseg_deploy.runtime.inference.workers import Workers
from ppmobileseg_deploy.runtime.sources import find_sources
from ppmobileseg_deploy.types import SizeHW

from .inputs import write_photograph
from .mask_pipeline import MaskPipeline
from .targets import Target

PLANNED: Final = "as ppms-infer shares the cores"
ALL_CORES: Final = "one image at a time, all cores"
ONE_THREAD: Final = "one image at a time, one thread"
THEIRS: Final = "mmsegmentation's procedure"
_WAYS: Final = {ONE_THREAD: Workers(1, 1), ALL_CORES: Workers(1, None), PLANNED: None}

_FOLDER, _VIDEO, _PHOTOGRAPHS, _SMALL = (
    "folder of 512x768",
    "video of 1080p",
    "folder of 1080p",
    "folder of 1080p, --input-size 512x512",
)
_GOALS: Final = (
    (_FOLDER, ONE_THREAD, 1.5),
    (_FOLDER, ALL_CORES, 1.15),
    (_VIDEO, ALL_CORES, 1.15),
    (_PHOTOGRAPHS, THEIRS, 6.0),
    (_SMALL, THEIRS, 9.0),
)


@dataclass(frozen=True)
class ThroughputRow:
    """One way of one task.

    Attributes:
        task: What is segmented.
        pictures: How many of them.
        way: How the cores are shared out.
        latency_ms: Milliseconds for each picture, from its file to its overlay's.
    """

    task: str
    pictures: int
    way: str
    latency_ms: Spread


@dataclass(frozen=True)
class _Task:
    """Something to segment.

    Attributes:
        source: A folder or a video.
        pictures: How many pictures that is.
        input_size_hw: What images are fitted into for the network; None for the model's rule.
        compared: Whether mmsegmentation's procedure is measured, too.
    """

    source: Path
    pictures: int
    input_size_hw: SizeHW | None = None
    compared: bool = False


def measure_throughput(
    files: dict[Vim, Path], turns: int, images: int = 120, frames: int = 60
) -> list[ThroughputRow]:
    """Time runs of many pictures. The models are open; starting the program is not counted.

    Args:
        files: Form to file of one network; ours runs ``cell``, theirs ``off``.
        turns: How often each way has its turn.
        images: Images of the folder of small ones; a fifth of it of 1080p.
        frames: Frames of the video.
    """
    rows: list[ThroughputRow] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = max(1, images // 5)
        tasks = {
            _FOLDER: _Task(_folder(folder / "small", images, (512, 768)), images),
            _VIDEO: _Task(_video(folder / "video.mp4", frames, (1080, 1920)), frames),
            _PHOTOGRAPHS: _Task(
                _folder(folder / "large", large, (1080, 1920)), large, compared=True
            ),
            _SMALL: _Task(folder / "large", large, input_size_hw=(512, 512), compared=True),
        }
        for task_name, task in tasks.items():
            jobs: dict[str, Callable[[], float]] = {
                way: _run(files["cell"], task, workers, folder / "out")
                for way, workers in _WAYS.items()
            }
            if task.compared:
                theirs = MaskPipeline(files["off"])
                source = next(task.source.iterdir())
                jobs[THEIRS] = partial(_theirs_ms, theirs, source, folder / "theirs.jpg")
            samples = take_turns(jobs, turns, most_runs=1)
            rows += [
                ThroughputRow(task_name, task.pictures, way, Spread.of(taken))
                for way, taken in samples.items()
            ]
    return rows


def _folder(path: Path, count: int, size_hw: SizeHW) -> Path:
    path.mkdir()
    first = path / "0000.jpg"
    write_photograph(first, size_hw)
    for number in range(1, count):
        copyfile(first, path / f"{number:04}.jpg")
    return path


def _video(path: Path, frames: int, size_hw: SizeHW) -> Path:
    import av

    height, width = size_hw
    image_bgr = draw_scene(1, size_hw).image_bgr
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            moved = image_bgr[:, list(range(number, width)) + list(range(number))]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def _run(model: Path, task: _Task, workers: Workers | None, output: Path) -> Callable[[], float]:
    """Return what segments a task, and returns the milliseconds for each picture."""
    plans = plan_outputs(find_sources([str(task.source)]).sources, ["overlay"], output)
    segmenter, count = _opened(model, task, plans, workers)

    def run() -> float:
        rmtree(output, ignore_errors=True)
        report = run_sources(plans, segmenter.segment_bgr, Style(), workers=count)
        if report.failures:
            raise report.failures[0]
        return report.seconds * 1e3 / task.pictures

    return run


def _opened(
    model: Path, task: _Task, plans: Sequence[PlannedSource], workers: Workers | None
) -> tuple[OrtSegmenter, int]:
    def opened(shared: Workers) -> OrtSegmenter:
        threads = shared.session_threads
        return OrtSegmenter(model, threads=threads, input_size_hw=task.input_size_hw)

    if workers is not None:
        return opened(workers), workers.count
    segmenter, planned = open_for_run(opened, plans, Reading())
    return segmenter, planned.count


def _theirs_ms(theirs: MaskPipeline, source: Path, output: Path) -> float:
    return theirs(source, output).total


def throughput_table(rows: Sequence[ThroughputRow]) -> Table:
    """Lay out the measurements for printing."""
    table = Table(title="many pictures, files to overlays, tiny, all cores", title_justify="left")
    for heading in ("task", "way", "ms a picture", "p5 to p95", "pictures/s"):
        table.add_column(heading, justify="left" if heading in ("task", "way") else "right")
    for row in rows:
        latency = row.latency_ms
        table.add_row(
            f"{row.task}, {row.pictures}",
            row.way,
            f"{latency.median:.1f}",
            f"{latency.p5:.1f} to {latency.p95:.1f}",
            f"{1e3 / latency.median:.1f}",
        )
    return table


def throughput_targets(rows: Sequence[ThroughputRow]) -> list[Target]:
    """Hold the measurements to what was promised."""
    medians = {(row.task, row.way): row.latency_ms.median for row in rows}
    return [
        Target(
            f"{task}: {way} / {PLANNED}",
            medians[task, way] / medians[task, PLANNED],
            goal,
            at_least=True,
            unit="x",
        )
        for task, way, goal in _GOALS
    ]
