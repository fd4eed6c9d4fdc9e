"""Postprocessing: class ids and confidence at the image's size from a full-resolution output."""

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...types import Labels, SizeHW, label_type
from .scores import LOGITS, Scores


def labels_from_ids(ids: NDArray[Any], size_hw: SizeHW, num_classes: int) -> Labels:
    """Resize class ids without inventing any: every pixel takes the id nearest to its centre.

    Args:
        ids: (height, width) class ids of any integer type.
        size_hw: Size of the original image.
        num_classes: How many classes the ids may name.

    Returns:
        Class ids of size ``size_hw``: uint8, or uint16 above 256 classes.

    Raises:
        ValueError: An id is outside [0, num_classes).
    """
    # Viewed as unsigned, negative ids are huge: one maximum checks both bounds.
    if ids.view(f"u{ids.itemsize}").max() >= num_classes:
        raise ValueError(
            f"expected class ids in [0, {num_classes}), found {ids.min()} to {ids.max()}"
        )
    labels: Labels = ids.astype(label_type(num_classes))
    if ids.shape == tuple(size_hw):
        return labels
    # In whole numbers, so that the nearest centre is exactly that: cv2.INTER_NEAREST looks at
    # corners, and INTER_NEAREST_EXACT slips by a pixel in large images and takes twice the time.
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for old, new in zip(ids.shape, size_hw, strict=True)
    )
    resized: Labels = np.take(np.take(labels, columns, axis=1), rows, axis=0)
    return resized


def labels_from_logits(logits: NDArray[np.float32], size_hw: SizeHW) -> Labels:
    """Interpolate logits bilinearly, then decide, as mmsegmentation does.

    Works class by class, so that memory is a few planes of the image's size, however many
    classes there are.

    Args:
        logits: (classes, height, width) float32, without the padding.
        size_hw: Size of the original image.

    Returns:
        Class ids of size ``size_hw``: uint8, or uint16 above 256 classes. Of equal logits the
        lowest id wins.
    """
    return _decided(logits, size_hw)[0]


def labels_and_confidence(
    scores: NDArray[np.float32], size_hw: SizeHW, meaning: Scores = LOGITS
) -> tuple[Labels, NDArray[np.float32]]:
    """Return labels as `labels_from_logits` does, and their confidence.

    The confidence is the probability of each pixel's class, of scores interpolated bilinearly to
    the size of the image. Of logits it is the softmax: ``exp(winner) / sum over all classes of
    exp(logit)``, which takes all classes, where the labels alone take only those that can win, and
    so several times as long.

    Args:
        scores: (classes, height, width) float32, without the padding.
        size_hw: Size of the original image.
        meaning: What the scores are.

    Returns:
        Class ids as from `labels_from_logits`, and (height, width) float32 probabilities; of
        logits from one divided by the number of classes to 1, or, of a head of one class, from
        the threshold on.
    """
    labels, best = _decided(scores, size_hw)
    if meaning.are_probabilities(scores):
        return labels, _certainty(labels, best, meaning)
    plane = np.empty(size_hw, np.float32)
    planes = (_enlarge(grid, plane) for grid in scores)
    return labels, _certainty(labels, best, meaning, planes)


def _certainty(
    labels: Labels,
    best: NDArray[np.float32],
    meaning: Scores,
    logits: Iterable[NDArray[np.float32]] | None = None,
) -> NDArray[np.float32]:
    """Return the probability of each pixel's class.

    Args:
        labels: (height, width) class ids.
        best: (height, width) float32, the largest scores, which are those of the labels; written
            to.
        meaning: What the scores are.
        logits: (height, width) float32 planes of each class; None where the scores are
            probabilities.

    Returns:
        (height, width) float32 in [0, 1].
    """
    if meaning.background:
        np.subtract(best, np.float32(meaning.background), out=best, where=labels == 0)
    if logits is None:
        return np.clip(best, 0, 1, out=best)
    if meaning.background:
        logits = (
            plane - np.float32(meaning.background) if class_id == 0 else plane
            for class_id, plane in enumerate(logits)
        )
    return winners_probability(logits, best)


def keep_best(
    class_id: int,
    plane: NDArray[np.float32],
    labels: Labels,
    best: NDArray[np.float32],
    wins: NDArray[np.bool_],
) -> None:
    """Give a class the pixels where it beats all classes before it.

    Args:
        class_id: The class.
        plane: (height, width) float32, its logits.
        labels: (height, width) the winners so far, written to.
        best: (height, width) float32, the largest logits so far, written to.
        wins: (height, width) bool, memory to work in.
    """
    np.greater(plane, best, out=wins)
    np.copyto(labels, class_id, where=wins)
    np.maximum(best, plane, out=best)


def winners_probability(
    planes: Iterable[NDArray[np.float32]], best: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the softmax probability of each pixel's winner, class by class.

    Args:
        planes: (height, width) float32 logits of each class.
        best: (height, width) float32, the winners' logits. What is exponentiated is the distance
            to it, so that no logit is too large.

    Returns:
        (height, width) float32 in (0, 1].
    """
    total = np.zeros(best.shape, np.float32)
    likelihood = np.empty(best.shape, np.float32)
    for plane in planes:
        np.subtract(plane, best, out=likelihood)
        cv2.exp(likelihood, dst=likelihood)  # a third of the time of np.exp
        np.add(total, likelihood, out=total)
    np.divide(1, total, out=total)
    return np.minimum(total, 1, out=total)


def _decided(logits: NDArray[np.float32], size_hw: SizeHW) -> tuple[Labels, NDArray[np.float32]]:
    labels = np.zeros(size_hw, label_type(len(logits)))
    best = np.full(size_hw, -np.inf, np.float32)
    wins = np.empty(size_hw, np.bool_)
    plane = np.empty(size_hw, np.float32)
    for class_id in _contenders(logits):
        keep_best(class_id, _enlarge(logits[class_id], plane), labels, best, wins)
    return labels, best


def _enlarge(grid: NDArray[np.float32], plane: NDArray[np.float32]) -> NDArray[np.float32]:
    cv2.resize(grid, plane.shape[::-1], dst=plane, interpolation=cv2.INTER_LINEAR)
    return plane


def _contenders(logits: NDArray[np.float32]) -> list[int]:
    # Between four grid points every interpolated logit lies between its smallest and its largest
    # corner. So the winner there is at least the best of the smallest corners, and a class whose
    # largest corner is below that in every cell wins nowhere. Most classes are of that kind, and
    # looking at the grid is cheap next to interpolating a photograph's worth of pixels.
    cell = np.ones((2, 2), np.uint8)
    floor = cv2.erode(logits[0], cell)
    for plane in logits[1:]:
        np.maximum(floor, cv2.erode(plane, cell), out=floor)
    return [i for i, plane in enumerate(logits) if (cv2.dilate(plane, cell) >= floor).any()]
