"""Opening ONNX files under the conditions that are compared."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

_ERROR: Final = 3  # severity; a default for an optional input is worth a warning to ONNX Runtime

Run = Callable[[NDArray[np.float32]], NDArray[Any]]
"""From the input to the labels."""


def onnxruntime_run(
    model: Path, threads: int | None = None, pinned: Mapping[str, int] | None = None
) -> Run:
    """Open a file in ONNX Runtime.

    Args:
        model: The file; its first input is ``input``.
        threads: Threads within an operator, None for one a core.
        pinned: Dimension name to length, for dimensions that are fixed from outside.
    """
    options = ort.SessionOptions()
    options.log_severity_level = _ERROR
    if threads is not None:
        options.intra_op_num_threads = threads
    for name, length in (pinned or {}).items():
        options.add_free_dimension_override_by_name(name, length)
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return lambda tensor: cast(NDArray[Any], session.run(None, {"input": tensor})[0])


def has_openvino() -> bool:
    """Whether the package ``openvino`` is installed (``pip install -e '.[bench]'``)."""
    return find_spec("openvino") is not None


def openvino_run(model: Path, shape: tuple[int, int, int, int], threads: int) -> Run:
    """Open a file in OpenVINO, float32, tuned for latency.

    Args:
        model: The file; its first input is ``input``.
        shape: (batch, 3, height, width); OpenVINO compiles the file for this shape alone.
        threads: Threads that it may use.
    """
    import openvino

    network = openvino.Core().read_model(model)
    network.reshape({"input": list(shape)})
    compiled = openvino.compile_model(
        network,
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    request = compiled.create_infer_request()

    def run(tensor: NDArray[np.float32]) -> NDArray[Any]:
        outputs = request.infer({"input": tensor}, share_inputs=True)
        return cast(NDArray[Any], outputs[0])

    return run
