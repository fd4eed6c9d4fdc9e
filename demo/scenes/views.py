"""Four kinds of scene: a street in perspective, a row of houses, a valley, a coast.

Each is painted back to front. Things that stand on the ground are gathered first, so that all
shadows fall before the first of them is painted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from .brush import Brush
from .built import FACADES, paint_block, paint_facade, paint_fence, paint_house
from .canvas import RGB, Point, mix, tone
from .light import paint_sky
from .moving import paint_boat, paint_car_end, paint_car_side, paint_person
from .nature import (
    AUTUMN,
    LEAVES,
    MEADOWS,
    NEEDLES,
    paint_bush,
    paint_hill,
    paint_mountains,
    paint_pine,
    paint_rock,
    paint_tree,
    wave,
)

ASPHALT: Final[tuple[RGB, ...]] = ((96, 98, 106), (84, 86, 94), (112, 110, 112))
PAVING: Final[tuple[RGB, ...]] = ((196, 188, 178), (184, 182, 184), (206, 192, 170))
SOIL: Final[tuple[RGB, ...]] = ((150, 108, 74), (166, 124, 84), (134, 98, 72))
SANDS: Final[tuple[RGB, ...]] = ((238, 214, 160), (230, 204, 158), (244, 224, 180))
SEAS: Final[tuple[RGB, ...]] = ((44, 120, 166), (38, 134, 160), (60, 110, 158))
LAKES: Final[tuple[RGB, ...]] = ((84, 140, 168), (92, 150, 160), (76, 124, 156))


@dataclass
class Ground:
    """Things that will stand on the ground, painted in order of their feet.

    Attributes:
        brush: Canvas, light and chance.
        things: Height of the foot in the picture, and what paints the thing.
    """

    brush: Brush
    things: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def stand(
        self, foot: Point, half_width: float, length: float, paint: Callable[[], object]
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
            self.stand(foot, height * 0.2, height * 0.4,
                       lambda: paint_pine(brush, foot, height, needles))  # fmt: skip
            return
        leaves = brush.pick(AUTUMN if kind > 0.86 else LEAVES)
        self.stand(foot, height * 0.26, height * 0.5,
                   lambda: paint_tree(brush, foot, height, leaves))  # fmt: skip

    def bush(self, foot: Point, height: float) -> None:
        """Add a bush, sometimes in bloom."""
        brush, blossoms = self.brush, self.brush.chance(0.5)
        self.stand(foot, height * 0.8, height * 0.4,
                   lambda: paint_bush(brush, foot, height, blossoms=blossoms))  # fmt: skip

    def rock(self, foot: Point, height: float) -> None:
        """Add a boulder."""
        self.stand(foot, height, height * 0.5, lambda: paint_rock(self.brush, foot, height))

    def person(self, foot: Point, height: float) -> None:
        """Add a person."""
        self.stand(foot, height * 0.14, height * 0.45,
                   lambda: paint_person(self.brush, foot, height))  # fmt: skip

    def car(self, foot: Point, length: float) -> None:
        """Add a car seen from the side."""
        self.stand(foot, length * 0.5, length * 0.1,
                   lambda: paint_car_side(self.brush, foot, length))  # fmt: skip

    def house(self, foot: Point, height: float) -> None:
        """Add a house."""
        self.stand(foot, height * 0.75, height * 0.4,
                   lambda: paint_house(self.brush, foot, height))  # fmt: skip

    def fence(self, start: Point, end: Point, height: float, growth: float = 1.0) -> None:
        """Add a fence from left to right."""
        foot = (min(start[1], end[1]))
        self.brush.canvas.shadow([start, end, (end[0], end[1] + height * 0.3),
                                  (start[0], start[1] + height * 0.3)])  # fmt: skip
        self.things.append(
            (foot, lambda: paint_fence(self.brush, [start, end], height, growth))
        )

    def paint(self) -> None:
        """Cast all shadows, then paint all things, far ones first."""
        light = self.brush.light
        self.brush.canvas.cast_shadows(0.75 if light.sun else 0.45, light.shadow)
        for _, paint in sorted(self.things, key=lambda thing: thing[0]):
            paint()


def paint_street(brush: Brush) -> None:
    """A street seen along its middle: houses left and right, lanes, cars, trees, people."""
    canvas, light = brush.canvas, brush.light
    horizon = canvas.height * brush.between(0.40, 0.52)
    vanish = canvas.width * brush.between(0.38, 0.62)
    eye = brush.between(1.9, 2.6)
    focal = 0.85

    def at(x: float, height: float, depth: float) -> Point:
        return vanish + focal * x / depth, horizon + focal * (eye - height) / depth

    paint_sky(canvas, light, brush.rng, horizon)
    if brush.chance(0.5):
        paint_mountains(brush, horizon + 0.01, brush.between(0.12, 0.24), brush.count(1, 2))
    meadow = brush.pick(MEADOWS)
    paint_hill(brush, [(-0.05, horizon), (canvas.width + 0.05, horizon)], canvas.height + 0.1,
               meadow, "grass")  # fmt: skip
    if brush.chance(0.6):
        _paint_woods(brush, [(float(x), horizon) for x in np.linspace(0.0, canvas.width, 24)])
    near, far = focal * eye / (canvas.height - horizon + 0.15), 70.0
    half = brush.between(3.2, 4.2)
    walk = half + brush.between(2.0, 3.0)
    lawn = walk + (brush.between(1.5, 3.5) if brush.chance(0.7) else 0.2)
    paving, asphalt = brush.pick(PAVING), brush.pick(ASPHALT)
    for side in (-1, 1):
        for inner, outer, color, name in (
            (walk, lawn, meadow, "grass"),
            (half, walk, paving, "sidewalk"),
        ):
            canvas.gradient(
                [at(side * inner, 0, far), at(side * outer, 0, far), at(side * outer, 0, near),
                 at(side * inner, 0, near)], light.far(color, 0.5), tone(color, 0.95), name,
            )  # fmt: skip
        for depth in np.geomspace(near * 1.05, 40.0, 16):
            canvas.line([at(side * half, 0, depth), at(side * walk, 0, depth)],
                        tone(paving, 0.84), 0.012 / float(depth))  # fmt: skip
    canvas.gradient(
        [at(-half, 0, far), at(half, 0, far), at(half, 0, near), at(-half, 0, near)],
        light.far(asphalt, 0.5), tone(asphalt, 0.92), "road",
    )  # fmt: skip
    for side in (-1, 1):
        canvas.polygon([at(side * half, 0, far), at(side * (half + 0.22), 0, far),
                        at(side * (half + 0.22), 0, near), at(side * half, 0, near)],
                       tone(paving, 1.15), "sidewalk")  # fmt: skip
    depth = near + brush.between(0.0, 2.0)
    while depth < 40.0:
        canvas.polygon([at(-0.09, 0, depth), at(0.09, 0, depth), at(0.09, 0, depth + 1.6),
                        at(-0.09, 0, depth + 1.6)], (232, 232, 226))  # fmt: skip
        depth += 4.0
    for side in (-1, 1):
        _street_side(brush, at, side, (lawn, near, far))
    ground = Ground(brush)
    _street_life(brush, ground, at, (half, walk, lawn, near))
    ground.paint()


def _street_side(
    brush: Brush,
    at: Callable[[float, float, float], Point],
    side: int,
    span: tuple[float, float, float],
) -> None:
    lawn, near, far = span
    x = side * (lawn + brush.between(0.3, 1.2))
    blocks: list[tuple[float, float, float]] = []
    depth = near * brush.between(0.8, 1.6)
    while depth < far * 0.8:
        length = brush.between(7.0, 13.0)
        if brush.chance(0.85):
            blocks.append((depth, depth + length, brush.between(5.5, 15.0)))
        depth += length + (brush.between(1.5, 5.0) if brush.chance(0.4) else 0.0)
    for start, end, height in reversed(blocks):
        wall = brush.light.far(brush.pick(FACADES), start / 60.0)
        outer = x + side * 9.0
        front = brush.lit(wall, 0)
        brush.canvas.gradient([at(x, 0, start), at(x, height, start), at(outer, height, start),
                               at(outer, 0, start)], tone(front, 1.1), front, "building")  # fmt: skip
        face = brush.lit(wall, -side)
        paint_facade(brush, (at(x, 0, start), at(x, height, start), at(x, height, end),
                             at(x, 0, end)), max(2, round(height / 3.2)),
                     max(2, round((end - start) / 2.6)), face)  # fmt: skip


def _street_life(
    brush: Brush,
    ground: Ground,
    at: Callable[[float, float, float], Point],
    bands: tuple[float, float, float, float],
) -> None:
    half, walk, lawn, near = bands

    def unit(depth: float) -> float:
        return at(0.0, 0.0, depth)[1] - at(0.0, 1.0, depth)[1]

    for side in (-1, 1):
        row = lawn - 0.8 if lawn - walk > 1.0 else walk - 0.5
        if brush.chance(0.75):
            depth = near + brush.between(1.5, 5.0)
            while depth < 30.0:
                ground.tree(at(side * row, 0, depth), brush.between(4.0, 6.5) * unit(depth))
                depth += brush.between(4.0, 9.0)
        if brush.chance(0.6):
            for depth in brush.rng.uniform(near + 0.6, 14.0, 3).tolist():
                ground.bush(at(side * row, 0, depth), brush.between(0.7, 1.1) * unit(depth))
        if brush.chance(0.5):
            start, end = near + brush.between(0.5, 3.0), brush.between(12.0, 22.0)
            left, right = (start, end) if side < 0 else (end, start)
            a, b = at(side * lawn, 0, left), at(side * lawn, 0, right)
            ground.fence(a, b, 1.25 * unit(left), unit(right) / unit(left))
        for _ in range(brush.count(0, 2)):
            depth = near + brush.between(1.6, 7.0)
            ground.person(at(side * brush.between(half + 0.6, walk - 0.3), 0, depth),
                          brush.between(1.6, 1.9) * unit(depth))  # fmt: skip
        for depth in np.arange(near + brush.between(2.0, 6.0), 26.0, 7.5).tolist():
            if brush.chance(0.55):
                foot = at(side * (half - 1.1 - brush.between(0.0, 0.6)), 0, depth)
                width = 1.85 * unit(depth)
                rear = side > 0
                ground.stand(foot, width * 0.55, width * 0.3, lambda f=foot, w=width, r=rear:  # type: ignore[misc]
                             paint_car_end(brush, f, w, rear=r))  # fmt: skip


def paint_row(brush: Brush) -> None:
    """A row of houses across the street: gardens, a pavement, a road with passing cars."""
    canvas, light = brush.canvas, brush.light
    height, width = canvas.height, canvas.width
    base = height * brush.between(0.48, 0.56)
    paint_sky(canvas, light, brush.rng, base)
    if brush.chance(0.6):
        paint_mountains(brush, base, brush.between(0.25, 0.42), brush.count(1, 2))
    meadow = brush.pick(MEADOWS)
    garden, soil = brush.chance(0.8), brush.pick(SOIL)
    paint_hill(brush, [(-0.05, base - 0.03), (width + 0.05, base - 0.03)], height + 0.1,
               meadow if garden else soil, "grass" if garden else "earth")  # fmt: skip
    curb = base + height * brush.between(0.05, 0.09)
    road = curb + height * brush.between(0.05, 0.08)
    rim = road + height * brush.between(0.14, 0.19)
    paving, asphalt = brush.pick(PAVING), brush.pick(ASPHALT)
    _band(brush, curb, road, paving, "sidewalk")
    for x in np.arange(-0.6, width + 0.6, brush.between(0.07, 0.12)):
        lean = (x - width / 2) * 0.10
        canvas.line([(x, curb), (x + lean, road)], tone(paving, 0.85), 0.003)
    _band(brush, road, rim, asphalt, "road")
    _band(brush, road - 0.008, road + 0.006, tone(paving, 1.12), "sidewalk")
    middle = (road + rim) / 2
    for x in np.arange(brush.between(-0.2, 0.0), width, 0.22):
        canvas.polygon([(x, middle), (x + 0.11, middle), (x + 0.115, middle + 0.010),
                        (x + 0.002, middle + 0.010)], (232, 232, 226))  # fmt: skip
    if brush.chance(0.5):
        _band(brush, rim, height + 0.05, brush.pick(PAVING), "sidewalk")
    else:
        _band(brush, rim, height + 0.05, brush.pick(MEADOWS), "grass")
    ground = Ground(brush)
    _row_of_houses(brush, ground, base, (curb, meadow))
    for _ in range(brush.count(1, 3)):
        lane = brush.chance(0.5)
        length = brush.between(0.34, 0.42) if lane else brush.between(0.27, 0.34)
        y = rim - brush.between(0.015, 0.03) if lane else middle - brush.between(0.0, 0.02)
        ground.car((brush.between(0.0, width), y), length)
    for _ in range(brush.count(0, 3)):
        y = brush.between(curb + 0.01, road - 0.012)
        ground.person((brush.between(0.05, width - 0.05), y), brush.between(0.19, 0.23))
    for _ in range(brush.count(0, 2)):
        y = brush.between(rim + 0.05, height + 0.02)
        ground.person((brush.between(0.05, width - 0.05), y), brush.between(0.30, 0.40))
    for _ in range(brush.count(0, 3)):
        ground.bush((brush.between(0.0, width), brush.between(height - 0.06, height + 0.02)),
                    brush.between(0.08, 0.13))  # fmt: skip
    ground.paint()


def _row_of_houses(
    brush: Brush, ground: Ground, base: float, front: tuple[float, RGB]
) -> None:
    canvas = brush.canvas
    curb = front[0]
    town = brush.chance(0.45)
    x = brush.between(-0.2, 0.0)
    while x < canvas.width:
        if town or brush.chance(0.2):
            wide = brush.between(0.24, 0.42)
            top = base - brush.between(0.28, 0.44) * canvas.height
            right = x + wide
            canvas.shadow([(x, base), (right, base), (right, base + 0.03), (x, base + 0.03)])
            ground.things.append(
                (base, lambda a=x, b=right, t=top: paint_block(brush, a, b, t, base))  # type: ignore[misc]
            )
            x = right + (0.0 if brush.chance(0.6) else brush.between(0.05, 0.15))
        else:
            tall = brush.between(0.26, 0.36)
            ground.house((x + tall * 0.72, base), tall)
            x += tall * 1.5 + brush.between(0.04, 0.22)
        if brush.chance(0.6):
            foot = (x + brush.between(-0.06, 0.04), base + brush.between(0.01, curb - base - 0.005))
            ground.tree(foot, brush.between(0.22, 0.42))
    if brush.chance(0.65):
        gap = brush.between(0.2, canvas.width - 0.2)
        tall = brush.between(0.065, 0.09)
        y = curb - 0.006
        ground.fence((-0.02, y), (gap - 0.07, y), tall)
        ground.fence((gap + 0.07, y), (canvas.width + 0.02, y), tall)
    for _ in range(brush.count(1, 5)):
        ground.bush((brush.between(0.0, canvas.width), brush.between(base + 0.02, curb)),
                    brush.between(0.05, 0.09))  # fmt: skip


def _band(brush: Brush, top: float, bottom: float, color: RGB, name: str) -> None:
    right = brush.canvas.width + 0.05
    brush.canvas.gradient([(-0.05, top), (right, top), (right, bottom), (-0.05, bottom)],
                          brush.light.far(tone(color, 1.04), 0.2), tone(color, 0.94), name)  # fmt: skip


def paint_valley(brush: Brush) -> None:
    """A valley: mountains, a lake, meadows, a track, farm houses, trees, walkers."""
    canvas, light = brush.canvas, brush.light
    height, width = canvas.height, canvas.width
    horizon = height * brush.between(0.36, 0.46)
    paint_sky(canvas, light, brush.rng, horizon)
    paint_mountains(brush, horizon + 0.02, brush.between(0.2, 0.36), brush.count(2, 3))
    meadow = brush.pick(MEADOWS)
    paint_hill(brush, wave(brush, horizon, 0.010), height + 0.1, meadow, "grass")
    far_line = wave(brush, horizon + 0.03, 0.012)
    if brush.chance(0.5):
        _paint_woods(brush, far_line)
    ground = Ground(brush)
    lake = brush.chance(0.65)
    shore = horizon + brush.between(0.05, 0.08)
    lower = shore + brush.between(0.10, 0.17)
    if lake:
        _paint_lake(brush, shore, lower)
    start = lower if lake else horizon + 0.06
    fore = wave(brush, start + 0.02, 0.014)
    if not lake:
        paint_hill(brush, fore, height + 0.1, brush.pick(MEADOWS), "grass")
    _paint_track(brush, start + 0.03, height)
    for _ in range(brush.count(1, 2)):
        y = start + brush.between(0.02, 0.14)
        tall = 0.14 + (y - start) * 1.1
        ground.house((brush.between(0.1, width - 0.1), y), tall)
    for _ in range(brush.count(3, 7)):
        y = start + brush.between(0.0, 0.30)
        ground.tree((brush.between(-0.05, width + 0.05), y), 0.16 + (y - start) * 0.9)
    if brush.chance(0.7):
        y = start + brush.between(0.12, 0.24)
        a, b = sorted(brush.rng.uniform(-0.1, width + 0.1, 2).tolist())
        tall = 0.05 + (y - start) * 0.22
        ground.fence((a, y), (b + 0.3, y + brush.between(-0.02, 0.02)), tall)
    for _ in range(brush.count(0, 3)):
        y = start + brush.between(0.10, height - start - 0.01)
        ground.person((brush.between(0.05, width - 0.05), y), 0.13 + (y - start) * 0.55)
    for _ in range(brush.count(0, 4)):
        y = brush.between(start + 0.12, height)
        ground.rock((brush.between(0.0, width), y), 0.03 + (y - start) * 0.17)
    for _ in range(brush.count(1, 5)):
        y = brush.between(start + 0.10, height)
        ground.bush((brush.between(0.0, width), y), 0.04 + (y - start) * 0.17)
    ground.paint()


def _paint_woods(brush: Brush, line: list[Point]) -> None:
    leaves = brush.light.far(brush.pick(NEEDLES), 0.35)
    for x, y in line:
        for _ in range(3):
            size = brush.between(0.018, 0.034)
            at = (x + brush.between(-0.04, 0.04), y + brush.between(-0.008, 0.008))
            brush.canvas.ellipse(at, (size, size), tone(leaves, brush.between(0.9, 1.06)), "tree")


def _paint_lake(brush: Brush, top: float, bottom: float) -> None:
    canvas, light = brush.canvas, brush.light
    color = mix(brush.pick(LAKES), light.zenith, 0.3)
    middle, swing = (top + bottom) / 2, (bottom - top) / 2
    center, half = canvas.width * brush.between(0.2, 0.8), brush.between(0.5, 0.9)
    angles = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    wobble = 1.0 + 0.10 * np.sin(angles * 3 + brush.between(0, 6)) + 0.05 * np.sin(angles * 7)
    outline = [
        (center + half * float(w * np.cos(a)), middle + swing * float(w * np.sin(a)))
        for a, w in zip(angles, wobble, strict=True)
    ]
    rim = [(x + (x - center) * 0.02, y + (y - middle) * 0.10 + 0.004) for x, y in outline]
    canvas.polygon(rim, brush.pick(SANDS), "earth")
    canvas.gradient(outline, mix(color, light.horizon, 0.5), tone(color, 0.85), "water")
    for _ in range(10):
        x, y = center + half * brush.between(-0.6, 0.6), middle + swing * brush.between(-0.6, 0.7)
        span = brush.between(0.03, 0.12)
        canvas.line([(x - span, y), (x + span, y)], tone(color, 1.3), 0.003)


def _paint_track(brush: Brush, top: float, bottom: float) -> None:
    canvas = brush.canvas
    color = brush.pick(SOIL)
    paved = brush.chance(0.4)
    if paved:
        color = brush.pick(ASPHALT)
    x_top, x_low = canvas.width * brush.between(0.2, 0.8), canvas.width * brush.between(0.2, 0.8)
    bend, turns = brush.between(0.08, 0.25), brush.between(2.5, 4.5)
    near = brush.between(0.14, 0.26)
    left: list[Point] = []
    right: list[Point] = []
    middle: list[Point] = []
    for share in np.linspace(0.0, 1.0, 24):
        step = float(share)
        y = top + (bottom + 0.05 - top) * step**1.4
        x = x_top + (x_low - x_top) * step + bend * np.sin(turns * step) * (0.3 + 0.7 * step)
        half = 0.014 + near * step**1.4
        left.append((x - half, y))
        right.append((x + half, y))
        middle.append((x, y))
    canvas.gradient([*left, *reversed(right)], brush.light.far(color, 0.35), color,
                    "road" if paved else "earth")  # fmt: skip
    for share, edge in ((0.0, left), (0.0, right)):
        canvas.line(edge, tone(color, 0.8 + share), 0.005)
    if paved:
        for index in range(1, len(middle) - 1, 2):
            half = 0.003 + 0.012 * (index / len(middle)) ** 1.4
            (x0, y0), (x1, y1) = middle[index], middle[index + 1]
            canvas.polygon([(x0 - half, y0), (x0 + half, y0), (x1 + half, y1), (x1 - half, y1)],
                           (232, 232, 226))  # fmt: skip
    else:
        for offset in (0.35, -0.35):
            rut = [(m[0] + (r[0] - m[0]) * offset, m[1]) for m, r in zip(middle, right, strict=True)]
            canvas.line(rut, tone(color, 0.84), 0.008)


def paint_coast(brush: Brush) -> None:
    """A coast: sea with boats, a beach with people, dunes with a fence and a beach house."""
    canvas, light = brush.canvas, brush.light
    height, width = canvas.height, canvas.width
    horizon = height * brush.between(0.34, 0.46)
    paint_sky(canvas, light, brush.rng, horizon)
    if brush.chance(0.85):
        paint_mountains(brush, horizon + 0.006, brush.between(0.12, 0.26), brush.count(1, 2))
    shore = horizon + (height - horizon) * brush.between(0.34, 0.5)
    color = brush.pick(SEAS)
    canvas.gradient([(-0.05, horizon), (width + 0.05, horizon), (width + 0.05, shore + 0.1),
                     (-0.05, shore + 0.1)], mix(color, light.horizon, 0.35),
                    mix(tone(color, 1.12), (120, 190, 180), 0.3), "sea")  # fmt: skip
    for _ in range(34):
        share = brush.between(0.05, 1.0) ** 1.5
        y, span = horizon + (shore - horizon) * share, 0.02 + 0.10 * share
        x = brush.between(0.0, width)
        canvas.line([(x - span, y), (x, y - 0.004 * share), (x + span, y)], tone(color, 1.28),
                    0.002 + 0.003 * share)  # fmt: skip
    ground = Ground(brush)
    for _ in range(brush.count(1, 3)):
        y = horizon + (shore - horizon) * brush.between(0.12, 0.72)
        size = 0.07 + 0.24 * (y - horizon) / (shore - horizon)
        paint_boat(brush, (brush.between(0.05, width - 0.05), y), size)
    sand = brush.pick(SANDS)
    beach = wave(brush, shore, 0.013)
    canvas.gradient([*beach, (width + 0.05, height + 0.1), (-0.05, height + 0.1)],
                    tone(sand, 0.86), tone(sand, 1.05), "sand")  # fmt: skip
    canvas.line([(x, y + 0.006) for x, y in beach], (244, 248, 248), 0.014, "sea")
    if brush.chance(0.8):
        _paint_dune(brush, ground, shore)
    for _ in range(brush.count(1, 4)):
        y = brush.between(shore + 0.05, height)
        ground.person((brush.between(0.05, width - 0.05), y), 0.14 + (y - shore) * 0.5)
    for _ in range(brush.count(1, 5)):
        y = brush.between(shore - 0.02, height)
        ground.rock((brush.between(0.0, width), y), 0.05 + max(y - shore, 0.0) * 0.13)
    ground.paint()


def _paint_dune(brush: Brush, ground: Ground, shore: float) -> None:
    canvas = brush.canvas
    side = 1 if brush.chance(0.5) else -1
    edge = canvas.width * (0.5 + 0.5 * side)
    reach = canvas.width * brush.between(0.35, 0.75)
    xs = np.linspace(0.0, 1.0, 16)
    top = shore + brush.between(-0.06, 0.03)
    line: list[Point] = [
        (edge + side * 0.05 - side * reach * float(x), top + (canvas.height - top) * float(x) ** 1.7
         + 0.012 * float(np.sin(x * 11)))
        for x in xs
    ]  # fmt: skip
    outline = [*line, (edge + side * 0.05, canvas.height + 0.05)]
    meadow = brush.pick(MEADOWS)
    canvas.gradient(outline, tone(meadow, 1.05), tone(meadow, 0.85), "grass")

    def spot(low: float, high: float) -> Point:
        share = brush.between(low, high)
        x = edge - side * reach * share * brush.between(0.0, 0.75)
        return x, top + (canvas.height - top) * (share**1.7 + 0.05) + 0.02

    if brush.chance(0.65):
        tall = brush.between(0.24, 0.34)
        ground.house((edge - side * tall * brush.between(0.3, 0.7), top + 0.06), tall)
    for _ in range(brush.count(1, 3)):
        foot = spot(0.15, 0.6)
        ground.tree(foot, 0.24 + (foot[1] - shore) * 0.5)
    for _ in range(brush.count(1, 4)):
        foot = spot(0.3, 0.95)
        ground.bush(foot, 0.05 + max(foot[1] - shore, 0.0) * 0.12)
    if brush.chance(0.7):
        a, b = line[4], line[11]
        start, end = (a, b) if a[0] < b[0] else (b, a)
        tall = 0.07 + max(start[1] - shore, 0.0) * 0.14
        growth = (0.07 + max(end[1] - shore, 0.0) * 0.14) / tall
        ground.fence(start, end, tall, growth)
