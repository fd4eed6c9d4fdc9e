"""An ONNX file of any origin to compare, with every intermediate output in sight."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from ..agreement import ComparisonSession
from ..errors import ModelError, UsageError
from ..metadata import (
    COARSE_LOGITS,
    DEFAULT_THRESHOLD,
    NETWORK_MULTIPLE,
    ModelMetadata,
    checked_threshold,
)
from ..runtime.inference.enlarging import Enlarging
from ..runtime.inference.label_head import LabelHead
from ..runtime.inference.model_interface import ImageInput, check_order
from ..runtime.inference.model_output import LOGITS
from ..runtime.inference.model_output import ModelOutput as DeclaredOutput
from ..runtime.inference.ort_session import first_line
from ..runtime.inference.postprocessing import labels_from_logits
from ..runtime.inference.preprocessing import PixelBytes
from ..runtime.inference.sampling import resized_axis
from ..runtime.inference.scores import Scores, scores_of
from ..sidecar import metadata_beside
from .comparable_model import ModelOutput
from .examples import Example, Normalisation

_RANK: Final = 4
_ORT_MAGIC: Final = b"ORTM"


class OnnxModel:
    """A file; its layers are the outputs of its nodes that are floating point.

    Labels come from the file as anyone would run it. Layers and inner logits come from the graph
    without ONNX Runtime's fusions, whose order of summation errs more. A file in ORT format shows
    no layers.

    Args:
        name: Path of the file.
        content: The file's content, where it is not at that path yet.
        threshold: Of a head of one class, in place of the file's.

    Attributes:
        name: What the user called it.
        size_hw: The only height and width that it takes; None for any.
        normalisation: How pixels become what its network takes; None if it does not say.

    Raises:
        ModelError: It cannot be loaded, or is no segmentation model.
        UsageError: There is a threshold, and its classes compete or were decided before.
    """

    examples = None
    notes = ()
    is_checkpoint = False

    def __init__(
        self, name: str, content: bytes | None = None, *, threshold: float | None = None
    ) -> None:
        self.name = name
        self._session = ComparisonSession(name if content is None else content, name)
        path = Path(name) if content is None else None
        self._interface = _Interface.of(self._session, threshold, path)
        self.size_hw = self._interface.image.static_size_hw
        self.normalisation = self._interface.normalisation
        self._graph = _load(name, content)

    def run(self, example: Example) -> ModelOutput:
        """Compute labels, and logits where the file has them."""
        interface = self._interface
        names = interface.output_names
        output, *beside = self._session.run(names, interface.feeds(example))
        height, width = example.shown_hw
        at_size: NDArray[Any] | None = None
        if interface.output.kind == "labels":
            labels, logits = interface.labels(output, example), self._inner_logits(example)
            if beside and example.photograph_hw is not None:
                at_size = _photograph_labels(
                    interface.logits(beside[0]), example, interface.enlarging
                )
        else:
            logits = interface.logits(output)
            covered_hw = example.shown_hw if interface.image.takes_bytes else example.size_hw
            if interface.is_coarse:  # before upsampling, of the image as the file pads it
                covered_hw = interface.enlarging.covered_hw(covered_hw)
            labels = labels_from_logits(logits, covered_hw)
            if example.photograph_hw is not None and interface.is_coarse:
                at_size = _photograph_labels(logits, example, interface.enlarging)
            elif example.photograph_hw is not None:
                shown = logits[:, :height, :width]
                at_size = labels_from_logits(shown, example.photograph_hw)
        return ModelOutput(labels[:height, :width], logits, interface.threshold, at_size)

    def layers(self, example: Example) -> dict[str, NDArray[np.float32]] | None:
        """Compute the output of every node of the network, in order of computation."""
        if self._graph is None:
            return None
        names = [name for node in self._graph.graph.node for name in node.output if name]
        if LOGITS in names:  # what follows makes labels of them
            names = names[: names.index(LOGITS) + 1]
        return self._inner(names, example)

    def _inner_logits(self, example: Example) -> NDArray[np.float32] | None:
        """Compute the logits inside a file whose output are labels, if it has any."""
        nodes = self._graph.graph.node if self._graph is not None else ()
        if not any(LOGITS in node.output for node in nodes):
            return None
        logits = (self._inner([LOGITS], example) or {}).get(LOGITS)
        # In a file of others the name may mean anything.
        is_map = logits is not None and logits.ndim == _RANK and logits.shape[0] == 1
        return logits[0] if logits is not None and is_map else None

    def _inner(self, names: list[str], example: Example) -> dict[str, NDArray[np.float32]] | None:
        """Compute outputs of nodes; None where ONNX Runtime cannot show some of a strange file."""
        shown = onnx.ModelProto()
        shown.CopyFrom(self._graph)
        have = {each.name for each in shown.graph.output}
        shown.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in names if name not in have
        )
        level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            session = ComparisonSession(shown.SerializeToString(), self.name, level)
            found = session.run(names, self._interface.feeds(example))
        except Exception:  # the file itself runs, it is only not to be looked into
            return None
        return {
            name: output.astype(np.float32, copy=False)
            for name, output in zip(names, found, strict=True)
            if isinstance(output, np.ndarray) and output.dtype.kind == "f"
        }


@dataclass(frozen=True)
class _Interface:
    """Input and outputs of a file, as far as comparing needs to know.

    The runtime's `ModelInterface` is read of the same parts and asks for more: metadata that fit
    the output, names of classes, and a size of logits. Whether two files compute the same can be
    told without them.

    Attributes:
        source: Name of the file, for messages.
        image: Its input.
        to_bytes: Orders the channels where the input is bytes, else None.
        output: Its first output.
        output_names: Names of all outputs: one, or labels and the logits they are made of.
        is_coarse: Whether its first output are logits before upsampling.
        scores: What its logits mean.
        threshold: Of a head of one class, the probability above which a pixel is of it.
        normalisation: How pixels become what its network takes; None if it does not say.
        enlarging: How logits before upsampling are enlarged.
    """

    source: str
    image: ImageInput
    to_bytes: PixelBytes | None
    output: DeclaredOutput
    output_names: tuple[str, ...]
    is_coarse: bool
    scores: Scores
    threshold: float | None
    normalisation: Normalisation | None
    enlarging: Enlarging

    @classmethod
    def of(
        cls, session: ComparisonSession, threshold: float | None, path: Path | None
    ) -> "_Interface":
        """Read an open file.

        Args:
            session: The file.
            threshold: Of a head of one class, in place of the file's.
            path: Where it is, perhaps with a sidecar; None for content in memory.

        Raises:
            ModelError: It is no segmentation model, or wants bytes and does not say in which
                order; or its sidecar is not as expected.
            UsageError: There is a threshold, and the classes compete or were decided before.
        """
        source = session.source
        image = ImageInput.of(session.inference.get_inputs(), source)
        outputs = session.inference.get_outputs()
        beside = [each.name for each in outputs[1:]] == [LOGITS]
        output = DeclaredOutput.of(outputs[:1] if beside else outputs, source)
        try:
            metadata = ModelMetadata.from_props(
                session.inference.get_modelmeta().custom_metadata_map
            )
        except ValueError as error:
            if image.takes_bytes:
                raise ModelError(f"{source}: {error}") from error
            metadata = None  # not needed to compare
        else:
            if metadata is None and path is not None:
                metadata = metadata_beside(path)
        if image.takes_bytes:
            check_order(metadata, source, image)
        wanted = _wanted_threshold(output, metadata, source, threshold)
        return cls(
            source=source,
            image=image,
            to_bytes=PixelBytes(metadata.channel_order, metadata.mean_rgb)
            if image.takes_bytes and metadata is not None
            else None,
            output=output,
            output_names=tuple(each.name for each in outputs),
            is_coarse=metadata is not None and metadata.output == COARSE_LOGITS,
            scores=scores_of(
                output,
                session.graph,
                source,
                described=metadata is not None,
                stored=None if metadata is None else metadata.threshold,
                wanted=wanted,
            ),
            threshold=wanted,
            normalisation=None
            if metadata is None
            else Normalisation(
                metadata.mean_rgb,
                metadata.std_rgb,
                # Of a file that takes bytes it is that of the pixels.
                None if image.takes_bytes else metadata.channel_order,
            ),
            # Of a file that says nothing the logits are taken for those of a padded image.
            enlarging=Enlarging(NETWORK_MULTIPLE)
            if metadata is None or not metadata.stride
            else Enlarging(metadata.stride, metadata.upsampling),
        )

    def feeds(self, example: Example) -> dict[str, NDArray[Any]]:
        """Return an example as the file takes it. To files that take bytes padding is their own.

        Raises:
            UsageError: It takes bytes, and the example is no picture.
        """
        if self.to_bytes is None:
            return {self.image.name: example.tensor}
        image_bgr = np.ascontiguousarray(example.pixels_rgb()[..., ::-1])
        size_hw = image_bgr.shape[0], image_bgr.shape[1]
        return {self.image.name: self.to_bytes(image_bgr, size_hw, size_hw)}

    def labels(self, output: Any, example: Example) -> NDArray[Any]:
        """Return the output as (height, width) class ids.

        Raises:
            ModelError: It has another shape.
        """
        ids = np.asarray(output)
        size_hw = example.shown_hw if self.image.takes_bytes else example.size_hw
        if ids.shape not in ((1, 1, *size_hw), (1, *size_hw)):
            raise ModelError(
                f"{self.source}: expected labels of shape {(1, 1, *size_hw)}, found {ids.shape}"
            )
        return ids.reshape(size_hw)

    def logits(self, output: Any) -> NDArray[np.float32]:
        """Return the output as (classes, height, width) logits.

        Raises:
            ModelError: It has another shape.
        """
        logits = np.asarray(output)
        least = 1 if self.scores.one_channel else 2
        if logits.ndim != _RANK or logits.shape[0] != 1 or logits.shape[1] < least:
            raise ModelError(
                f"{self.source}: expected logits (1, classes, height, width), found {logits.shape}"
            )
        found: NDArray[np.float32] = self.scores.complete(logits)[0]
        return found


def _wanted_threshold(
    output: DeclaredOutput, metadata: ModelMetadata | None, source: str, threshold: float | None
) -> float | None:
    """Return the threshold at which a head of one class decides; None for other heads."""
    if threshold is not None:
        threshold = checked_threshold(threshold)
    stored = None if metadata is None else metadata.threshold
    assumed = DEFAULT_THRESHOLD if output.channels == 1 else None
    if threshold is not None and stored is None and assumed is None:
        raise UsageError(
            f"expected a head of one class with a threshold, {source} is not known to have one"
        )
    return threshold or stored or assumed


def _photograph_labels(
    logits: NDArray[np.float32], example: Example, enlarging: Enlarging
) -> NDArray[Any]:
    """Label a photograph as the runtime does, from coarse logits of the padded input."""
    rows, columns = (
        resized_axis(grid, covered, shown, length, rule=enlarging.rule)
        for grid, covered, shown, length in zip(
            logits.shape[1:],
            enlarging.covered_hw(example.size_hw),
            example.shown_hw,
            example.photograph_hw or (),
            strict=True,
        )
    )
    return LabelHead(len(logits)).labels(logits, rows, columns)


def _load(name: str, content: bytes | None) -> Any:
    """Load the graph; None for ORT format, which has no graph that onnx could read."""
    try:
        with Path(name).open("rb") if content is None else io.BytesIO(content) as stream:
            if stream.read(8)[4:] == _ORT_MAGIC:
                return None
        return onnx.load_model(name) if content is None else onnx.load_model_from_string(content)
    except Exception as error:  # a damaged file makes protobuf raise whatever it likes
        raise ModelError(f"cannot load {name}: {first_line(error)}") from error
