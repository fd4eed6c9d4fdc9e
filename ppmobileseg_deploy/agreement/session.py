"""ONNX models opened for comparison: every output, at any level of graph optimization."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort
from numpy.typing import NDArray

from ..runtime.inference.calls import run_session
from ..runtime.inference.execution import Execution
from ..runtime.inference.ort_session import SessionFactory
from ..runtime.inference.session import LOOP_TIMEOUT_S
from ..runtime.inference.threads import allowed_threads

_FATAL: Final = 4  # severity in ONNX Runtime's log; its errors are raised as well


class ComparisonSession:
    """An ONNX model on the CPU, opened with the runtime's checks of strangers' files.

    `runtime.inference.session.Session` gives what an application needs: one output of the
    network. This one runs the whole graph and gives any output of it.

    Args:
        model: Path of the file, or its content.
        source: What to call it in messages; the file's name by default.
        optimization: How far ONNX Runtime may change the graph before it runs it.

    Attributes:
        inference: ONNX Runtime's session.
        graph: What the file's graph tells; None for ORT format.
        source: What it is called in messages.

    Raises:
        ModelError: The file cannot be loaded.
    """

    def __init__(
        self,
        model: str | Path | bytes,
        source: str | None = None,
        optimization: ort.GraphOptimizationLevel = ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    ) -> None:
        options = ort.SessionOptions()
        options.graph_optimization_level = optimization
        options.log_severity_level = _FATAL
        options.intra_op_num_threads = allowed_threads() or 0
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as the runtime
        factory = SessionFactory.of(model, Execution(sess_options=options))
        self.source = factory.source if source is None else source
        self.graph = factory.graph
        self.inference = factory.whole().create()
        has_loop = self.graph is not None and self.graph.has_loop
        self._timeout_s = LOOP_TIMEOUT_S if has_loop else None

    def run(
        self, output_names: Sequence[str], feeds: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[Any]]:
        """Compute outputs.

        Args:
            output_names: Names of the outputs.
            feeds: What goes in, by name.

        Returns:
            The outputs, in this order; those that are no tensors are no arrays.

        Raises:
            ModelTimeoutError: The graph has a loop and takes longer than `LOOP_TIMEOUT_S`.
            ModelError: The model fails.
        """
        return run_session(self.inference, output_names, feeds, self.source, self._timeout_s)
