"""Mountains, hills, trees, bushes and rocks."""

from typing import Final

import numpy as np

from .brush import Brush
from .canvas import RGB, Point, mix, tone
from .light import ridge

LEAVES: Final[tuple[RGB, ...]] = (
    (84, 148, 66), (66, 134, 78), (116, 160, 62), (58, 126, 96), (150, 160, 60),
)  # fmt: skip
AUTUMN: Final[tuple[RGB, ...]] = ((196, 120, 48), (206, 152, 58), (178, 84, 52))
NEEDLES: Final[tuple[RGB, ...]] = ((40, 104, 80), (50, 112, 72), (38, 96, 96))
BARK: Final[tuple[RGB, ...]] = ((104, 76, 56), (88, 70, 60), (122, 94, 70))
MEADOWS: Final[tuple[RGB, ...]] = ((142, 190, 82), (122, 180, 80), (166, 194, 92), (112, 172, 94))
STONE: Final[tuple[RGB, ...]] = ((138, 134, 130), (150, 138, 124), (118, 122, 130))
SLOPES: Final[tuple[RGB, ...]] = ((96, 112, 140), (110, 106, 130), (92, 118, 122), (120, 116, 124))
BLOSSOMS: Final[tuple[RGB, ...]] = ((226, 92, 106), (244, 196, 76), (236, 236, 240), (170, 108, 190))


def paint_mountains(brush: Brush, base: float, rise: float, layers: int) -> None:
    """Paint ridges behind one another, the far ones lost in haze, some with snow.

    Args:
        brush: Canvas, light and chance.
        base: Lower end in scene units from the top.
        rise: Height of the farthest ridge in scene units.
        layers: Number of ridges.
    """
    canvas, light = brush.canvas, brush.light
    color = brush.pick(SLOPES)
    snow = brush.chance(0.45)
    for layer in range(layers):
        near = (layer + 1) / layers
        height = rise * (1.0 - 0.45 * layer / layers)
        line = ridge(brush.rng, -0.05, canvas.width + 0.05, base, height, 33)
        body = light.far(tone(color, 1.05 - 0.2 * near), 1.1 - 0.6 * near)
        foot = light.far(tone(color, 1.0 - 0.1 * near), 1.5 - 0.5 * near)
        canvas.gradient([*line, (line[-1][0], base + 0.02), (line[0][0], base + 0.02)],
                        body, foot, "mountain")  # fmt: skip
        _paint_slopes(brush, line, base, body)
        if layer == 0 and snow:
            _paint_snow(brush, line, base - height * 0.52)


def _paint_slopes(brush: Brush, line: list[Point], base: float, body: RGB) -> None:
    dark = mix(body, brush.light.shadow, 0.28)
    for left, peak, right in zip(line[0:-4:4], line[2:-2:4], line[4::4], strict=False):
        lower = right if brush.light.side < 0 else left
        if peak[1] >= lower[1]:
            continue
        depth = (base - peak[1]) * brush.between(0.45, 0.8)
        lean = (lower[0] - peak[0]) * brush.between(0.0, 0.35)
        middle = line[line.index(peak) + (1 if lower is right else -1)]
        fold = (peak[0] - lean, peak[1] + depth * 0.45)
        brush.canvas.polygon(
            [peak, middle, lower, (lower[0], lower[1] + depth * 0.15),
             (peak[0] + lean, peak[1] + depth), fold],
            dark,
        )  # fmt: skip


def _paint_snow(brush: Brush, line: list[Point], limit: float) -> None:
    white = brush.light.far((246, 248, 252), 0.35)
    cap: list[Point] = []
    for index, point in enumerate(line):
        if point[1] < limit:
            cap.append(point)
        if cap and (point[1] >= limit or index == len(line) - 1):
            hem = [
                (x, min(limit, y + (limit - y) * (0.35 if n % 2 else 0.9)))
                for n, (x, y) in enumerate(cap)
            ]
            brush.canvas.polygon([*cap, *reversed(hem)], white)
            cap = []


def paint_hill(brush: Brush, line: list[Point], bottom: float, color: RGB, name: str) -> None:
    """Fill below a line with ground that is paler at the top."""
    canvas = brush.canvas
    canvas.gradient(
        [*line, (line[-1][0], bottom), (line[0][0], bottom)],
        brush.light.far(tone(color, 1.08), 0.45), tone(color, 0.86), name,
    )  # fmt: skip


def wave(brush: Brush, level: float, swing: float) -> list[Point]:
    """Return a gently rolling line across the picture around ``level``."""
    xs = np.linspace(-0.05, brush.canvas.width + 0.05, 25)
    phase, length = brush.between(0.0, 6.3), brush.between(3.0, 7.0)
    ys = np.sin(xs * length + phase) + 0.4 * np.sin(xs * length * 2.3 + phase * 2)
    return [(float(x), level + swing * float(y)) for x, y in zip(xs, ys, strict=True)]


def paint_tree(brush: Brush, foot: Point, height: float, leaves: RGB) -> None:
    """Paint a broad-leaved tree: trunk, and a crown of overlapping tufts lit from one side."""
    canvas, (x, y) = brush.canvas, foot
    bark = brush.pick(BARK)
    half = height * 0.045
    canvas.polygon(
        [(x - half * 1.3, y), (x - half * 0.8, y - height * 0.5),
         (x + half * 0.8, y - height * 0.5), (x + half * 1.3, y)], bark, "tree",
    )  # fmt: skip
    canvas.polygon(
        [(x, y), (x, y - height * 0.5), (x + half * 0.8, y - height * 0.5), (x + half * 1.3, y)],
        tone(bark, 0.78 if brush.light.side < 0 else 1.12),
    )
    radius = height * brush.between(0.26, 0.33)
    center = (x, y - height * 0.66)
    canvas.ellipse(center, (radius, height * 0.29), tone(leaves, 0.72), "tree")
    tufts = brush.rng.uniform(-1.0, 1.0, (13, 2))
    sizes = brush.rng.uniform(0.30, 0.52, 13)
    for (dx, dy), size in zip(tufts, sizes, strict=True):
        reach = 1.0 / max(1.0, float(np.hypot(dx, dy)))
        at = (center[0] + dx * reach * radius * 0.85, center[1] + dy * reach * height * 0.24)
        canvas.ellipse(at, (radius * size, radius * size * 0.92), tone(leaves, 0.84), "tree")
    for (dx, dy), size in zip(tufts[::-1], sizes, strict=True):
        at = (center[0] + (dx * 0.5 + 0.25 * brush.light.side) * radius,
              center[1] + (dy * 0.45 - 0.3) * height * 0.26)
        canvas.ellipse(at, (radius * size * 0.62, radius * size * 0.5), tone(leaves, 1.0 + 0.1 * size))  # fmt: skip


def paint_pine(brush: Brush, foot: Point, height: float, needles: RGB) -> None:
    """Paint a conifer: a short trunk and tiers that narrow upwards."""
    canvas, (x, y) = brush.canvas, foot
    canvas.rectangle((x - height * 0.03, y - height * 0.16), (x + height * 0.03, y),
                     brush.pick(BARK), "tree")  # fmt: skip
    wide = height * brush.between(0.19, 0.25)
    for tier in range(4):
        low = y - height * (0.12 + 0.19 * tier)
        top = low - height * (0.36 - 0.03 * tier)
        half = wide * (1.0 - 0.21 * tier)
        color = tone(needles, 0.88 + 0.08 * tier)
        canvas.polygon([(x - half, low), (x, top), (x + half, low), (x, low + height * 0.02)],
                       color, "tree")  # fmt: skip
        canvas.polygon([(x + brush.light.side * half, low), (x, top),
                        (x + brush.light.side * half * 0.15, low)], tone(color, 1.13))  # fmt: skip


def paint_bush(brush: Brush, foot: Point, height: float, *, blossoms: bool) -> None:
    """Paint a bush, or a flowering plant."""
    canvas, (x, y) = brush.canvas, foot
    leaves = tone(brush.pick(LEAVES), 0.92)
    for index in range(6):
        dx = (index / 5 - 0.5) * height * 1.5
        size = height * brush.between(0.34, 0.5) * (1.0 - 0.35 * abs(index / 2.5 - 1.0))
        canvas.ellipse((x + dx, y - size * 0.8), (size * 0.95, size), tone(leaves, 0.85), "plant")
        canvas.ellipse((x + dx + 0.2 * size * brush.light.side, y - size * 1.1),
                       (size * 0.55, size * 0.5), tone(leaves, 1.1))  # fmt: skip
    if blossoms:
        petals = brush.pick(BLOSSOMS)
        for dx, dy in brush.rng.uniform(-1.0, 1.0, (12, 2)):
            dot = height * 0.075
            canvas.ellipse((x + dx * height * 0.7, y - height * (0.5 + 0.28 * dy)), (dot, dot),
                           petals)  # fmt: skip


def paint_rock(brush: Brush, foot: Point, height: float) -> None:
    """Paint a boulder with a lit face and a dark one."""
    canvas, (x, y) = brush.canvas, foot
    stone = brush.pick(STONE)
    wide = height * brush.between(0.8, 1.15)
    jitter = brush.rng.uniform(-0.12, 0.12, 5) * height
    outline = [
        (x - wide, y), (x - wide * 0.85 + jitter[0], y - height * 0.5),
        (x - wide * 0.3 + jitter[1], y - height * 0.95 + jitter[2]),
        (x + wide * 0.35 + jitter[3], y - height * 0.88), (x + wide * 0.9, y - height * 0.42),
        (x + wide, y + height * 0.03),
    ]  # fmt: skip
    canvas.polygon(outline, stone, "rock")
    ridge_at = (x + jitter[4] - 0.1 * wide * brush.light.side, y - height * 0.55)
    if brush.light.side > 0:
        canvas.polygon([*outline[:3], ridge_at, (x - wide * 0.1, y)], tone(stone, 0.74))
    else:
        canvas.polygon([*outline[3:], (x + wide * 0.1, y), ridge_at], tone(stone, 0.74))
    canvas.polygon([outline[2], outline[3], ridge_at], tone(stone, 1.16))
