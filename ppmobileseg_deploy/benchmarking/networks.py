"""The network alone, in ONNX Runtime and in OpenVINO: the same file, tensor in, labels out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import DeviceError, ModelError, UsageError
from ..runtime.inference.execution import Execution
from ..runtime.inference.ort_session import SessionFactory, first_line
from .candidates import Candidate
from .timing import Progress, Spread, latencies_ms

ONNXRUNTIME: Final = "ONNX Runtime"
OPENVINO: Final = MappingProxyType({"fp32": "OpenVINO", "bf16": "OpenVINO, bfloat16"})
"""Name of the engine for each precision."""

_HINTS: Final = MappingProxyType({"fp32": "f32", "bf16": "bf16"})

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
    return _first_output(factory.whole().create(lengths))


def network_run(
    model: Path, threads: int | None = None, lengths: Mapping[str, int] = MappingProxyType({})
) -> Run:
    """Open what `OrtSegmenter` runs of a file: of labels and logits, the network up to logits.

    Args:
        model: The file.
        threads: Threads within an operator, None for as many as this process may use.
        lengths: Dimension name to length, for dimensions that are fixed from outside.

    Raises:
        ModelError: The file cannot be loaded.
        UsageError: A number of threads that makes no sense.
    """
    factory = SessionFactory.of(model, Execution.of(threads=threads))
    return _first_output(factory.create(lengths))


def has_openvino(precision: str = "fp32") -> bool:
    """Whether the package ``openvino`` is installed, and computes in a precision here.

    Args:
        precision: A key of `OPENVINO`.
    """
    return find_spec("openvino") is not None and precision.upper() in _capabilities()


def require_openvino(precisions: Sequence[str] = ("fp32",)) -> None:
    """Make sure that OpenVINO is installed, and computes in all of these.

    Args:
        precisions: Keys of `OPENVINO`.

    Raises:
        DeviceError: The processor has no instructions for a precision.
        UsageError: It is not installed; says how to install it.
    """
    if find_spec("openvino") is None:
        raise UsageError(
            "comparing with OpenVINO needs the package openvino; install with: "
            "pip install openvino"
        )
    for precision in precisions:
        if not has_openvino(precision):
            raise DeviceError(f"OpenVINO does not compute in {precision} on this processor")


def openvino_run(
    model: str | Path | bytes,
    shape: tuple[int, ...],
    threads: int | None = None,
    precision: str = "fp32",
) -> Run:
    """Open a file in OpenVINO, tuned for latency.

    Args:
        model: The file, or its content.
        shape: Shape of its first input; OpenVINO compiles the file for this shape alone.
        threads: Threads that it may use, None for its own choice.
        precision: A key of `OPENVINO`.

    Raises:
        DeviceError: The processor has no instructions for the precision.
        ModelError: OpenVINO cannot load the file, or not for this shape.
        UsageError: OpenVINO is not installed.
    """
    require_openvino([precision])
    import openvino

    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    try:
        network = openvino.Core().read_model(model)
        network.reshape({network.inputs[0].any_name: list(shape)})
        compiled = openvino.compile_model(network, "CPU", settings)
    except RuntimeError as error:
        named = "the model" if isinstance(model, bytes) else Path(model).name
        raise ModelError(f"OpenVINO cannot load {named}: {first_line(error)}") from error
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
        engine: `ONNXRUNTIME`, or a value of `OPENVINO`.
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
    precisions: Sequence[str] = ("fp32",),
    on_progress: Progress | None = None,
) -> list[NetworkRow]:
    """Time files in ONNX Runtime and in OpenVINO, both opened for this one size.

    Args:
        runners: From `candidates`.
        image_bgr: (height, width, 3) uint8.
        turns: How often each has its turn, at least 1.
        precisions: What OpenVINO computes in, keys of `OPENVINO`; at least one.
        on_progress: Called with how many turns are done, and how many there are.

    Returns:
        For each runner ONNX Runtime's row, in float32, and then one for each precision.

    Raises:
        DeviceError: The processor has no instructions for a precision.
        ModelError: OpenVINO cannot load a file.
        UsageError: OpenVINO is not installed.
    """
    runs: dict[tuple[int, str], Run] = {}
    inputs = [each.preprocess(image_bgr) for each in runners]
    for number, (each, given) in enumerate(zip(runners, inputs, strict=True)):
        lengths = each.lengths(given.padded_hw)
        runs[number, ONNXRUNTIME] = onnxruntime_run(each.model, each.threads, lengths)
        for precision in precisions:
            runs[number, OPENVINO[precision]] = openvino_run(
                each.model, given.tensor.shape, each.threads, precision
            )
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


def _capabilities() -> Collection[str]:
    import openvino

    found: Collection[str] = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return found


def _first_output(inference: ort.InferenceSession) -> Run:
    name, output = inference.get_inputs()[0].name, inference.get_outputs()[0].name
    return lambda tensor: np.asarray(inference.run([output], {name: tensor})[0])


def _labels(output: NDArray[Any], *, logits: bool) -> NDArray[Any]:
    return output.argmax(1) if logits else output
