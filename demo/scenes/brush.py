"""What every thing in a scene needs to be painted: canvas, light and chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import RGB, Canvas, tone
from .light import Light


@dataclass(frozen=True)
class Brush:
    """Canvas, light and chance, handed to all that paint.

    Attributes:
        canvas: Where to paint.
        light: How the scene is lit.
        rng: Source of chance; the same seed paints the same scene.
    """

    canvas: Canvas
    light: Light
    rng: np.random.Generator

    def between(self, low: float, high: float) -> float:
        """Return a number between ``low`` and ``high``."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return bool(self.rng.random() < probability)

    def pick(self, colors: Sequence[RGB], spread: float = 8.0) -> RGB:
        """Return one of the colours, a little changed."""
        red, green, blue = colors[int(self.rng.integers(len(colors)))]
        shift = self.rng.uniform(-spread, spread, 4)
        return red + shift[0] + shift[3], green + shift[1] + shift[3], blue + shift[2] + shift[3]

    def lit(self, color: RGB, side: int) -> RGB:
        """Return the colour of a wall that faces left (-1), right (1) or us (0)."""
        return tone(color, 1.06 if side == self.light.side else 0.80)

    def cast(self, foot: tuple[float, float], half_width: float, length: float) -> None:
        """Remember the shadow that something standing at ``foot`` throws away from the sun."""
        away = -self.light.side * length
        self.canvas.shadow_ellipse(
            (foot[0] + away * 0.5, foot[1]), (half_width + abs(away) * 0.5, half_width * 0.32)
        )
