"""One picture on several cores, or several pictures on a core each; waiting threads that spin."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import onnxruntime as ort
from numpy.typing import NDArray
from rich.table import Table

from ppmobileseg_deploy.benchmarking import Spread, take_turns
from ppmobileseg_deploy.benchmarking.timing import timed
from ppmobileseg_deploy.runtime.inference.execution import Execution
from ppmobileseg_deploy.runtime.inference.ort_session import SessionFactory
from ppmobileseg_deploy.runtime.inference.threads import usable_cores
from ppmobileseg_deploy.types import ImageBGR

from .inputs import demo_square, demo_tensor

_RUNS: Final = 4  # of each worker in a turn
_MOST_CORES: Final = 2
_ERRORS: Final = 3  # ONNX Runtime's severity


@dataclass(frozen=True)
class CoresRow:
    """One way to use cores.

    Attributes:
        variant: ``"tiny"`` or ``"base"``.
        workers: Pictures at a time.
        threads: Threads for each.
        spinning: Whether threads that wait for work spin.
        network_ms: Milliseconds for each picture, network only.
        encoding_ms: The same where each picture is also encoded as JPEG.
    """

    variant: str
    workers: int
    threads: int
    spinning: bool
    network_ms: Spread
    encoding_ms: Spread


def measure_cores(variant: str, model: Path, turns: int, side: int = 512) -> list[CoresRow]:
    """Time a network, pinned to the size of its input, on one core and on two.

    Args:
        variant: What the file holds.
        model: File of form ``cell``.
        turns: How often each way has its turn.
        side: Height and width of the picture, a multiple of 32.
    """
    cores = min(_MOST_CORES, usable_cores())
    ways = [(1, 1, False)]
    if cores > 1:
        ways += [(1, cores, False), (1, cores, True), (cores, 1, False)]
    content = SessionFactory.of(model, Execution()).model()
    tensor, picture = demo_tensor(side), demo_square(2 * side)
    jobs: dict[tuple[int, int, bool, bool], Callable[[], float]] = {}
    for workers, threads, spinning in ways:
        session = _session(content, threads, side, spinning=spinning)
        for encoded in (None, picture):
            work = partial(_work, session, tensor, encoded)
            jobs[workers, threads, spinning, encoded is not None] = _several(work, workers)
    samples = take_turns(jobs, turns, most_runs=1)
    return [
        CoresRow(
            variant,
            workers,
            threads,
            spinning,
            Spread.of(samples[workers, threads, spinning, False]),
            Spread.of(samples[workers, threads, spinning, True]),
        )
        for workers, threads, spinning in ways
    ]


def _session(
    model: bytes | str, threads: int, side: int, *, spinning: bool
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    for name, length in {"batch": 1, "height": side, "width": side}.items():
        options.add_free_dimension_override_by_name(name, length)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _work(session: ort.InferenceSession, tensor: NDArray[Any], encoded: ImageBGR | None) -> None:
    for _ in range(_RUNS):
        session.run(None, {session.get_inputs()[0].name: tensor})
        if encoded is not None:
            cv2.imencode(".jpg", encoded)


def _several(work: Callable[[], None], workers: int) -> Callable[[], float]:
    """Return what does the work in several threads, and returns milliseconds for each picture."""
    pool = ThreadPoolExecutor(workers)

    def run() -> None:
        for each in [pool.submit(work) for _ in range(workers)]:
            each.result()

    job = timed(run)
    return lambda: job() / (_RUNS * workers)


def cores_table(rows: Sequence[CoresRow], side: int = 512) -> Table:
    """Lay out the measurements for printing."""
    table = Table(
        title=f"network alone, {side}x{side}, ms a picture (median)", title_justify="left"
    )
    headings = ("network", "pictures at a time", "threads each", "waiting threads")
    for heading in (*headings, "latency", "pictures/s", "with a JPEG after each"):
        table.add_column(heading, justify="left" if heading == "network" else "right")
    for row in rows:
        each = row.network_ms.median
        table.add_row(
            row.variant,
            str(row.workers),
            str(row.threads),
            "-" if row.threads == 1 else "spin" if row.spinning else "sleep",
            f"{each * row.workers:.1f}",
            f"{1e3 / each:.1f}",
            f"{row.encoding_ms.median:.1f}",
        )
    return table
