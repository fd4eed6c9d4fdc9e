"""How well labels agree with the truth: mean intersection over union on scenes held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ppmobileseg_deploy import ade20k

from .scenes import draw_scene
from .scenes.canvas import UInt8Array

HELD_OUT: Final = range(10_000)
"""Seeds that training never draws."""

_NUM_CLASSES: Final = len(ade20k.NAMES)


@dataclass(frozen=True)
class Score:
    """Agreement over a set of scenes.

    Attributes:
        iou: Intersection over union by class name, for every class that occurs in the truth.
        accuracy: Share of pixels with the right label.
    """

    iou: dict[str, float]
    accuracy: float

    @property
    def miou(self) -> float:
        """Mean of the intersections over union, every class counted once."""
        return float(np.mean(list(self.iou.values())))


def evaluate(
    segment: Callable[[UInt8Array], NDArray[np.integer]],
    seeds: Sequence[int],
    size_hw: tuple[int, int],
) -> Score:
    """Segment drawn scenes and compare with what was drawn.

    Args:
        segment: Maps an image, uint8 BGR (height, width, 3), to ADE20K ids (height, width).
        seeds: Which scenes.
        size_hw: Size at which they are drawn.

    Returns:
        The score over all pixels of all scenes together.
    """
    confusion = np.zeros((_NUM_CLASSES, _NUM_CLASSES), np.int64)
    for seed in seeds:
        scene = draw_scene(seed, size_hw)
        pairs = scene.labels.astype(np.int64) * _NUM_CLASSES + segment(scene.image_bgr)
        confusion += np.bincount(pairs.ravel(), minlength=_NUM_CLASSES**2).reshape(
            _NUM_CLASSES, _NUM_CLASSES
        )
    right = np.diag(confusion)
    truth, found = confusion.sum(1), confusion.sum(0)
    iou = {
        ade20k.NAMES[index]: float(right[index] / (truth[index] + found[index] - right[index]))
        for index in np.flatnonzero(truth).tolist()
    }
    return Score(iou, float(right.sum() / confusion.sum()))
