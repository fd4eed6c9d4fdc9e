"""Inference pipeline: read, preprocess, run the network, decide on labels, build the result."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, UsageError
from ..metadata import ModelMetadata
from ..quoting import brief
from ..types import Labels, SizeHW
from .inference.label_head import LabelHead
from .inference.postprocessing import labels_and_confidence, labels_from_ids, labels_from_logits
from .inference.preprocessing import Preprocessed, Preprocessing
from .inference.session import Session
from .inference.session_pool import SessionPool
from .picture import Picture, is_one_image
from .results.class_merging import ClassMerging
from .results.result import SegmentationResult

_CHANNELS: Final = (1, 3, 4)

Decided: TypeAlias = tuple[Labels, NDArray[np.float32] | None]
"""Labels of the image's size, and their confidence or None."""


@dataclass(frozen=True)
class Prepared:
    """A picture and the network's input for it.

    Attributes:
        picture: The image.
        network: The network's input.
        took_s: Time spent on preparing it, in seconds.
    """

    picture: Picture
    network: Preprocessed
    took_s: float


@dataclass(frozen=True)
class Pipeline:
    """Preprocessing and postprocessing of one model.

    Attributes:
        metadata: Of the model, with the names and colours that results have.
        model_file: Name of the model's file, or empty.
        preprocess: From an image to the network's input.
        head: Decides from logits that are coarser than the network's input.
        confidence: Compute the confidence, which takes logits.
        merging: What becomes of the model's classes, if anything.
    """

    metadata: ModelMetadata
    model_file: str
    preprocess: Preprocessing
    head: LabelHead
    confidence: bool
    merging: ClassMerging | None = None

    def prepare(self, picture: Picture) -> Prepared:
        """Make the network's input.

        Args:
            picture: The image.
        """
        start = perf_counter()
        network = self.preprocess(picture.image_bgr)
        return Prepared(picture, network, perf_counter() - start)

    def segment(self, session: Session, batch: Sequence[Prepared]) -> list[SegmentationResult]:
        """Run the network once.

        Args:
            session: Takes inputs of this size, and so many.
            batch: Images whose input has one size.

        Returns:
            Results in the same order. The time of the run is shared out equally.

        Raises:
            ModelError: The model fails.
        """
        start = perf_counter()
        tensors = [each.network.tensor for each in batch]
        tensor = tensors[0] if len(tensors) == 1 else np.concatenate(tensors)
        outputs = session.run(tensor)
        inference_s = (perf_counter() - start) / len(batch)
        results = []
        for output, each in zip(outputs, batch, strict=True):
            start = perf_counter()
            decided = self._decide(session, output, each)
            times_s = each.took_s, inference_s, perf_counter() - start
            results.append(self.result(each.picture, decided, times_s))
        return results

    def result(
        self, picture: Picture, decided: Decided, times_s: tuple[float, float, float]
    ) -> SegmentationResult:
        """Build a result.

        Args:
            picture: The image.
            decided: Its labels, and their confidence or None.
            times_s: Time before the network, in it and after it, in seconds.
        """
        labels, confidence = decided
        if self.merging is not None:
            labels = self.merging.labels(labels)
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
        if interface.output.kind == "labels":
            try:
                ids = output[:height, :width]
                return labels_from_ids(
                    ids, network.original_hw, interface.metadata.num_classes
                ), None
            except ValueError as error:
                raise ModelError(f"{session.source}: {error}") from error
        if interface.enlarging.stride > 1:
            rows, columns = interface.enlarging.axes(
                network.padded_hw, network.resized_hw, network.original_hw
            )
            labels = self.head.labels(output, rows, columns)
            if self.confidence:
                return labels, self.head.confidence(output, rows, columns, labels)
            return labels, None
        scores = output[:, :height, :width]
        if self.confidence:
            return labels_and_confidence(scores, network.original_hw, interface.scores)
        return labels_from_logits(scores, network.original_hw), None


def check_batch(images: object, batch_size: object) -> None:
    """Check the arguments of a batch.

    Args:
        images: An iterable of images. Arrays of them are fine, one image is not: taken apart, a
            picture is hundreds of gray ones a pixel high, and a path is its letters.
        batch_size: Most images in a batch.

    Raises:
        UsageError: There is one image or none at all, or the size is not a positive number.
    """
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise UsageError(f"expected a batch size of at least 1, found {brief(batch_size)}")
    if is_one_image(images) or _is_picture(images):
        raise UsageError(
            f"expected several images, such as a list, found one ({type(images).__name__})"
        )
    if not isinstance(images, Iterable):
        raise UsageError(f"expected several images, such as a list, found {brief(images)}")


def _is_picture(images: object) -> bool:
    if not isinstance(images, np.ndarray):
        return False
    return images.ndim == 2 or (images.ndim == 3 and images.shape[2] in _CHANNELS)


def segment_in_batches(
    pipeline: Pipeline, sessions: SessionPool, images: Iterable[Prepared], most: int
) -> list[SegmentationResult]:
    """Segment images in batches of those whose network input has the same size.

    Args:
        pipeline: Preprocessing and postprocessing.
        sessions: Run the network.
        images: Taken one by one, so that never more than a batch of each size waits.
        most: Most images in a batch, where the model takes more than one.

    Returns:
        Their results, in the same order.

    Raises:
        ModelError: The model fails.
    """
    if not sessions.dynamic.interface.batchable:
        most = 1
    results: dict[int, SegmentationResult] = {}
    waiting: dict[SizeHW, dict[int, Prepared]] = {}

    def run(padded_hw: SizeHW, batch: dict[int, Prepared]) -> None:
        # Sessions that are pinned to a size take one image at a time.
        session = sessions.for_size(padded_hw) if len(batch) == 1 else sessions.dynamic
        found = pipeline.segment(session, list(batch.values()))
        results.update(zip(batch, found, strict=True))

    for number, image in enumerate(images):
        padded_hw = image.network.padded_hw
        batch = waiting.setdefault(padded_hw, {})
        batch[number] = image
        if len(batch) == most:
            run(padded_hw, waiting.pop(padded_hw))
    for padded_hw, batch in waiting.items():
        run(padded_hw, batch)
    return [result for _, result in sorted(results.items())]
