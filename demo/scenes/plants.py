"""Trees, bushes, and the rocks between them."""

from typing import Final

import numpy as np

from .brush import Brush
from .canvas import RGB, Point, tone

LEAVES: Final[tuple[RGB, ...]] = (
    (84, 148, 66),
    (66, 134, 78),
    (116, 160, 62),
    (58, 126, 96),
    (150, 160, 60),
)
AUTUMN: Final[tuple[RGB, ...]] = ((196, 120, 48), (206, 152, 58), (178, 84, 52))
NEEDLES: Final[tuple[RGB, ...]] = ((40, 104, 80), (50, 112, 72), (38, 96, 96))
BARK: Final[tuple[RGB, ...]] = ((104, 76, 56), (88, 70, 60), (122, 94, 70))
STONE: Final[tuple[RGB, ...]] = ((138, 134, 130), (150, 138, 124), (118, 122, 130))
BLOSSOMS: Final[tuple[RGB, ...]] = (
    (226, 92, 106),
    (244, 196, 76),
    (236, 236, 240),
    (170, 108, 190),
)


def paint_tree(brush: Brush, foot: Point, height: float, leaves: RGB) -> None:
    """Paint a broad-leaved tree: trunk, and a crown of overlapping tufts lit from one side."""
    canvas, (x, y) = brush.canvas, foot
    bark = brush.pick(BARK)
    half = height * 0.045
    canvas.polygon(
        [
            (x - half * 1.3, y),
            (x - half * 0.8, y - height * 0.5),
            (x + half * 0.8, y - height * 0.5),
            (x + half * 1.3, y),
        ],
        bark,
        "tree",
    )
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
        at = (
            center[0] + (dx * 0.5 + 0.25 * brush.light.side) * radius,
            center[1] + (dy * 0.45 - 0.3) * height * 0.26,
        )
        canvas.ellipse(
            at, (radius * size * 0.62, radius * size * 0.5), tone(leaves, 1.0 + 0.1 * size)
        )


def paint_pine(brush: Brush, foot: Point, height: float, needles: RGB) -> None:
    """Paint a conifer: a short trunk and tiers that narrow upwards."""
    canvas, (x, y) = brush.canvas, foot
    canvas.rectangle(
        (x - height * 0.03, y - height * 0.16), (x + height * 0.03, y), brush.pick(BARK), "tree"
    )
    wide = height * brush.between(0.19, 0.25)
    for tier in range(4):
        low = y - height * (0.12 + 0.19 * tier)
        top = low - height * (0.36 - 0.03 * tier)
        half = wide * (1.0 - 0.21 * tier)
        color = tone(needles, 0.88 + 0.08 * tier)
        canvas.polygon(
            [(x - half, low), (x, top), (x + half, low), (x, low + height * 0.02)], color, "tree"
        )
        canvas.polygon(
            [
                (x + brush.light.side * half, low),
                (x, top),
                (x + brush.light.side * half * 0.15, low),
            ],
            tone(color, 1.13),
        )


def paint_bush(brush: Brush, foot: Point, height: float, *, blossoms: bool) -> None:
    """Paint a bush, or a flowering plant."""
    canvas, (x, y) = brush.canvas, foot
    leaves = tone(brush.pick(LEAVES), 0.92)
    for index in range(6):
        dx = (index / 5 - 0.5) * height * 1.5
        size = height * brush.between(0.34, 0.5) * (1.0 - 0.35 * abs(index / 2.5 - 1.0))
        canvas.ellipse((x + dx, y - size * 0.8), (size * 0.95, size), tone(leaves, 0.85), "plant")
        canvas.ellipse(
            (x + dx + 0.2 * size * brush.light.side, y - size * 1.1),
            (size * 0.55, size * 0.5),
            tone(leaves, 1.1),
        )
    if blossoms:
        petals = brush.pick(BLOSSOMS)
        for dx, dy in brush.rng.uniform(-1.0, 1.0, (12, 2)):
            dot = height * 0.075
            canvas.ellipse(
                (x + dx * height * 0.7, y - height * (0.5 + 0.28 * dy)), (dot, dot), petals
            )


def paint_rock(brush: Brush, foot: Point, height: float) -> None:
    """Paint a boulder with a lit face and a dark one."""
    canvas, (x, y) = brush.canvas, foot
    stone = brush.pick(STONE)
    wide = height * brush.between(0.8, 1.15)
    jitter = brush.rng.uniform(-0.12, 0.12, 5) * height
    outline = [
        (x - wide, y),
        (x - wide * 0.85 + jitter[0], y - height * 0.5),
        (x - wide * 0.3 + jitter[1], y - height * 0.95 + jitter[2]),
        (x + wide * 0.35 + jitter[3], y - height * 0.88),
        (x + wide * 0.9, y - height * 0.42),
        (x + wide, y + height * 0.03),
    ]
    canvas.polygon(outline, stone, "rock")
    ridge_at = (x + jitter[4] - 0.1 * wide * brush.light.side, y - height * 0.55)
    if brush.light.side > 0:
        canvas.polygon([*outline[:3], ridge_at, (x - wide * 0.1, y)], tone(stone, 0.74))
    else:
        canvas.polygon([*outline[3:], (x + wide * 0.1, y), ridge_at], tone(stone, 0.74))
    canvas.polygon([outline[2], outline[3], ridge_at], tone(stone, 1.16))


def paint_woods(brush: Brush, line: list[Point]) -> None:
    """Paint a distant line of tree tops along ``line``."""
    leaves = brush.light.far(brush.pick(NEEDLES), 0.35)
    for x, y in line:
        for _ in range(3):
            size = brush.between(0.018, 0.034)
            at = (x + brush.between(-0.04, 0.04), y + brush.between(-0.008, 0.008))
            brush.canvas.ellipse(at, (size, size), tone(leaves, brush.between(0.9, 1.06)), "tree")
