"""Selection: the pixels of a segmentation that a style draws."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from .style import Style

_BAND_PIXELS: Final = 1 << 20
_DRAWN: Final = 255
_EXACT: Final = 1 << 24


@dataclass(frozen=True, eq=False)
class Selection:
    """The labels, and which of their pixels a style draws.

    Attributes:
        labels: (height, width) class ids.
        chosen: (classes,) bool, which classes are drawn; None means all.
        confidence: (height, width) float32, the probability of each pixel's class; None where
            that makes no difference.
        threshold: The least confidence that is drawn.
    """

    labels: NDArray[Any]
    chosen: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None
    threshold: float = 0.0

    @classmethod
    def of(
        cls,
        style: Style,
        labels: NDArray[Any],
        num_classes: int,
        confidence: NDArray[np.float32] | None,
    ) -> "Selection":
        """Apply a style to the labels of an image.

        Raises:
            UsageError: The style draws by confidence and there is none, or its size differs from
                the labels'.
        """
        chosen = None
        if style.classes is not None:
            chosen = np.zeros(num_classes, np.bool_)
            chosen[list(style.classes)] = True
        if style.confidence == 0.0:
            return cls(labels, chosen)
        if confidence is None:
            raise UsageError(
                f"confidence={style.confidence} needs the probability of every pixel's class, "
                f"found a result without: load the model with OrtSegmenter(..., confidence=True)"
            )
        if confidence.shape != labels.shape:
            raise UsageError(
                f"expected a confidence of shape {labels.shape}, found {confidence.shape}"
            )
        return cls(labels, chosen, confidence, style.confidence)

    @property
    def everything(self) -> bool:
        """Whether every pixel is drawn."""
        return self.chosen is None and self.confidence is None

    def bands(self) -> Iterator[slice]:
        """Yield slices of rows, of a million pixels each, to bound the memory of a computation."""
        height, width = self.labels.shape
        rows = max(1, _BAND_PIXELS // max(1, width))
        for top in range(0, height, rows):
            yield slice(top, min(top + rows, height))

    def mask(self, rows: slice, columns: slice = slice(None)) -> NDArray[np.uint8]:
        """Return 255 where a pixel is drawn and 0 where it is transparent.

        Args:
            rows: The part of the image ...
            columns: ... that is looked at.
        """
        labels = self.labels[rows, columns]
        mask: NDArray[np.uint8] = np.full(labels.shape, _DRAWN, np.uint8)
        if self.chosen is not None:
            table = np.where(self.chosen, _DRAWN, 0).astype(np.uint8)
            if labels.dtype == np.uint8:
                padded = np.zeros(256, np.uint8)
                padded[: len(table)] = table[:256]
                mask = cv2.LUT(np.ascontiguousarray(labels), padded)  # type: ignore[assignment]
            else:
                mask = np.take(table, labels)
        if self.confidence is not None:
            # NaN is no confidence: it compares as false, and the pixel stays transparent.
            mask[~(self.confidence[rows, columns] >= self.threshold)] = 0
        return mask

    def present(self) -> list[tuple[int, int]]:
        """Return id and number of pixels of each class that is drawn somewhere, largest first."""
        counts = self._counts()
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        return [(int(class_id), int(counts[class_id])) for class_id in order]

    def _counts(self) -> NDArray[np.int64]:
        total = np.zeros(0 if self.chosen is None else len(self.chosen), np.int64)
        # Band by band: bincount makes a copy of eight bytes for every pixel, and calcHist (0.7 ms
        # for 1080p, bincount 7) counts in float32, which is exact up to 2**24 pixels.
        for rows in self.bands():
            labels = self.labels[rows]
            if labels.dtype == np.uint8 and labels.size < _EXACT:
                mask = None if self.everything else self.mask(rows)
                ids = np.ascontiguousarray(labels)
                count = cv2.calcHist([ids], [0], mask, [256], [0, 256]).ravel().astype(np.int64)
            else:
                seen = labels if self.everything else labels[self.mask(rows) > 0]
                count = np.bincount(seen.ravel())
            size = max(len(total), len(count))
            total = np.pad(total, (0, size - len(total))) + np.pad(count, (0, size - len(count)))
        return total
