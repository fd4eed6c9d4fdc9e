"""Agreement of the logits of two models."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_ERROR_RATIO: Final = 4.0
"""Largest permitted error against float64, as a multiple of the reference's own in float32."""

RELATIVE_ERROR: Final = 1e-6
"""Error against float64, as a share of the largest logit, that is permitted in any case."""

MAX_AMPLIFIED_RATIO: Final = 64.0
"""`MAX_ERROR_RATIO` where the reference errs by more than ten times that share: the network
amplifies rounding, and by how much is chance."""


@dataclass(frozen=True)
class LogitDifference:
    """Difference of the logits of two models on one input.

    Attributes:
        largest: Largest absolute difference; NaN if one of the logits is.
        mean: Mean absolute difference.
        max_logit: Largest absolute logit of the reference.
    """

    largest: float
    mean: float
    max_logit: float

    @classmethod
    def of(
        cls, pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]], max_logit: float
    ) -> "LogitDifference":
        """Compare logits part by part: those of a photograph take 200 MB once they are enlarged.

        Args:
            pairs: At least one part of the reference's logits, such as one class, and the same
                part of the other model's.
            max_logit: Largest absolute logit of the reference.
        """
        largest, total, count = 0.0, 0.0, 0
        for expected, found in pairs:
            difference = _difference(expected, found)
            largest = float(np.maximum(largest, difference.max()))  # a NaN stays one
            total += float(difference.sum(dtype=np.float64))
            count += difference.size
        return cls(largest, total / count, max_logit)


@dataclass(frozen=True)
class Float64Errors:
    """Errors of float32 logits against the reference in float64.

    Attributes:
        found: Largest absolute difference of a model's logits from those in float64.
        reference: The same of the reference, computed in float32.
        max_logit: Largest absolute logit in float64.
    """

    found: float
    reference: float
    max_logit: float

    @property
    def ratio(self) -> float:
        """Largest permitted multiple of the reference's error."""
        amplified = self.reference > 10 * RELATIVE_ERROR * self.max_logit
        return MAX_AMPLIFIED_RATIO if amplified else MAX_ERROR_RATIO

    @property
    def limit(self) -> float:
        """Largest permitted error of the model."""
        return max(self.ratio * self.reference, RELATIVE_ERROR * self.max_logit)

    @property
    def agree(self) -> bool:
        """Whether the model's error is within the limit; a NaN is not."""
        return self.found <= self.limit


def largest_difference(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """Give the largest absolute difference of logits of the same shape; NaN if one of them is."""
    return float(_difference(expected, found).max())


def _difference(expected: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
    """Give absolute differences; that of two equal infinities, which rule a class out, is 0."""
    with np.errstate(invalid="ignore"):
        difference: NDArray[Any] = np.abs(expected - found)
    difference[(expected == found) & np.isinf(expected)] = 0
    return difference
