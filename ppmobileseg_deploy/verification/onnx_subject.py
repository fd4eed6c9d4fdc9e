"""An ONNX file, run in ONNX Runtime, with every intermediate output in sight."""

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import ModelError
from ..runtime.postprocessing import labels_from_logits
from ..runtime.session import Session, open_session
from ..runtime.starting import first_line
from .examples import Example
from .subjects import Outcome

_LOGITS = "logits"  # what the exporter calls them inside a file whose output are labels
_FATAL = 4


class OnnxSubject:
    """A file; its layers are the outputs of its nodes that are floating point.

    Labels come from the file as anyone would run it. Layers and inner logits come from the graph
    without ONNX Runtime's fusions, whose order of summation errs more.

    Args:
        name: Path of the file.

    Raises:
        ModelError: It cannot be loaded, or is no segmentation model.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._session: Session = open_session(name)
        self._model = onnx.load_model(name)
        inner = {output for node in self._model.graph.node for output in node.output}
        self._has_inner_logits = self._session.output == "labels" and _LOGITS in inner

    @property
    def name(self) -> str:
        """What the user called it."""
        return self._name

    @property
    def examples(self) -> None:
        """It can be run on any."""
        return

    def run(self, example: Example) -> Outcome:
        """Compute labels, and logits where the file has them."""
        output = self._session.run(example.tensor)[0]
        if self._session.output == "logits":
            return Outcome(labels_from_logits(output, example.size_hw), output)
        logits = self._inner([_LOGITS], example)[_LOGITS][0] if self._has_inner_logits else None
        return Outcome(output, logits)

    def layers(self, example: Example) -> dict[str, NDArray[np.float32]]:
        """Compute the output of every node, in order of computation."""
        names = [name for node in self._model.graph.node for name in node.output if name]
        # The graph's own output is the last one already.
        return self._inner(names, example)

    def _inner(self, names: list[str], example: Example) -> dict[str, NDArray[np.float32]]:
        shown = onnx.ModelProto()
        shown.CopyFrom(self._model)
        have = {each.name for each in shown.graph.output}
        shown.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in names if name not in have
        )
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = _FATAL
        try:
            session = ort.InferenceSession(
                shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            found = session.run(names, {self._session.input_name: example.tensor})
        except Exception as error:  # the errors' classes differ between releases
            raise ModelError(f"{self._name}: {first_line(error)}") from error
        return {
            name: output
            for name, output in zip(names, found, strict=True)
            if isinstance(output, np.ndarray) and output.dtype == np.float32
        }
