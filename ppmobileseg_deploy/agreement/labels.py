"""Agreement of the labels of two models."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

_EDGE_PIXELS: Final = 2


class LabelAgreement:
    """Counts of equal labels of two models over any number of images.

    Attributes:
        images: Number of images.
        pixels: Number of their pixels.
        equal_pixels: Number of pixels with the same class.
        least_equal: Share of equal pixels of the image where it is least, in [0, 1]; 1 without
            images.

    Examples:
        >>> import numpy as np
        >>> agreement = LabelAgreement()
        >>> agreement.update(np.array([[0, 0, 1, 1]]), np.array([[0, 0, 0, 1]]))
        >>> agreement.equal
        0.75
    """

    def __init__(self) -> None:
        self.images = 0
        self.pixels = 0
        self.equal_pixels = 0
        self.least_equal = 1.0

    def update(self, expected: NDArray[Any], found: NDArray[Any]) -> None:
        """Add an image.

        Args:
            expected: Class ids by one model, any integer type and shape.
            found: Those by the other one, of the same shape.

        Raises:
            ValueError: The shapes differ.
        """
        if expected.shape != found.shape:
            raise ValueError(f"expected labels of shape {expected.shape}, found {found.shape}")
        equal = int(np.count_nonzero(expected == found))
        self.images += 1
        self.pixels += expected.size
        self.equal_pixels += equal
        self.least_equal = min(self.least_equal, equal / expected.size)

    @property
    def equal(self) -> float:
        """Share of equal pixels over all images, in [0, 1]; NaN without images."""
        return self.equal_pixels / self.pixels if self.pixels else float("nan")


def equal_share(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """Give the share of pixels of one image with the same class, in [0, 1].

    Args:
        expected: Class ids by one model, any integer type and shape.
        found: Those by the other one, of the same shape.

    Raises:
        ValueError: The shapes differ.
    """
    agreement = LabelAgreement()
    agreement.update(expected, found)
    return agreement.equal


def away_from_edges(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Find pixels all of whose neighbours up to two pixels away have the same class.

    Args:
        labels: (height, width) class ids.

    Returns:
        (height, width).
    """
    ids = labels.astype(np.float32)  # OpenCV knows no wider integers here
    window = np.ones((2 * _EDGE_PIXELS + 1,) * 2, np.uint8)
    uniform: NDArray[np.bool_] = cv2.dilate(ids, window) == cv2.erode(ids, window)
    return uniform


def clearly_wrong(
    labels: NDArray[Any], logits: NDArray[Any], best: NDArray[Any], margin: float
) -> float:
    """Give the share of labels whose logit is below the best one by more than a margin.

    Where two logits are closer than that, rounding decides, and either class is right. A label
    that is no class is wrong.

    Args:
        labels: (batch, 1, height, width) class ids.
        logits: (batch, classes, height, width), by the reference.
        best: (batch, 1, height, width), the largest logit of the classes that may win.
        margin: Largest difference of logits that cannot be told apart.

    Returns:
        In [0, 1].
    """
    ids = labels.astype(np.int64)
    classes = ids.clip(0, logits.shape[1] - 1)
    chosen = np.take_along_axis(logits, classes, axis=1)
    return float(((best - chosen > margin) | (ids != classes)).mean())
