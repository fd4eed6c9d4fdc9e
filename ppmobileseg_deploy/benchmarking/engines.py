"""ONNX files in ONNX Runtime and in OpenVINO: the network alone, from tensor to tensor."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, UsageError
from ..runtime.inference.execution import Execution
from ..runtime.inference.ort_session import SessionFactory, first_line

Run: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
"""From the first input to the first output."""


def onnxruntime_run(
    model: Path, threads: int | None = None, lengths: Mapping[str, int] = MappingProxyType({})
) -> Run:
    """Open a file in ONNX Runtime, with the settings that `OrtSegmenter` gives it.

    Args:
        model: The file.
        threads: Threads within an operator, None for as many as this process may use.
        lengths: Dimension name to length, for dimensions that are fixed from outside.

    Raises:
        ModelError: The file cannot be loaded.
        UsageError: A number of threads that makes no sense.
    """
    inference = SessionFactory.of(model, Execution.of(threads=threads)).create(lengths)
    name = inference.get_inputs()[0].name
    return lambda tensor: np.asarray(inference.run(None, {name: tensor})[0])


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
