"""The network alone, in ONNX Runtime and in OpenVINO: the same file, tensor in, labels out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, UsageError
from ..runtime.inference.execution import Execution
from ..runtime.inference.ort_session import SessionFactory, first_line
from .candidates import Candidate
from .timing import Progress, Spread, latencies_ms

ONNXRUNTIME: Final = "ONNX Runtime"
OPENVINO: Final = "OpenVINO"

Run: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
"""From the first input to the first output."""


def onnxruntime_run(
    model: Path, threads: int | None = None, lengths: Mapping[str, int] = MappingProxyType({})
) -> Run:
    """Open a whole file in ONNX Runtime, with the settings that `OrtSegmenter` gives the network.

    `OrtSegmenter` itself leaves out what makes labels in the file, and runs a label head instead.

    Args:
        model: The file.
        threads: Threads within an operator, None for as many as this process may use.
        lengths: Dimension name to length, for dimensions that are fixed from outside.

    Raises:
        ModelError: The file cannot be loaded.
        UsageError: A number of threads that makes no sense.
    """
    factory = SessionFactory.of(model, Execution.of(threads=threads))
    inference = factory.whole().create(lengths)
    name, output = inference.get_inputs()[0].name, inference.get_outputs()[0].name
    return lambda tensor: np.asarray(inference.run([output], {name: tensor})[0])


def has_openvino() -> bool:
    """Whether the package ``openvino`` is installed."""
    return find_spec("openvino") is not None


def require_openvino() -> None:
    """Make sure that OpenVINO is installed.

    Raises:
        UsageError: It is not; says how to install it.
    """
    if not has_openvino():
        raise UsageError(
            "comparing with OpenVINO needs the package openvino; install with: "
            "pip install openvino"
        )


def openvino_run(model: Path, shape: tuple[int, ...], threads: int | None = None) -> Run:
    """Open a file in OpenVINO, float32, tuned for latency.

    Args:
        model: The file.
        shape: Shape of its first input; OpenVINO compiles the file for this shape alone.
        threads: Threads that it may use, None for its own choice.

    Raises:
        ModelError: OpenVINO cannot load the file, or not for this shape.
        UsageError: OpenVINO is not installed.
    """
    require_openvino()
    import openvino

    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    try:
        network = openvino.Core().read_model(model)
        network.reshape({network.inputs[0].any_name: list(shape)})
        compiled = openvino.compile_model(network, "CPU", settings)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot load {model.name}: {first_line(error)}") from error
    request = compiled.create_infer_request()
    # By number: the name of the optional input is none of our business.
    return lambda tensor: cast(
        NDArray[Any], request.infer({0: tensor}, share_inputs=True)[compiled.outputs[0]]
    )


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
        labels = _labels(run(given.tensor), logits=logits)
        expected = _labels(runs[number, ONNXRUNTIME](given.tensor), logits=logits)
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


def _labels(output: NDArray[Any], *, logits: bool) -> NDArray[Any]:
    return output.argmax(1) if logits else output
