"""Mountains and hills."""

from typing import Final

import numpy as np

from .brush import Brush
from .canvas import RGB, Point, mix, tone

MEADOWS: Final[tuple[RGB, ...]] = ((142, 190, 82), (122, 180, 80), (166, 194, 92), (112, 172, 94))
SLOPES: Final[tuple[RGB, ...]] = ((96, 112, 140), (110, 106, 130), (92, 118, 122), (120, 116, 124))


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
        canvas.gradient(
            [*line, (line[-1][0], base + 0.02), (line[0][0], base + 0.02)], body, foot, "mountain"
        )
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
            [
                peak,
                middle,
                lower,
                (lower[0], lower[1] + depth * 0.15),
                (peak[0] + lean, peak[1] + depth),
                fold,
            ],
            dark,
        )


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
        brush.light.far(tone(color, 1.08), 0.45),
        tone(color, 0.86),
        name,
    )


def wave(brush: Brush, level: float, swing: float) -> list[Point]:
    """Return a gently rolling line across the picture around ``level``."""
    xs = np.linspace(-0.05, brush.canvas.width + 0.05, 25)
    phase, length = brush.between(0.0, 6.3), brush.between(3.0, 7.0)
    ys = np.sin(xs * length + phase) + 0.4 * np.sin(xs * length * 2.3 + phase * 2)
    return [(float(x), level + swing * float(y)) for x, y in zip(xs, ys, strict=True)]


def ridge(
    rng: np.random.Generator, left: float, right: float, base: float, rise: float, steps: int
) -> list[Point]:
    """Return a jagged line from left to right, between ``base`` and ``base - rise``."""
    profile = np.zeros(2, np.float64)
    profile[:] = rng.uniform(0.2, 0.7, 2)
    spread = 0.45
    while profile.size < steps:
        middle = (profile[1:] + profile[:-1]) / 2
        middle += rng.uniform(-spread, spread, middle.size)
        joined = np.empty(profile.size + middle.size)
        joined[0::2], joined[1::2] = profile, middle
        profile = joined
        spread *= 0.52
    profile = np.clip(profile, 0.05, 1.0)
    xs = np.linspace(left, right, profile.size)
    return [(float(x), base - rise * float(p)) for x, p in zip(xs, profile, strict=True)]
