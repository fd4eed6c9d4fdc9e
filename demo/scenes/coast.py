"""A coast."""

from typing import Final

import numpy as np

from .brush import Brush
from .canvas import RGB, Point, mix, tone
from .ground import SANDS, Ground
from .light import paint_sky
from .moving import paint_boat
from .terrain import MEADOWS, paint_mountains, wave

SEAS: Final[tuple[RGB, ...]] = ((44, 120, 166), (38, 134, 160), (60, 110, 158))


def paint_coast(brush: Brush) -> None:
    """Paint a coast: sea with boats, a beach with people, dunes with a fence and a beach house."""
    canvas, light = brush.canvas, brush.light
    height, width = canvas.height, canvas.width
    horizon = height * brush.between(0.34, 0.46)
    paint_sky(canvas, light, brush.rng, horizon)
    if brush.chance(0.85):
        paint_mountains(brush, horizon + 0.006, brush.between(0.12, 0.26), brush.count(1, 2))
    shore = horizon + (height - horizon) * brush.between(0.34, 0.5)
    color = brush.pick(SEAS)
    canvas.gradient(
        [
            (-0.05, horizon),
            (width + 0.05, horizon),
            (width + 0.05, shore + 0.1),
            (-0.05, shore + 0.1),
        ],
        mix(color, light.horizon, 0.35),
        mix(tone(color, 1.12), (120, 190, 180), 0.3),
        "sea",
    )
    for _ in range(34):
        share = brush.between(0.05, 1.0) ** 1.5
        y, span = horizon + (shore - horizon) * share, 0.02 + 0.10 * share
        x = brush.between(0.0, width)
        canvas.line(
            [(x - span, y), (x, y - 0.004 * share), (x + span, y)],
            tone(color, 1.28),
            0.002 + 0.003 * share,
        )
    ground = Ground(brush)
    for _ in range(brush.count(1, 3)):
        y = horizon + (shore - horizon) * brush.between(0.12, 0.72)
        size = 0.07 + 0.24 * (y - horizon) / (shore - horizon)
        paint_boat(brush, (brush.between(0.05, width - 0.05), y), size)
    sand = brush.pick(SANDS)
    beach = wave(brush, shore, 0.013)
    canvas.gradient(
        [*beach, (width + 0.05, height + 0.1), (-0.05, height + 0.1)],
        tone(sand, 0.86),
        tone(sand, 1.05),
        "sand",
    )
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
        (
            edge + side * 0.05 - side * reach * float(x),
            top + (canvas.height - top) * float(x) ** 1.7 + 0.012 * float(np.sin(x * 11)),
        )
        for x in xs
    ]
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
