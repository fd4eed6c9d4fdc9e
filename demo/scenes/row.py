"""A row of houses across the street."""

from functools import partial

import numpy as np

from .brush import Brush
from .buildings import paint_block
from .canvas import tone
from .ground import ASPHALT, MARKING, PAVING, SOIL, Ground, paint_band
from .light import paint_sky
from .terrain import MEADOWS, paint_hill, paint_mountains


def paint_row(brush: Brush) -> None:
    """Paint a row of houses across the street: gardens, a pavement, a road with passing cars."""
    canvas = brush.canvas
    height, width = canvas.height, canvas.width
    base = height * brush.between(0.48, 0.56)
    paint_sky(canvas, brush.light, brush.rng, base)
    if brush.chance(0.6):
        paint_mountains(brush, base, brush.between(0.25, 0.42), brush.count(1, 2))
    meadow = brush.pick(MEADOWS)
    garden, soil = brush.chance(0.8), brush.pick(SOIL)
    paint_hill(
        brush,
        [(-0.05, base - 0.03), (width + 0.05, base - 0.03)],
        height + 0.1,
        meadow if garden else soil,
        "grass" if garden else "earth",
    )
    curb = base + height * brush.between(0.05, 0.09)
    road = curb + height * brush.between(0.05, 0.08)
    rim = road + height * brush.between(0.14, 0.19)
    paving, asphalt = brush.pick(PAVING), brush.pick(ASPHALT)
    paint_band(brush, curb, road, paving, "sidewalk")
    for x in np.arange(-0.6, width + 0.6, brush.between(0.07, 0.12)):
        lean = (x - width / 2) * 0.10
        canvas.line([(x, curb), (x + lean, road)], tone(paving, 0.85), 0.003)
    paint_band(brush, road, rim, asphalt, "road")
    paint_band(brush, road - 0.008, road + 0.006, tone(paving, 1.12), "sidewalk")
    middle = (road + rim) / 2
    for x in np.arange(brush.between(-0.2, 0.0), width, 0.22):
        low = middle + 0.010
        dash = [(x, middle), (x + 0.11, middle), (x + 0.115, low), (x + 0.002, low)]
        canvas.polygon(dash, MARKING)
    if brush.chance(0.5):
        paint_band(brush, rim, height + 0.05, brush.pick(PAVING), "sidewalk")
    else:
        paint_band(brush, rim, height + 0.05, brush.pick(MEADOWS), "grass")
    ground = Ground(brush)
    _row_of_houses(brush, ground, base, curb)
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
        ground.bush(
            (brush.between(0.0, width), brush.between(height - 0.06, height + 0.02)),
            brush.between(0.08, 0.13),
        )
    ground.paint()


def _row_of_houses(brush: Brush, ground: Ground, base: float, curb: float) -> None:
    canvas = brush.canvas
    town = brush.chance(0.45)
    x = brush.between(-0.2, 0.0)
    while x < canvas.width:
        if town or brush.chance(0.2):
            wide = brush.between(0.24, 0.42)
            top = base - brush.between(0.28, 0.44) * canvas.height
            right = x + wide
            canvas.shadow([(x, base), (right, base), (right, base + 0.03), (x, base + 0.03)])
            ground.things.append((base, partial(paint_block, brush, x, right, top, base)))
            x = right + (0.0 if brush.chance(0.6) else brush.between(0.05, 0.15))
        else:
            tall = brush.between(0.26, 0.36)
            ground.house((x + tall * 0.72, base), tall)
            x += tall * 1.5 + brush.between(0.04, 0.22)
        if brush.chance(0.6):
            shift, y = brush.between(-0.06, 0.04), base + brush.between(0.01, curb - base - 0.005)
            ground.tree((x + shift, y), brush.between(0.22, 0.42))
    if brush.chance(0.65):
        gap = brush.between(0.2, canvas.width - 0.2)
        tall = brush.between(0.065, 0.09)
        y = curb - 0.006
        ground.fence((-0.02, y), (gap - 0.07, y), tall)
        ground.fence((gap + 0.07, y), (canvas.width + 0.02, y), tall)
    for _ in range(brush.count(1, 5)):
        ground.bush(
            (brush.between(0.0, canvas.width), brush.between(base + 0.02, curb)),
            brush.between(0.05, 0.09),
        )
