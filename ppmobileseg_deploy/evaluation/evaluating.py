"""Evaluation of several models on the same labelled images: metrics and agreement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ..agreement import LabelAgreement
from ..errors import ImageError, UsageError
from ..runtime.images.files import read_image
from .confusion import ConfusionMatrix
from .datasets import LabelledImage
from .label_coding import LabelCoding
from .label_images import read_labels

_IDS: Final = LabelCoding()


class Segmenter(Protocol):
    """A model that can be evaluated, such as `OrtSegmenter`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class id."""

    def __call__(self, image: NDArray[np.uint8]) -> "Segmented":
        """Segment one image, (height, width, 3) uint8, BGR."""


class Segmented(Protocol):
    """Result of a `Segmenter`."""

    @property
    def labels(self) -> NDArray[Any]:
        """(height, width) class ids at the size of the image."""


@dataclass(frozen=True)
class ModelScore:
    """Metrics of one model.

    Attributes:
        confusion: Its pixels by true and by found class.
        latency_ms: Median time of one image, from decoded pixels to labels; the first image, which
            takes longer, is one of them.
    """

    confusion: ConfusionMatrix
    latency_ms: float


@dataclass(frozen=True)
class Evaluation:
    """Metrics of several models on the same images.

    Attributes:
        names: Name of each class id.
        coding: How the labels were read.
        images: Number of images.
        pixels: Number of their pixels.
        ignored_share: Share of the pixels that do not count because they have no class, in
            [0, 1].
        beyond_share: Share of the pixels whose labels name a class that the models do not have,
            in [0, 1]. They count as found and not as true, as in mmsegmentation.
        beyond: Which labels these are, in a sentence about the first file that has them; None if
            there are none.
        scores: One for each model, in the order given.
        agreement: (models, models) share of pixels to which two models gave the same class, in
            [0, 1]. All pixels count, whether their truth is known or not.
    """

    names: tuple[str, ...]
    coding: LabelCoding
    images: int
    pixels: int
    ignored_share: float
    beyond_share: float
    beyond: str | None
    scores: Mapping[str, ModelScore]
    agreement: NDArray[np.float64]


def evaluate(
    segmenters: Mapping[str, Segmenter],
    dataset: Sequence[LabelledImage],
    *,
    coding: LabelCoding = _IDS,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Segment every image by every model and compare with the truth, at the image's own size.

    Memory does not grow with the number of images: one is looked at at a time.

    Args:
        segmenters: The models by name, at least one, all with the same number of classes.
        dataset: Images with their labels, at least one.
        coding: What the pixels of the labels mean.
        on_progress: Called after each image with the numbers of images done and in all.

    Returns:
        The figures over all pixels of all images together.

    Raises:
        UsageError: There is no model or no image, the models have different numbers of classes,
            or the coding cannot name these.
        ImageError: An image or its labels cannot be read, do not fit each other, or no pixel of
            any of them counts.
        ModelError: A model fails on an image.
    """
    names = _common_names(segmenters)
    coding.check_classes(len(names))
    if not dataset:
        raise UsageError("expected at least one labelled image, found none")
    confusions = [ConfusionMatrix(len(names)) for _ in segmenters]
    latencies_ms: list[list[float]] = [[] for _ in segmenters]
    agreements = [[LabelAgreement() for _ in range(number)] for number in range(len(segmenters))]
    pixels = 0
    beyond: str | None = None
    for done, item in enumerate(dataset, start=1):
        image_bgr = read_image(item.image)
        truth = read_labels(item.labels, (image_bgr.shape[0], image_bgr.shape[1]), coding)
        found: list[NDArray[Any]] = []
        for segmenter, confusion, latency_ms in zip(
            segmenters.values(), confusions, latencies_ms, strict=True
        ):
            start = perf_counter()
            labels = segmenter(image_bgr).labels
            latency_ms.append((perf_counter() - start) * 1e3)
            confusion.update(truth, labels, coding.ignore)
            for other_labels, agreement in zip(found, agreements[len(found)], strict=True):
                agreement.update(other_labels, labels)
            found.append(labels)
        pixels += truth.size
        if beyond is None and confusions[0].beyond.any():
            beyond = f"{item.labels}: {coding.beyond(truth, len(names))}"
        if on_progress is not None:
            on_progress(done, len(dataset))
    counted_pixels = int(confusions[0].counts.sum())
    beyond_pixels = int(confusions[0].beyond.sum())
    if beyond is not None and not counted_pixels:
        raise ImageError(f"cannot use labels {beyond}")
    if not counted_pixels:
        raise ImageError(
            f"expected labels with pixels that count, found only {coding.uncounted} in all "
            f"{len(dataset)}, such as {dataset[0].labels}"
        )
    scores = {
        name: ModelScore(confusion, median(latency_ms))
        for name, confusion, latency_ms in zip(segmenters, confusions, latencies_ms, strict=True)
    }
    return Evaluation(
        names=names,
        coding=coding,
        images=len(dataset),
        pixels=pixels,
        ignored_share=1 - (counted_pixels + beyond_pixels) / pixels,
        beyond_share=beyond_pixels / pixels,
        beyond=beyond,
        scores=scores,
        agreement=_symmetric(agreements),
    )


def _symmetric(agreements: Sequence[Sequence[LabelAgreement]]) -> NDArray[np.float64]:
    """Make a matrix of shares of each model's agreement with the models before it."""
    matrix = np.eye(len(agreements))
    for row, others in enumerate(agreements):
        for column, agreement in enumerate(others):
            matrix[row, column] = matrix[column, row] = agreement.equal
    return matrix


def _common_names(segmenters: Mapping[str, Segmenter]) -> tuple[str, ...]:
    if not segmenters:
        raise UsageError("expected at least one model, found none")
    classes = {name: len(segmenter.names) for name, segmenter in segmenters.items()}
    if len(set(classes.values())) > 1:
        found = ", ".join(f"{count} in {name}" for name, count in classes.items())
        raise UsageError(f"expected models with the same number of classes, found {found}")
    return next(iter(segmenters.values())).names
