"""Scores on drawn scenes that training never sees.

For files and checkpoints there is ``ppms-eval``, on the folder that `demo.make_dataset` draws;
this is for a network while it trains.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ppmobileseg_deploy import ade20k
from ppmobileseg_deploy.evaluation import ConfusionMatrix

from .scenes import draw_scene
from .scenes.canvas import UInt8Array

HELD_OUT: Final = range(10_000)
"""Seeds that training never draws."""


def evaluate(
    segment: Callable[[UInt8Array], NDArray[np.integer]],
    seeds: Sequence[int],
    size_hw: tuple[int, int],
) -> ConfusionMatrix:
    """Segment drawn scenes and compare with what was drawn.

    Args:
        segment: Maps an image, uint8 BGR (height, width, 3), to ADE20K ids (height, width).
        seeds: Which scenes.
        size_hw: Size at which they are drawn.

    Returns:
        The pixels of all scenes together.
    """
    confusion = ConfusionMatrix(len(ade20k.NAMES))
    for seed in seeds:
        scene = draw_scene(seed, size_hw)
        confusion.update(scene.labels, segment(scene.image_bgr))
    return confusion
