"""Town buildings: from the front, and along a street."""

from typing import Final

from .brush import Brush
from .canvas import RGB, Point, along, mix, tone
from .houses import DOORS, GLASS

FACADES: Final[tuple[RGB, ...]] = (
    (188, 172, 158),
    (170, 132, 112),
    (152, 160, 172),
    (204, 190, 164),
    (178, 110, 92),
    (140, 150, 150),
    (214, 204, 190),
)


def paint_block(brush: Brush, left: float, right: float, top: float, bottom: float) -> None:
    """Paint a flat-roofed building seen from the front, with rows of windows and a shop."""
    canvas = brush.canvas
    wall, glass = brush.pick(FACADES), brush.pick(GLASS)
    canvas.gradient(
        [(left, top), (right, top), (right, bottom), (left, bottom)],
        tone(wall, 1.05),
        tone(wall, 0.9),
        "building",
    )
    side = left if brush.light.side > 0 else right
    canvas.polygon(
        [
            (side, top),
            (side + brush.light.side * (right - left) * 0.06, top),
            (side + brush.light.side * (right - left) * 0.06, bottom),
            (side, bottom),
        ],
        tone(wall, 0.78),
    )
    storey = brush.between(0.085, 0.11)
    columns = max(2, round((right - left) / brush.between(0.075, 0.1)))
    pitch = (right - left) / (columns + 0.4)
    y = top + storey * 0.35
    while y + storey * 0.75 < bottom - storey * 1.1:
        for column in range(columns):
            x = left + pitch * (column + 0.4)
            pane = tone(glass, brush.between(0.85, 1.2))
            canvas.rectangle((x, y), (x + pitch * 0.62, y + storey * 0.58), pane)
            canvas.rectangle(
                (x - pitch * 0.05, y + storey * 0.58),
                (x + pitch * 0.67, y + storey * 0.66),
                tone(wall, 1.2),
            )
        y += storey
    awning = brush.pick(DOORS)
    canvas.rectangle(
        (left + pitch * 0.3, bottom - storey * 0.75),
        (right - pitch * 0.3, bottom - 0.004),
        tone(glass, 0.7),
    )
    stripes = columns * 3
    for stripe in range(stripes):
        x = left + (right - left) * (0.04 + 0.92 * stripe / stripes)
        canvas.rectangle(
            (x, bottom - storey * 0.98),
            (x + (right - left) * 0.92 / stripes, bottom - storey * 0.72),
            awning if stripe % 2 else (240, 236, 228),
        )
    canvas.rectangle(
        (left - 0.006, top - 0.012), (right + 0.006, top + 0.008), tone(wall, 0.72), "building"
    )


def paint_facade(
    brush: Brush, corners: tuple[Point, Point, Point, Point], storeys: int, bays: int, wall: RGB
) -> None:
    """Paint a wall in perspective with a grid of windows.

    Args:
        brush: Canvas, light and chance.
        corners: Near bottom, near top, far top, far bottom.
        storeys: Rows of windows.
        bays: Columns of windows.
        wall: Colour of the wall.
    """
    canvas = brush.canvas
    near_low, near_high, far_high, far_low = corners
    canvas.polygon(list(corners), wall, "building")
    glass = mix(brush.pick(GLASS), wall, 0.15)
    near_tall, far_tall = near_low[1] - near_high[1], far_low[1] - far_high[1]

    def at(u: float, v: float) -> Point:
        # Equal steps in depth shrink on the picture as the wall's height does.
        share = u * near_tall / ((1.0 - u) * far_tall + u * near_tall)
        low, high = along(near_low, far_low, share), along(near_high, far_high, share)
        return along(low, high, v)

    for storey in range(storeys):
        shop = storey == 0
        low, high = (storey + (0.02 if shop else 0.25)) / storeys, (storey + 0.82) / storeys
        for bay in range(bays):
            rim = 0.1 if shop else 0.25
            start, end = (bay + rim) / bays, (bay + 1.0 - rim) / bays
            pane = tone(glass, 0.7 if shop else brush.between(0.85, 1.15))
            canvas.polygon([at(start, low), at(start, high), at(end, high), at(end, low)], pane)
        if not shop:
            canvas.polygon(
                [
                    at(0, storey / storeys),
                    at(0, (storey + 0.06) / storeys),
                    at(1, (storey + 0.06) / storeys),
                    at(1, storey / storeys),
                ],
                tone(wall, 1.12),
            )
    canvas.polygon(
        [at(0, 0.97), at(0, 1.015), at(1, 1.015), at(1, 0.97)], tone(wall, 0.72), "building"
    )
