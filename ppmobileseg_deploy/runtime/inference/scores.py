"""Meaning of a model's scores: logits or probabilities, of several classes or of one."""

import warnings
from dataclasses import dataclass
from math import log
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError, UsageError
from .model_graph import ModelGraph
from .model_output import ModelOutput

_ONE: Final = 1e-3  # tolerance of a sum of probabilities, for rounding
_LOOKED_AT: Final = 32  # rows and columns that are checked first
MOST: Final = 1e30
"""What numbers are limited to: larger ones, and minus infinity, cannot be interpolated."""


class ScoresWarning(UserWarning):
    """Scores are taken for probabilities because of their values alone."""


@dataclass(frozen=True)
class Scores:
    """What the scores of a model mean.

    The class of a pixel is the one with the largest score, whatever the scores mean.

    Attributes:
        kind: ``"logits"``, of which the softmax is the probability; ``"probabilities"``, which
            are it; or ``"unknown"``: those of an image that add up to 1 everywhere are
            probabilities.
        background: By how much class 0 of a one-class head is larger than its logit or
            probability, so that the larger number is the class at the threshold.
        added: How much of that the file leaves to be added.
        one_channel: Whether the file gives class 1 only, without class 0.
    """

    kind: Literal["logits", "probabilities", "unknown"] = "logits"
    background: float = 0.0
    added: float = 0.0
    one_channel: bool = False

    @classmethod
    def of_one_class(cls, threshold: float, *, sigmoid: bool) -> "Scores":
        """Describe a file of one channel.

        Args:
            threshold: Probability above which a pixel is of class 1.
            sigmoid: Whether the channel is that probability, and not its logit.
        """
        if sigmoid:
            return cls("probabilities", background=2 * threshold - 1, one_channel=True)
        return cls("logits", background=_logit(threshold), one_channel=True)

    @classmethod
    def of_two(cls, stored: float, wanted: float) -> "Scores":
        """Describe a file of our own whose head has one class.

        Args:
            stored: The threshold that its logits are made for.
            wanted: The threshold that is asked for.
        """
        background = _logit(wanted)
        return cls("logits", background, added=background - _logit(stored))

    def complete(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert a file's output to scores of which the largest one is the class.

        Args:
            values: float32 (batch, channels, height, width), written to.

        Returns:
            float32 (batch, classes, height, width).
        """
        if self.one_channel:
            background = np.full_like(values, self.background)
            if self.kind == "probabilities":
                background += 1 - values
            return np.concatenate([background, values], axis=1)
        if self.added:
            values[:, 0] += np.float32(self.added)
        return values

    def are_probabilities(self, planes: NDArray[np.float32]) -> bool:
        """Return whether the scores of an image are probabilities.

        Args:
            planes: float32 (classes, height, width).

        Warns:
            ScoresWarning: That follows from the values alone.
        """
        if self.kind != "unknown":
            return self.kind == "probabilities"
        # Logits usually have negative values: a few pixels show that.
        rows, columns = (max(side // _LOOKED_AT, 1) for side in planes.shape[1:])
        if not (add_up_to_one(planes[:, ::rows, ::columns]) and add_up_to_one(planes)):
            return False
        warnings.warn(
            "the model's scores add up to 1 in every pixel: they are taken for probabilities",
            ScoresWarning,
            stacklevel=2,
        )
        return True


LOGITS: Final = Scores()
"""Of files with metadata and several classes."""


def scores_of(
    output: ModelOutput,
    graph: ModelGraph | None,
    source: str,
    *,
    described: bool,
    stored: float | None,
    wanted: float | None,
) -> Scores:
    """Return what the scores of a file mean.

    Args:
        output: Its output.
        graph: Facts about its graph; None if unknown.
        source: File name, for messages.
        described: Whether it carries our metadata: its logits are logits then.
        stored: The threshold in its metadata.
        wanted: The threshold to decide at; None for models of several classes.

    Raises:
        ModelError: It has one channel of unknown meaning.
        UsageError: It gives labels, which were decided at another threshold.
    """
    if output.kind == "labels":
        if stored is not None and stored != wanted:
            raise UsageError(
                f"expected a model with logits for another threshold, {source} gives labels that "
                f"were decided at {stored:g}: export it anew with `ppms-export --threshold`"
            )
        return LOGITS
    ends_in = graph.ends_in if graph is not None else ""
    if output.channels == 1:
        if graph is None or ends_in in ("softmax", "argmax") or wanted is None:
            meant = "class ids" if ends_in == "argmax" else "a logit or a probability"
            raise ModelError(
                f"{source}: expected whole numbers as class ids, or logits of several classes, "
                f"found one channel of tensor(float), which may be {meant}"
            )
        return Scores.of_one_class(wanted, sigmoid=ends_in == "sigmoid")
    if ends_in in ("softmax", "sigmoid"):
        return Scores("probabilities")
    if not described:
        return Scores("unknown")
    return LOGITS if stored is None or wanted is None else Scores.of_two(stored, wanted)


def finite(values: NDArray[np.float32]) -> bool:
    """Make the numbers such as can be interpolated, and tell whether they are numbers.

    Minus infinity, which rules a class out, becomes a number, and what lies beyond `MOST` is
    limited to it.

    Args:
        values: float32 (batch, classes, height, width), contiguous, written to.

    Returns:
        False where a number is NaN or plus infinity, or none of a pixel is finite.
    """
    if values.min() >= -MOST and values.max() <= MOST:  # not so with NaN
        return True
    if not (values < np.inf).all() or not (values > -np.inf).any(axis=1).all():
        return False
    np.clip(values, -MOST, MOST, out=values)
    return True


def _logit(probability: float) -> float:
    return log(probability / (1 - probability))


def add_up_to_one(planes: NDArray[np.float32]) -> bool:
    """Return whether the scores of each pixel are not negative and sum to 1, up to rounding.

    Args:
        planes: float32 (classes, height, width).
    """
    return bool(planes.min() >= -_ONE and np.abs(planes.sum(axis=0) - 1).max() <= _ONE)
