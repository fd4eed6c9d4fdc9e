"""Houses, buildings, fences."""

from typing import Final

from .brush import Brush
from .canvas import RGB, Point, mix, tone

PLASTER: Final[tuple[RGB, ...]] = (
    (236, 214, 178), (226, 188, 150), (214, 160, 132), (240, 232, 214), (186, 202, 206),
    (232, 200, 120), (206, 140, 116),
)  # fmt: skip
FACADES: Final[tuple[RGB, ...]] = (
    (188, 172, 158), (170, 132, 112), (152, 160, 172), (204, 190, 164), (178, 110, 92),
    (140, 150, 150), (214, 204, 190),
)  # fmt: skip
ROOFS: Final[tuple[RGB, ...]] = ((176, 82, 58), (150, 66, 54), (110, 84, 78), (94, 98, 112))
GLASS: Final[tuple[RGB, ...]] = ((92, 124, 150), (74, 100, 128), (120, 150, 168))
BOARDS: Final[tuple[RGB, ...]] = ((238, 234, 224), (164, 118, 78), (134, 98, 70), (196, 160, 112))
DOORS: Final[tuple[RGB, ...]] = ((120, 66, 46), (60, 92, 110), (70, 100, 74), (150, 50, 46))


def paint_house(brush: Brush, foot: Point, height: float) -> float:
    """Paint a gabled house seen at an angle: gable wall, long wall, tiled roof.

    Args:
        brush: Canvas, light and chance.
        foot: Middle of its lower edge.
        height: From the ground to the ridge, in scene units.

    Returns:
        Half its width in scene units.
    """
    canvas, (x, y) = brush.canvas, foot
    wall, roof = brush.pick(PLASTER), brush.pick(ROOFS)
    gable, length = height * brush.between(0.55, 0.7), height * brush.between(0.6, 0.95)
    eaves = y - height * brush.between(0.52, 0.6)
    flip = 1 if brush.chance(0.5) else -1
    half = (gable + length) / 2

    def at(u: float, v: float) -> Point:
        return x + flip * (u - half), v

    front, long = brush.lit(wall, -flip), brush.lit(wall, flip)
    canvas.polygon([at(gable, y), at(gable, eaves), at(gable + length, eaves),
                    at(gable + length, y)], long, "house")  # fmt: skip
    canvas.polygon([at(0, y), at(0, eaves), at(gable / 2, y - height), at(gable, eaves),
                    at(gable, y)], front, "house")  # fmt: skip
    over = height * 0.045
    slope = brush.lit(roof, flip)
    top_left, top_right = at(gable / 2, y - height - over), at(gable / 2 + length, y - height - over)
    low_left, low_right = at(gable - over * 0.2, eaves + over), at(gable + length + over, eaves + over)
    canvas.polygon([top_left, top_right, low_right, low_left], slope, "house")
    for row in range(1, 6):
        share = row / 6
        canvas.line(
            [_along(top_left, low_left, share), _along(top_right, low_right, share)],
            tone(slope, 0.86), height * 0.008,
        )  # fmt: skip
    canvas.polygon([top_left, at(-over, eaves + over), at(-over, eaves), 
                    at(gable / 2 - over * 0.2, y - height - over * 2.2)], tone(roof, 0.7), "house")
    canvas.polygon([top_left, low_left, at(gable + over * 0.4, eaves),
                    at(gable / 2, y - height - over * 1.6)], tone(roof, 0.7), "house")
    if brush.chance(0.6):
        canvas.polygon([at(gable * 0.62 + length * 0.5, y - height * 1.12),
                        at(gable * 0.62 + length * 0.62, y - height * 1.12),
                        at(gable * 0.62 + length * 0.62, y - height * 0.9),
                        at(gable * 0.62 + length * 0.5, y - height * 0.9)],
                       tone(wall, 0.7), "house")  # fmt: skip
    glass, frame = brush.pick(GLASS), (244, 240, 232)
    high = (y - eaves) * 0.36
    window_y = y - (y - eaves) * 0.42
    for u in (gable * 0.27, gable * 0.73, gable + length * 0.2, gable + length * 0.8):
        _window(brush, at(u, window_y), height * 0.075, high, glass, frame)
    _window(brush, at(gable / 2, eaves - height * 0.06), height * 0.055, high * 0.7, glass, frame)
    door = brush.pick(DOORS)
    canvas.polygon([at(gable + length * 0.43, y), at(gable + length * 0.43, y - (y - eaves) * 0.66),
                    at(gable + length * 0.59, y - (y - eaves) * 0.66), at(gable + length * 0.59, y)],
                   door)  # fmt: skip
    return half


def _along(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _window(
    brush: Brush, center: Point, half_width: float, height: float, glass: RGB, frame: RGB
) -> None:
    x, y = center
    rim = half_width * 0.22
    brush.canvas.rectangle((x - half_width - rim, y - height / 2 - rim),
                           (x + half_width + rim, y + height / 2 + rim), frame)  # fmt: skip
    brush.canvas.rectangle((x - half_width, y - height / 2), (x + half_width, y + height / 2), glass)
    brush.canvas.polygon([(x - half_width, y - height / 2), (x + half_width * 0.4, y - height / 2),
                          (x - half_width, y + height / 3)], tone(glass, 1.25))  # fmt: skip
    brush.canvas.line([(x, y - height / 2), (x, y + height / 2)], frame, half_width * 0.18)


def paint_block(brush: Brush, left: float, right: float, top: float, bottom: float) -> None:
    """Paint a flat-roofed building seen from the front, with rows of windows and a shop."""
    canvas = brush.canvas
    wall, glass = brush.pick(FACADES), brush.pick(GLASS)
    canvas.gradient([(left, top), (right, top), (right, bottom), (left, bottom)],
                    tone(wall, 1.05), tone(wall, 0.9), "building")  # fmt: skip
    side = left if brush.light.side > 0 else right
    canvas.polygon([(side, top), (side + brush.light.side * (right - left) * 0.06, top),
                    (side + brush.light.side * (right - left) * 0.06, bottom), (side, bottom)],
                   tone(wall, 0.78))  # fmt: skip
    storey = brush.between(0.085, 0.11)
    columns = max(2, round((right - left) / brush.between(0.075, 0.1)))
    pitch = (right - left) / (columns + 0.4)
    y = top + storey * 0.35
    while y + storey * 0.75 < bottom - storey * 1.1:
        for column in range(columns):
            x = left + pitch * (column + 0.4)
            pane = tone(glass, brush.between(0.85, 1.2))
            canvas.rectangle((x, y), (x + pitch * 0.62, y + storey * 0.58), pane)
            canvas.rectangle((x - pitch * 0.05, y + storey * 0.58),
                             (x + pitch * 0.67, y + storey * 0.66), tone(wall, 1.2))  # fmt: skip
        y += storey
    awning = brush.pick(DOORS)
    canvas.rectangle((left + pitch * 0.3, bottom - storey * 0.75), (right - pitch * 0.3, bottom - 0.004),
                     tone(glass, 0.7))  # fmt: skip
    stripes = columns * 3
    for stripe in range(stripes):
        x = left + (right - left) * (0.04 + 0.92 * stripe / stripes)
        canvas.rectangle((x, bottom - storey * 0.98), (x + (right - left) * 0.92 / stripes,
                         bottom - storey * 0.72), awning if stripe % 2 else (240, 236, 228))  # fmt: skip
    canvas.rectangle((left - 0.006, top - 0.012), (right + 0.006, top + 0.008),
                     tone(wall, 0.72), "building")  # fmt: skip


def paint_fence(brush: Brush, line: list[Point], height: float, growth: float = 1.0) -> None:
    """Paint a board fence along a line of feet.

    Args:
        brush: Canvas, light and chance.
        line: Two feet, left and right.
        height: At the left end, in scene units.
        growth: Height at the right end as a share of that at the left.
    """
    canvas = brush.canvas
    (left, y_left), (right, y_right) = line
    board = brush.pick(BOARDS)
    light, dark = tone(board, 1.04), tone(board, 0.9)
    span = abs(right - left)
    boards = max(3, round(span / (height * 0.26)))
    top = []
    for index in range(boards):
        start, end = index / boards, (index + 1) / boards
        points: list[Point] = []
        for share in (start, (start + end) / 2, end):
            tall = height * (1.0 + (growth - 1.0) * share)
            peak = 1.08 if share == (start + end) / 2 else 0.97
            points.append((left + (right - left) * share,
                           y_left + (y_right - y_left) * share - tall * peak))  # fmt: skip
        foot_a, foot_b = (_along(line[0], line[1], share) for share in (start, end))
        canvas.polygon([foot_a, *points, foot_b], light if index % 2 else dark, "fence")
        canvas.line([foot_b, points[2]], tone(board, 0.62), height * 0.025)
        top.append(points)
    for level in (0.28, 0.74):
        canvas.line(
            [(left, y_left - height * level), (right, y_right - height * growth * level)],
            tone(board, 0.76), height * 0.075,
        )  # fmt: skip


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
        low, high = _along(near_low, far_low, share), _along(near_high, far_high, share)
        return _along(low, high, v)

    for storey in range(storeys):
        shop = storey == 0
        low, high = (storey + (0.02 if shop else 0.25)) / storeys, (storey + 0.82) / storeys
        for bay in range(bays):
            start, end = (bay + (0.1 if shop else 0.25)) / bays, (bay + (0.9 if shop else 0.75)) / bays
            pane = tone(glass, 0.7 if shop else brush.between(0.85, 1.15))
            canvas.polygon([at(start, low), at(start, high), at(end, high), at(end, low)], pane)
        if not shop:
            canvas.polygon([at(0, storey / storeys), at(0, (storey + 0.06) / storeys),
                            at(1, (storey + 0.06) / storeys), at(1, storey / storeys)],
                           tone(wall, 1.12))  # fmt: skip
    canvas.polygon([at(0, 0.97), at(0, 1.015), at(1, 1.015), at(1, 0.97)],
                   tone(wall, 0.72), "building")  # fmt: skip
