"""What an ONNX file of any origin takes and gives, as far as comparing needs to know."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import ModelError, UsageError
from ..metadata import DEFAULT_THRESHOLD, ModelMetadata, checked_threshold
from ..runtime.inference.model_graph import ModelGraph
from ..runtime.inference.model_output import LOGITS, ModelOutput
from ..runtime.inference.scores import Scores, scores_of
from .examples import Example, Normalisation

_RANK: Final = 4


@dataclass(frozen=True)
class OnnxFace:
    """Names, types and shapes of a segmentation model.

    The runtime's own interface asks for more: names of classes, and a size of logits. Whether two
    files compute the same can be told without them.

    Attributes:
        source: Name of the file, for messages.
        input_name: Name of the one input that must be given.
        bytes_order: ``"bgr"`` or ``"rgb"`` for uint8 (batch, height, width, 3); empty for
            normalised float32 (batch, 3, height, width).
        size_hw: The only height and width that it takes; None for any.
        output_names: Names of the outputs: one, or labels and the logits they are made of.
        gives: ``"labels"`` or ``"logits"``: what the first output holds.
        scores: What its logits mean.
        threshold: Of a head of one class, the probability above which a pixel is of it.
        normalisation: How pixels become what its network takes; None if it does not say.
    """

    source: str
    input_name: str
    bytes_order: str
    size_hw: tuple[int, int] | None
    output_names: tuple[str, ...]
    gives: str
    scores: Scores
    threshold: float | None
    normalisation: Normalisation | None

    @classmethod
    def of(
        cls,
        session: ort.InferenceSession,
        source: str,
        graph: ModelGraph | None = None,
        threshold: float | None = None,
    ) -> "OnnxFace":
        """Look at an open file.

        Args:
            session: The file.
            source: Its name.
            graph: What its graph tells; None where it could not be looked into.
            threshold: Of a head of one class, in place of the file's.

        Raises:
            ModelError: It is no segmentation model, or wants bytes and does not say in which
                order.
            UsageError: There is a threshold, and the classes compete or were decided before.
        """
        inputs = session.get_inputs()
        takes_bytes = len(inputs) == 1 and inputs[0].type == "tensor(uint8)"
        if not _is_image(inputs, takes_bytes):
            raise ModelError(
                f"{source}: expected one input, tensor(float) [batch, 3, height, width] or "
                f"tensor(uint8) [batch, height, width, 3], found {_listed(inputs)}"
            )
        outputs = session.get_outputs()
        beside = [each.name for each in outputs[1:]] == [LOGITS]
        output = ModelOutput.of(outputs[:1] if beside else outputs, source)
        shape = inputs[0].shape
        height, width = shape[1:3] if takes_bytes else shape[2:]
        return cls(
            source=source,
            input_name=inputs[0].name,
            bytes_order=_order(session, source) if takes_bytes else "",
            size_hw=(height, width) if isinstance(height, int) else None,
            output_names=tuple(each.name for each in outputs),
            gives=output.kind,
            normalisation=_normalisation(session, takes_bytes),
            **_decision(session, output, source, graph, threshold),
        )

    @property
    def takes_bytes(self) -> bool:
        """Whether it normalises by itself."""
        return bool(self.bytes_order)

    def feed(self, example: Example) -> dict[str, NDArray[Any]]:
        """Return an example as the file takes it. To files that take bytes padding is their own.

        Raises:
            UsageError: It takes bytes, and the example is no picture.
        """
        if not self.takes_bytes:
            return {self.input_name: example.tensor}
        rgb = example.pixels_rgb()
        image = rgb if self.bytes_order == "rgb" else rgb[..., ::-1]
        return {self.input_name: np.ascontiguousarray(image)[None]}

    def labels(self, output: Any, example: Example) -> NDArray[Any]:
        """Return the output as (height, width) class ids.

        Raises:
            ModelError: It has another shape.
        """
        ids = np.asarray(output)
        size_hw = example.shown_hw if self.takes_bytes else example.size_hw
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


def _is_image(inputs: Any, takes_bytes: bool) -> bool:
    if len(inputs) != 1 or len(inputs[0].shape) != _RANK:
        return False
    shape = list(inputs[0].shape)
    channels = shape.pop(3 if takes_bytes else 1)
    batch, height, width = shape
    return (
        (takes_bytes or inputs[0].type == "tensor(float)")
        and _allows(batch, 1)
        and _allows(channels, 3)
        and isinstance(height, int) == isinstance(width, int)
    )


def _allows(dimension: Any, length: int) -> bool:
    return not isinstance(dimension, int) or dimension == length


def _order(session: ort.InferenceSession, source: str) -> str:
    try:
        metadata = ModelMetadata.from_props(session.get_modelmeta().custom_metadata_map)
    except ValueError as error:
        raise ModelError(f"{source}: {error}") from error
    if metadata is None or metadata.channel_order not in ("bgr", "rgb"):
        raise ModelError(
            f"{source} takes bytes: expected metadata that say whether in BGR or RGB order, "
            f"found {metadata.channel_order if metadata else 'none'}"
        )
    return metadata.channel_order


def _normalisation(session: ort.InferenceSession, takes_bytes: bool) -> Normalisation | None:
    try:
        metadata = ModelMetadata.from_props(session.get_modelmeta().custom_metadata_map)
    except ValueError:  # not needed to compare
        return None
    if metadata is None:
        return None
    order = None if takes_bytes else metadata.channel_order  # that of the pixels
    return Normalisation(metadata.mean_rgb, metadata.std_rgb, order)


def _decision(
    session: ort.InferenceSession,
    output: ModelOutput,
    source: str,
    graph: ModelGraph | None,
    threshold: float | None,
) -> dict[str, Any]:
    """Find out what the output means, and at which threshold a head of one class decides."""
    try:
        metadata = ModelMetadata.from_props(session.get_modelmeta().custom_metadata_map)
    except ValueError:  # not needed to compare
        metadata = None
    stored = None if metadata is None else metadata.threshold
    if threshold is not None:
        threshold = checked_threshold(threshold)
    assumed = DEFAULT_THRESHOLD if output.channels == 1 else None
    if threshold is not None and stored is None and assumed is None:
        raise UsageError(
            f"expected a head of one class with a threshold, {source} is not known to have one"
        )
    wanted = threshold or stored or assumed
    scores = scores_of(
        output, graph, source, described=metadata is not None, stored=stored, wanted=wanted
    )
    return {"scores": scores, "threshold": wanted}


def _listed(values: Any) -> str:
    return ", ".join(f"{each.name} {each.type} {each.shape}" for each in values) or "none"
