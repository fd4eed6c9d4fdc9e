"""An ONNX file, run in ONNX Runtime, with every intermediate output in sight."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import ModelError
from ..runtime.inference.calls import run_session
from ..runtime.inference.execution import Execution
from ..runtime.inference.label_head import LabelHead
from ..runtime.inference.ort_session import SessionFactory, first_line
from ..runtime.inference.postprocessing import labels_from_logits
from ..runtime.inference.sampling import resized_axis
from ..runtime.inference.session import LOOP_TIMEOUT_S
from .examples import Example, Normalisation
from .onnx_face import OnnxFace
from .subjects import Outcome

_LOGITS: Final = "logits"  # what the exporter calls them inside a file whose output are labels
_RANK: Final = 4
_FATAL: Final = 4
_ORT_MAGIC: Final = b"ORTM"


class OnnxSubject:
    """A file; its layers are the outputs of its nodes that are floating point.

    Labels come from the file as anyone would run it. Layers and inner logits come from the graph
    without ONNX Runtime's fusions, whose order of summation errs more. A file in ORT format shows
    no layers.

    Args:
        name: Path of the file.
        content: The file's content, where it is not at that path yet.
        threshold: Of a head of one class, in place of the file's.

    Raises:
        ModelError: It cannot be loaded, or is no segmentation model.
        UsageError: There is a threshold, and its classes compete or were decided before.
    """

    def __init__(
        self, name: str, content: bytes | None = None, *, threshold: float | None = None
    ) -> None:
        self._name = name
        # Made for the runtime, it looks for external data of strangers before anything is opened.
        factory = SessionFactory.of(name if content is None else content, Execution())
        # Whole, and not just the network: the labels of the file are compared as well.
        self._session = replace(factory, graph=None).create()
        has_loop = factory.graph is not None and factory.graph.has_loop
        self._timeout_s = LOOP_TIMEOUT_S if has_loop else None
        self._face = OnnxFace.of(self._session, name, factory.graph, threshold)
        self._model = _graph(name, content)

    @property
    def name(self) -> str:
        """What the user called it."""
        return self._name

    @property
    def examples(self) -> None:
        """It can be run on any."""
        return

    @property
    def notes(self) -> tuple[()]:
        """There is nothing to say."""
        return ()

    @property
    def normalisation(self) -> Normalisation | None:
        """How pixels become its input, if its metadata say so."""
        return self._face.normalisation

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is the network in the paper's form."""
        return False

    @property
    def size_hw(self) -> tuple[int, int] | None:
        """The only size of input it takes, unless it takes any."""
        return self._face.size_hw

    def run(self, example: Example) -> Outcome:
        """Compute labels, and logits where the file has them."""
        feed = self._face.feed(example)
        names = self._face.output_names
        output, *beside = run_session(self._session, names, feed, self._name, self._timeout_s)
        height, width = example.shown_hw
        at_size: NDArray[Any] | None = None
        if self._face.gives == "labels":
            labels, logits = self._face.labels(output, example), self._inner_logits(example)
            if beside and example.photograph_hw is not None:
                at_size = _photograph_labels(self._face.logits(beside[0]), example)
        else:
            logits = self._face.logits(output)
            covered_hw = example.shown_hw if self._face.takes_bytes else example.size_hw
            labels = labels_from_logits(logits, covered_hw)
            if example.photograph_hw is not None:
                shown = logits[:, :height, :width]
                at_size = labels_from_logits(shown, example.photograph_hw)
        return Outcome(labels[:height, :width], logits, self._face.threshold, at_size)

    def layers(self, example: Example) -> dict[str, NDArray[np.float32]] | None:
        """Compute the output of every node of the network, in order of computation."""
        if self._model is None:
            return None
        names = [name for node in self._model.graph.node for name in node.output if name]
        if _LOGITS in names:  # what follows makes labels of them
            names = names[: names.index(_LOGITS) + 1]
        return self._inner(names, example)

    def _inner_logits(self, example: Example) -> NDArray[np.float32] | None:
        nodes = self._model.graph.node if self._model is not None else ()
        if not any(_LOGITS in node.output for node in nodes):
            return None
        logits = (self._inner([_LOGITS], example) or {}).get(_LOGITS)
        # In a file of others the name may mean anything.
        is_map = logits is not None and logits.ndim == _RANK and logits.shape[0] == 1
        return logits[0] if logits is not None and is_map else None

    def _inner(self, names: list[str], example: Example) -> dict[str, NDArray[np.float32]] | None:
        """Compute outputs of nodes; None where ONNX Runtime cannot show some of a strange file."""
        shown = onnx.ModelProto()
        shown.CopyFrom(self._model)
        have = {each.name for each in shown.graph.output}
        shown.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in names if name not in have
        )
        feed = self._face.feed(example)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = _FATAL
        try:
            session = ort.InferenceSession(
                shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            found = run_session(session, names, feed, self._name, self._timeout_s)
        except Exception:  # as above; the file itself runs, it is only not to be looked into
            return None
        return {
            name: output.astype(np.float32, copy=False)
            for name, output in zip(names, found, strict=True)
            if isinstance(output, np.ndarray) and output.dtype.kind == "f"
        }


def _photograph_labels(logits: NDArray[np.float32], example: Example) -> NDArray[Any]:
    """Label a photograph as the runtime does, from coarse logits of the padded input."""
    rows, columns = (
        resized_axis(grid, padded, shown, length)
        for grid, padded, shown, length in zip(
            logits.shape[1:],
            example.size_hw,
            example.shown_hw,
            example.photograph_hw or (),
            strict=True,
        )
    )
    return LabelHead(len(logits)).labels(logits, rows, columns)


def _graph(name: str, content: bytes | None) -> Any:
    """Load the graph; None for ORT format, which has no graph that onnx could read."""
    try:
        with Path(name).open("rb") if content is None else io.BytesIO(content) as stream:
            if stream.read(8)[4:] == _ORT_MAGIC:
                return None
        return onnx.load_model(name) if content is None else onnx.load_model_from_string(content)
    except Exception as error:  # a damaged file makes protobuf raise whatever it likes
        raise ModelError(f"cannot load {name}: {first_line(error)}") from error
