"""From images to results: all that is done with one but for choosing the session."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..metadata import ModelMetadata
from ..types import Labels
from .inference.label_head import LabelHead
from .inference.postprocessing import labels_and_confidence, labels_from_ids, labels_from_logits
from .inference.preprocessing import Preprocessed, Preprocessing
from .inference.sampling import resized_axis
from .inference.session import Session
from .picture import Picture
from .results.result import SegmentationResult

Decided: TypeAlias = tuple[Labels, NDArray[np.float32] | None]
"""Labels of the image's size, and how sure they are where that was asked for."""


@dataclass(frozen=True)
class Prepared:
    """A picture and what goes into the network for it.

    Attributes:
        picture: The image.
        network: What goes into the network.
        took_s: Time spent on preparing it, in seconds.
    """

    picture: Picture
    network: Preprocessed
    took_s: float


@dataclass(frozen=True)
class Pipeline:
    """What is done before and after the network.

    Attributes:
        metadata: Of the model.
        model_file: Name of the model's file, or empty.
        preprocess: From an image to the network's input.
        head: Decides from logits that are coarser than the network's input.
        confidence: Compute the confidence, which takes logits.
    """

    metadata: ModelMetadata
    model_file: str
    preprocess: Preprocessing
    head: LabelHead
    confidence: bool

    def prepare(self, picture: Picture) -> Prepared:
        """Make the network's input.

        Args:
            picture: The image.
        """
        start = perf_counter()
        network = self.preprocess(picture.image_bgr)
        return Prepared(picture, network, perf_counter() - start)

    def segment(self, session: Session, stack: Sequence[Prepared]) -> list[SegmentationResult]:
        """Run the network once.

        Args:
            session: Takes inputs of this size, and so many.
            stack: Images whose input has one size.

        Returns:
            Results in the same order. The time of the run is shared out equally.

        Raises:
            ModelError: The model fails.
        """
        start = perf_counter()
        tensors = [each.network.tensor for each in stack]
        tensor = tensors[0] if len(tensors) == 1 else np.concatenate(tensors)
        outputs = session.run(tensor)
        inference_s = (perf_counter() - start) / len(stack)
        results = []
        for output, each in zip(outputs, stack, strict=True):
            start = perf_counter()
            decided = self._decide(session, output, each)
            times_s = each.took_s, inference_s, perf_counter() - start
            results.append(self.result(each.picture, decided, times_s))
        return results

    def result(
        self, picture: Picture, decided: Decided, times_s: tuple[float, float, float]
    ) -> SegmentationResult:
        """Put a result together.

        Args:
            picture: The image.
            decided: Its labels, and their confidence or None.
            times_s: Time before the network, in it and after it, in seconds.
        """
        labels, confidence = decided
        steps = "preprocess", "inference", "postprocess"
        return SegmentationResult(
            labels=labels,
            names=self.metadata.class_names,
            palette_rgb=self.metadata.palette_rgb,
            image_bgr=picture.image_bgr,
            path=picture.path,
            speed={step: time_s * 1e3 for step, time_s in zip(steps, times_s, strict=True)},
            metadata=self.metadata,
            model_file=self.model_file,
            confidence=confidence,
        )

    def _decide(self, session: Session, output: NDArray[Any], prepared: Prepared) -> Decided:
        network, interface = prepared.network, session.interface
        height, width = network.resized_hw
        if session.output == "labels":
            try:
                ids = output[:height, :width]
                return labels_from_ids(
                    ids, network.original_hw, interface.metadata.num_classes
                ), None
            except ValueError as error:
                raise ModelError(f"{session.source}: {error}") from error
        if interface.stride > 1:
            rows, columns = (
                resized_axis(grid, grid * interface.stride, valid, length)
                for grid, valid, length in zip(
                    output.shape[1:], network.resized_hw, network.original_hw, strict=True
                )
            )
            labels = self.head.labels(output, rows, columns)
            if self.confidence:
                return labels, self.head.confidence(output, rows, columns, labels)
            return labels, None
        scores = output[:, :height, :width]
        if self.confidence:
            return labels_and_confidence(scores, network.original_hw, interface.scores)
        return labels_from_logits(scores, network.original_hw), None
