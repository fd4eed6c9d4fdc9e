"""Ground, and the things that stand on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from .brush import Brush
from .canvas import RGB, Point, tone
from .houses import paint_fence, paint_house
from .moving import paint_car_side, paint_person
from .plants import AUTUMN, LEAVES, NEEDLES, paint_bush, paint_pine, paint_rock, paint_tree

ASPHALT: Final[tuple[RGB, ...]] = ((96, 98, 106), (84, 86, 94), (112, 110, 112))
PAVING: Final[tuple[RGB, ...]] = ((196, 188, 178), (184, 182, 184), (206, 192, 170))
SANDS: Final[tuple[RGB, ...]] = ((238, 214, 160), (230, 204, 158), (244, 224, 180))
MARKING: Final[RGB] = (232, 232, 226)
SOIL: Final[tuple[RGB, ...]] = ((150, 108, 74), (166, 124, 84), (134, 98, 72))


@dataclass
class Ground:
    """Things that will stand on the ground, painted in order of their feet.

    Attributes:
        brush: Canvas, light and chance.
        things: Height of the foot in the picture, and what paints the thing.
    """

    brush: Brush
    things: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def stand(
        self, foot: Point, half_width: float, length: float, paint: Callable[[], None]
    ) -> None:
        """Add a thing and its shadow."""
        self.brush.cast(foot, half_width, length)
        self.things.append((foot[1], paint))

    def tree(self, foot: Point, height: float) -> None:
        """Add a tree, broad-leaved or conifer."""
        brush = self.brush
        kind = brush.rng.random()
        if kind < 0.3:
            needles = brush.pick(NEEDLES)
            self.stand(
                foot, height * 0.2, height * 0.4, partial(paint_pine, brush, foot, height, needles)
            )
            return
        leaves = brush.pick(AUTUMN if kind > 0.86 else LEAVES)
        self.stand(
            foot, height * 0.26, height * 0.5, partial(paint_tree, brush, foot, height, leaves)
        )

    def bush(self, foot: Point, height: float) -> None:
        """Add a bush, sometimes in bloom."""
        brush, blossoms = self.brush, self.brush.chance(0.5)
        self.stand(
            foot,
            height * 0.8,
            height * 0.4,
            partial(paint_bush, brush, foot, height, blossoms=blossoms),
        )

    def rock(self, foot: Point, height: float) -> None:
        """Add a boulder."""
        self.stand(foot, height, height * 0.5, partial(paint_rock, self.brush, foot, height))

    def person(self, foot: Point, height: float) -> None:
        """Add a person."""
        self.stand(
            foot, height * 0.14, height * 0.45, partial(paint_person, self.brush, foot, height)
        )

    def car(self, foot: Point, length: float) -> None:
        """Add a car seen from the side."""
        self.stand(
            foot, length * 0.5, length * 0.1, partial(paint_car_side, self.brush, foot, length)
        )

    def house(self, foot: Point, height: float) -> None:
        """Add a house."""
        self.stand(
            foot, height * 0.75, height * 0.4, partial(paint_house, self.brush, foot, height)
        )

    def fence(self, start: Point, end: Point, height: float, growth: float = 1.0) -> None:
        """Add a fence from left to right."""
        foot = min(start[1], end[1])
        self.brush.canvas.shadow(
            [start, end, (end[0], end[1] + height * 0.3), (start[0], start[1] + height * 0.3)]
        )
        self.things.append((foot, partial(paint_fence, self.brush, (start, end), height, growth)))

    def paint(self) -> None:
        """Cast all shadows, then paint all things, far ones first."""
        light = self.brush.light
        self.brush.canvas.cast_shadows(0.75 if light.sun else 0.45, light.shadow)
        for _, paint in sorted(self.things, key=lambda thing: thing[0]):
            paint()


def paint_band(brush: Brush, top: float, bottom: float, color: RGB, name: str) -> None:
    """Fill a level band across the whole picture."""
    right = brush.canvas.width + 0.05
    brush.canvas.gradient(
        [(-0.05, top), (right, top), (right, bottom), (-0.05, bottom)],
        brush.light.far(tone(color, 1.04), 0.2),
        tone(color, 0.94),
        name,
    )
