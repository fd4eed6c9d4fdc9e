"""A valley with a lake."""

from typing import Final

import numpy as np

from .brush import Brush
from .canvas import RGB, Point, mix, tone
from .ground import ASPHALT, MARKING, SANDS, SOIL, Ground
from .light import paint_sky
from .plants import paint_woods
from .terrain import MEADOWS, paint_hill, paint_mountains, wave

LAKES: Final[tuple[RGB, ...]] = ((84, 140, 168), (92, 150, 160), (76, 124, 156))


def paint_valley(brush: Brush) -> None:
    """Paint a valley: mountains, a lake, meadows, a track, farm houses, trees, walkers."""
    canvas, light = brush.canvas, brush.light
    height, width = canvas.height, canvas.width
    horizon = height * brush.between(0.36, 0.46)
    paint_sky(canvas, light, brush.rng, horizon)
    paint_mountains(brush, horizon + 0.02, brush.between(0.2, 0.36), brush.count(2, 3))
    meadow = brush.pick(MEADOWS)
    paint_hill(brush, wave(brush, horizon, 0.010), height + 0.1, meadow, "grass")
    far_line = wave(brush, horizon + 0.03, 0.012)
    if brush.chance(0.5):
        paint_woods(brush, far_line)
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
    canvas.gradient(
        [*left, *reversed(right)],
        brush.light.far(color, 0.35),
        color,
        "road" if paved else "earth",
    )
    for edge in (left, right):
        canvas.line(edge, tone(color, 0.8), 0.005)
    if paved:
        for index in range(1, len(middle) - 1, 2):
            half = 0.003 + 0.012 * (index / len(middle)) ** 1.4
            (x0, y0), (x1, y1) = middle[index], middle[index + 1]
            canvas.polygon(
                [(x0 - half, y0), (x0 + half, y0), (x1 + half, y1), (x1 - half, y1)],
                MARKING,
            )
    else:
        for offset in (0.35, -0.35):
            rut = [
                (m[0] + (r[0] - m[0]) * offset, m[1]) for m, r in zip(middle, right, strict=True)
            ]
            canvas.line(rut, tone(color, 0.84), 0.008)
