"""The network alone, in ONNX Runtime and in OpenVINO: the same file, tensor in, labels out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .candidates import Candidate
from .engines import Run, onnxruntime_run, openvino_run
from .timing import Progress, Spread, latencies_ms

ONNXRUNTIME: Final = "ONNX Runtime"
OPENVINO: Final = "OpenVINO"


@dataclass(frozen=True)
class NetworkRow:
    """One file in one engine.

    Attributes:
        model: Path of the file.
        threads: Threads that the engine may use, None for its own choice.
        engine: `ONNXRUNTIME` or `OPENVINO`.
        network_hw: Height and width of the input.
        latency_ms: Milliseconds.
        equal: Share of the labels that are ONNX Runtime's, in [0, 1].
    """

    model: str
    threads: int | None
    engine: str
    network_hw: tuple[int, int]
    latency_ms: Spread
    equal: float


def measure_networks(
    runners: Sequence[Candidate],
    image_bgr: NDArray[np.uint8],
    turns: int,
    *,
    on_progress: Progress | None = None,
) -> list[NetworkRow]:
    """Time files in ONNX Runtime and in OpenVINO, both opened for this one size.

    OpenVINO knows no optional inputs: labels are one a pixel of the input in both.

    Args:
        runners: From `candidates`.
        image_bgr: (height, width, 3) uint8.
        turns: How often each has its turn, at least 1.
        on_progress: Called with how many turns are done, and how many there are.

    Returns:
        Two rows for each runner, ONNX Runtime's first.

    Raises:
        ModelError: OpenVINO cannot load a file.
        UsageError: OpenVINO is not installed.
    """
    runs: dict[tuple[int, str], Run] = {}
    inputs = [each.preprocess(image_bgr) for each in runners]
    for number, (each, given) in enumerate(zip(runners, inputs, strict=True)):
        lengths = each.lengths(given.padded_hw)
        runs[number, ONNXRUNTIME] = onnxruntime_run(each.model, each.threads, lengths)
        runs[number, OPENVINO] = openvino_run(each.model, given.tensor.shape, each.threads)
    jobs: dict[tuple[int, str], Callable[[], object]] = {
        key: partial(run, inputs[key[0]].tensor) for key, run in runs.items()
    }
    latency = latencies_ms(jobs, turns, on_progress=on_progress)
    rows = []
    for (number, engine), run in runs.items():
        each, given = runners[number], inputs[number]
        logits = each.interface.output.kind == "logits"
        labels = _labels(run(given.tensor), logits)
        expected = _labels(runs[number, ONNXRUNTIME](given.tensor), logits)
        rows.append(
            NetworkRow(
                model=str(each.model),
                threads=each.threads,
                engine=engine,
                network_hw=given.padded_hw,
                latency_ms=latency[number, engine],
                equal=float((labels == expected).mean()),
            )
        )
    return rows


def _labels(output: NDArray[Any], logits: bool) -> NDArray[Any]:
    return output.argmax(1) if logits else output
