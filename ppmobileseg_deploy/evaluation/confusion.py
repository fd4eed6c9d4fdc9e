"""Confusion matrix of true and found classes, and the metrics that follow from it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BAND_PIXELS: Final = 1 << 20  # indices of 8 MB, whatever the image's size


class ConfusionMatrix:
    """Counts of pixels by true class and by found class.

    The figures are those of mmsegmentation's ``IoUMetric``: taken over the pixels of all images
    together, and a mean leaves out the classes for which a figure is not defined. A class that is
    found somewhere and true nowhere counts in the mean as an intersection over union of 0. A pixel
    whose true id is no class is in no class's truth, and still counts as one that was found.

    Args:
        num_classes: Number of classes.

    Attributes:
        counts: int64 (num_classes, num_classes); rows are true classes, columns found ones.
        beyond: int64 (num_classes,); pixels by found class whose true id is no class.

    Examples:
        >>> import numpy as np
        >>> confusion = ConfusionMatrix(2)
        >>> confusion.update(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 1]]))
        >>> confusion.miou
        0.5
    """

    def __init__(self, num_classes: int) -> None:
        self.counts: NDArray[np.int64] = np.zeros((num_classes, num_classes), np.int64)
        self.beyond: NDArray[np.int64] = np.zeros(num_classes, np.int64)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.counts)

    def update(self, truth: NDArray[Any], found: NDArray[Any], ignore: int = 255) -> None:
        """Add the pixels of one image.

        Args:
            truth: True class ids, any integer type and shape.
            found: Class ids that a model gave, of the same shape.
            ignore: Pixels with this truth are left out.

        Raises:
            ValueError: The shapes differ, or a found class id is out of range.
        """
        if truth.shape != found.shape:
            raise ValueError(f"expected labels of shape {truth.shape}, found {found.shape}")
        truth, found = truth.reshape(-1), found.reshape(-1)
        for start in range(0, truth.size, _BAND_PIXELS):
            band = slice(start, start + _BAND_PIXELS)
            self._update(truth[band], found[band], ignore)

    def _update(self, truth: NDArray[Any], found: NDArray[Any], ignore: int) -> None:
        counted = truth != ignore
        true_ids, found_ids = truth[counted].astype(np.int64), found[counted].astype(np.int64)
        if found_ids.size and not 0 <= found_ids.min() <= found_ids.max() < self.num_classes:
            raise ValueError(
                f"expected found class ids in [0, {self.num_classes}), "
                f"found {found_ids.min()} to {found_ids.max()}"
            )
        beyond = (true_ids < 0) | (true_ids >= self.num_classes)
        self.beyond += np.bincount(found_ids[beyond], minlength=self.num_classes)
        true_ids, found_ids = true_ids[~beyond], found_ids[~beyond]
        pairs = np.bincount(true_ids * self.num_classes + found_ids, minlength=self.num_classes**2)
        self.counts += pairs.reshape(self.counts.shape)

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class; NaN where it is neither true nor found."""
        return _ratio(self._right, self._true + self._found - self._right)

    @property
    def class_accuracy(self) -> NDArray[np.float64]:
        """Share of each class's pixels that were found; NaN where there are none."""
        return _ratio(self._right, self._true)

    @property
    def class_share(self) -> NDArray[np.float64]:
        """Share of all pixels that each class truly has; NaN if there are no pixels."""
        return _ratio(self._true, np.full_like(self._true, self.counts.sum()))

    @property
    def only_found(self) -> NDArray[np.bool_]:
        """Whether each class is found somewhere and true nowhere; `miou` counts it as 0."""
        only: NDArray[np.bool_] = (self._found > 0) & (self._true == 0)
        return only

    @property
    def miou(self) -> float:
        """Mean of `iou` over the classes that have one; NaN if none has."""
        return _mean(self.iou)

    @property
    def mean_accuracy(self) -> float:
        """Mean of `class_accuracy` over the classes that have one; NaN if none has."""
        return _mean(self.class_accuracy)

    @property
    def pixel_accuracy(self) -> float:
        """Share of pixels with the right class; NaN if there are none."""
        pixels = int(self.counts.sum())
        return int(self._right.sum()) / pixels if pixels else float("nan")

    @property
    def _right(self) -> NDArray[np.int64]:
        right: NDArray[np.int64] = np.diagonal(self.counts)
        return right

    @property
    def _true(self) -> NDArray[np.int64]:
        true: NDArray[np.int64] = self.counts.sum(axis=1)
        return true

    @property
    def _found(self) -> NDArray[np.int64]:
        found: NDArray[np.int64] = self.counts.sum(axis=0) + self.beyond
        return found


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    undefined = np.full(part.shape, np.nan)
    ratio: NDArray[np.float64] = np.divide(part, whole, out=undefined, where=whole > 0)
    return ratio


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
