"""From a seed to a finished scene."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from .brush import Brush
from .canvas import Canvas, UInt8Array
from .coast import paint_coast
from .light import choose_light
from .row import paint_row
from .street import paint_street
from .surface import add_texture, finish
from .valley import paint_valley

VIEWS: Final = (paint_street, paint_row, paint_valley, paint_coast)
"""The kinds of scene; the seed's remainder by their number chooses one."""


@dataclass(frozen=True)
class Scene:
    """A drawn scene and what is where in it.

    Attributes:
        image_bgr: uint8 (height, width, 3).
        labels: uint8 (height, width), ADE20K class ids.
    """

    image_bgr: UInt8Array
    labels: UInt8Array


def draw_scene(seed: int, size_hw: tuple[int, int] = (256, 256)) -> Scene:
    """Draw a street or landscape scene.

    The same seed gives the same scene at every size of the same ratio, in more or less detail.

    Args:
        seed: Chooses the scene; not negative.
        size_hw: Height and width in pixels; the long side at most twice the short one.

    Returns:
        The picture and its labels.

    Raises:
        ValueError: The size is not positive, or longer than twice its short side.
    """
    if min(size_hw) < 1 or max(size_hw) > 2 * min(size_hw):
        raise ValueError(
            f"expected positive sides, the long one at most twice the short one, found {size_hw}"
        )
    rng = np.random.default_rng(seed)
    brush = Brush(Canvas(size_hw), choose_light(rng), rng)
    VIEWS[seed % len(VIEWS)](brush)
    add_texture(brush.canvas, rng)
    finish(brush.canvas, brush.light, rng)
    return Scene(brush.canvas.image_bgr, brush.canvas.labels)
