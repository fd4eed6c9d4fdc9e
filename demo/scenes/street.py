"""A street in perspective."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from .brush import Brush
from .buildings import FACADES, paint_facade
from .canvas import Point, tone
from .ground import ASPHALT, MARKING, PAVING, Ground
from .light import paint_sky
from .moving import paint_car_end
from .plants import paint_woods
from .terrain import MEADOWS, paint_hill, paint_mountains

_FOCAL: Final = 0.85
"""Focal length in scene units."""

_FAR: Final = 70.0
"""Where the street ends, in metres."""


@dataclass(frozen=True)
class Street:
    """The camera and the cross-section of a street; lengths in metres from its middle line.

    Attributes:
        vanish: Vanishing point, in scene units: x.
        horizon: Vanishing point, in scene units: y.
        eye: Height of the camera.
        near: Depth at which the picture's lower edge sees the ground.
        half: Where the road ends.
        walk: Where the pavement ends.
        lawn: Where the green strip ends.
    """

    vanish: float
    horizon: float
    eye: float
    near: float
    half: float
    walk: float
    lawn: float

    def at(self, x: float, height: float, depth: float) -> Point:
        """Project a point; x runs right, height up, depth away from the camera."""
        return (
            self.vanish + _FOCAL * x / depth,
            self.horizon + _FOCAL * (self.eye - height) / depth,
        )

    def unit(self, depth: float) -> float:
        """Return how long a metre is at that depth, in scene units."""
        return _FOCAL / depth

    def strip(self, left: float, right: float, near: float, far: float) -> list[Point]:
        """Return the corners of a rectangle that lies on the ground."""
        return [
            self.at(left, 0, far),
            self.at(right, 0, far),
            self.at(right, 0, near),
            self.at(left, 0, near),
        ]


def paint_street(brush: Brush) -> None:
    """Paint a street seen along its middle: buildings, lanes, cars, trees, people."""
    canvas = brush.canvas
    horizon = canvas.height * brush.between(0.40, 0.52)
    vanish = canvas.width * brush.between(0.38, 0.62)
    eye = brush.between(1.9, 2.6)
    paint_sky(canvas, brush.light, brush.rng, horizon)
    if brush.chance(0.5):
        paint_mountains(brush, horizon + 0.01, brush.between(0.12, 0.24), brush.count(1, 2))
    meadow = brush.pick(MEADOWS)
    skyline = [(-0.05, horizon), (canvas.width + 0.05, horizon)]
    paint_hill(brush, skyline, canvas.height + 0.1, meadow, "grass")
    if brush.chance(0.6):
        paint_woods(brush, [(float(x), horizon) for x in np.linspace(0.0, canvas.width, 24)])
    half = brush.between(3.2, 4.2)
    walk = half + brush.between(2.0, 3.0)
    lawn = walk + (brush.between(1.5, 3.5) if brush.chance(0.7) else 0.2)
    near = _FOCAL * eye / (canvas.height - horizon + 0.15)
    street = Street(vanish, horizon, eye, near, half, walk, lawn)
    _paint_lanes(brush, street, meadow)
    for side in (-1, 1):
        _paint_blocks(brush, street, side)
    ground = Ground(brush)
    for side in (-1, 1):
        _add_life(brush, ground, street, side)
    ground.paint()


def _paint_lanes(brush: Brush, street: Street, meadow: tuple[float, float, float]) -> None:
    canvas, light = brush.canvas, brush.light
    paving, asphalt = brush.pick(PAVING), brush.pick(ASPHALT)
    near, half, walk = street.near, street.half, street.walk
    for side in (-1, 1):
        for inner, outer, color, name in (
            (walk, street.lawn, meadow, "grass"),
            (half, walk, paving, "sidewalk"),
        ):
            corners = street.strip(side * inner, side * outer, near, _FAR)
            canvas.gradient(corners, light.far(color, 0.5), tone(color, 0.95), name)
        for depth in np.geomspace(near * 1.05, 40.0, 16).tolist():
            joint = [street.at(side * half, 0, depth), street.at(side * walk, 0, depth)]
            canvas.line(joint, tone(paving, 0.84), 0.012 / depth)
    corners = street.strip(-half, half, near, _FAR)
    canvas.gradient(corners, light.far(asphalt, 0.5), tone(asphalt, 0.92), "road")
    for side in (-1, 1):
        curb = street.strip(side * half, side * (half + 0.22), near, _FAR)
        canvas.polygon(curb, tone(paving, 1.15), "sidewalk")
    depth = near + brush.between(0.0, 2.0)
    while depth < 40.0:
        canvas.polygon(street.strip(-0.09, 0.09, depth, depth + 1.6), MARKING)
        depth += 4.0


def _paint_blocks(brush: Brush, street: Street, side: int) -> None:
    at = street.at
    x = side * (street.lawn + brush.between(0.3, 1.2))
    blocks: list[tuple[float, float, float]] = []
    depth = street.near * brush.between(0.8, 1.6)
    while depth < _FAR * 0.8:
        length = brush.between(7.0, 13.0)
        if brush.chance(0.85):
            blocks.append((depth, depth + length, brush.between(5.5, 15.0)))
        depth += length + (brush.between(1.5, 5.0) if brush.chance(0.4) else 0.0)
    for start, end, height in reversed(blocks):
        wall = brush.light.far(brush.pick(FACADES), start / 60.0)
        outer = x + side * 9.0
        front = brush.lit(wall, 0)
        brush.canvas.gradient(
            [at(x, 0, start), at(x, height, start), at(outer, height, start), at(outer, 0, start)],
            tone(front, 1.1),
            front,
            "building",
        )
        paint_facade(
            brush,
            (at(x, 0, start), at(x, height, start), at(x, height, end), at(x, 0, end)),
            storeys=max(2, round(height / 3.2)),
            bays=max(2, round((end - start) / 2.6)),
            wall=brush.lit(wall, -side),
        )


def _add_life(brush: Brush, ground: Ground, street: Street, side: int) -> None:
    at, unit, near = street.at, street.unit, street.near
    row = street.lawn - 0.8 if street.lawn - street.walk > 1.0 else street.walk - 0.5
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
        feet = at(side * street.lawn, 0, left), at(side * street.lawn, 0, right)
        ground.fence(*feet, 1.25 * unit(left), unit(right) / unit(left))
    for _ in range(brush.count(0, 2)):
        depth = near + brush.between(1.6, 7.0)
        foot = at(side * brush.between(street.half + 0.6, street.walk - 0.3), 0, depth)
        ground.person(foot, brush.between(1.6, 1.9) * unit(depth))
    for depth in np.arange(near + brush.between(2.0, 6.0), 26.0, 7.5).tolist():
        if brush.chance(0.55):
            foot = at(side * (street.half - 1.1 - brush.between(0.0, 0.6)), 0, depth)
            width = 1.85 * unit(depth)
            paint = partial(paint_car_end, brush, foot, width, rear=side > 0)
            ground.stand(foot, width * 0.55, width * 0.3, paint)
