"""Houses with gables, and board fences."""

from typing import Final

from .brush import Brush
from .canvas import RGB, Point, along, tone

PLASTER: Final[tuple[RGB, ...]] = (
    (236, 214, 178),
    (226, 188, 150),
    (214, 160, 132),
    (240, 232, 214),
    (186, 202, 206),
    (232, 200, 120),
    (206, 140, 116),
)
ROOFS: Final[tuple[RGB, ...]] = ((176, 82, 58), (150, 66, 54), (110, 84, 78), (94, 98, 112))
GLASS: Final[tuple[RGB, ...]] = ((92, 124, 150), (74, 100, 128), (120, 150, 168))
BOARDS: Final[tuple[RGB, ...]] = ((238, 234, 224), (164, 118, 78), (134, 98, 70), (196, 160, 112))
DOORS: Final[tuple[RGB, ...]] = ((120, 66, 46), (60, 92, 110), (70, 100, 74), (150, 50, 46))


def paint_house(brush: Brush, foot: Point, height: float) -> None:
    """Paint a gabled house seen at an angle: gable wall, long wall, tiled roof.

    Args:
        brush: Canvas, light and chance.
        foot: Middle of its lower edge.
        height: From the ground to the ridge, in scene units.
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
    canvas.polygon(
        [at(gable, y), at(gable, eaves), at(gable + length, eaves), at(gable + length, y)],
        long,
        "house",
    )
    canvas.polygon(
        [at(0, y), at(0, eaves), at(gable / 2, y - height), at(gable, eaves), at(gable, y)],
        front,
        "house",
    )
    over = height * 0.045
    slope = brush.lit(roof, flip)
    top_left = at(gable / 2, y - height - over)
    top_right = at(gable / 2 + length, y - height - over)
    low_left = at(gable - over * 0.2, eaves + over)
    low_right = at(gable + length + over, eaves + over)
    canvas.polygon([top_left, top_right, low_right, low_left], slope, "house")
    for row in range(1, 6):
        share = row / 6
        canvas.line(
            [along(top_left, low_left, share), along(top_right, low_right, share)],
            tone(slope, 0.86),
            height * 0.008,
        )
    canvas.polygon(
        [
            top_left,
            at(-over, eaves + over),
            at(-over, eaves),
            at(gable / 2 - over * 0.2, y - height - over * 2.2),
        ],
        tone(roof, 0.7),
        "house",
    )
    canvas.polygon(
        [
            top_left,
            low_left,
            at(gable + over * 0.4, eaves),
            at(gable / 2, y - height - over * 1.6),
        ],
        tone(roof, 0.7),
        "house",
    )
    if brush.chance(0.6):
        canvas.polygon(
            [
                at(gable * 0.62 + length * 0.5, y - height * 1.12),
                at(gable * 0.62 + length * 0.62, y - height * 1.12),
                at(gable * 0.62 + length * 0.62, y - height * 0.9),
                at(gable * 0.62 + length * 0.5, y - height * 0.9),
            ],
            tone(wall, 0.7),
            "house",
        )
    glass, frame = brush.pick(GLASS), (244, 240, 232)
    high = (y - eaves) * 0.36
    window_y = y - (y - eaves) * 0.42
    for u in (gable * 0.27, gable * 0.73, gable + length * 0.2, gable + length * 0.8):
        _window(brush, at(u, window_y), height * 0.075, high, glass, frame)
    _window(brush, at(gable / 2, eaves - height * 0.06), height * 0.055, high * 0.7, glass, frame)
    door = brush.pick(DOORS)
    canvas.polygon(
        [
            at(gable + length * 0.43, y),
            at(gable + length * 0.43, y - (y - eaves) * 0.66),
            at(gable + length * 0.59, y - (y - eaves) * 0.66),
            at(gable + length * 0.59, y),
        ],
        door,
    )


def _window(
    brush: Brush, center: Point, half_width: float, height: float, glass: RGB, frame: RGB
) -> None:
    x, y = center
    rim = half_width * 0.22
    brush.canvas.rectangle(
        (x - half_width - rim, y - height / 2 - rim),
        (x + half_width + rim, y + height / 2 + rim),
        frame,
    )
    brush.canvas.rectangle(
        (x - half_width, y - height / 2), (x + half_width, y + height / 2), glass
    )
    brush.canvas.polygon(
        [
            (x - half_width, y - height / 2),
            (x + half_width * 0.4, y - height / 2),
            (x - half_width, y + height / 3),
        ],
        tone(glass, 1.25),
    )
    brush.canvas.line([(x, y - height / 2), (x, y + height / 2)], frame, half_width * 0.18)


def paint_fence(
    brush: Brush, line: tuple[Point, Point], height: float, growth: float = 1.0
) -> None:
    """Paint a board fence along a line of feet.

    Args:
        brush: Canvas, light and chance.
        line: Its left and its right foot.
        height: At the left end, in scene units.
        growth: Height at the right end as a share of that at the left.
    """
    canvas = brush.canvas
    (left, y_left), (right, y_right) = line
    board = brush.pick(BOARDS)
    light, dark = tone(board, 1.04), tone(board, 0.9)
    span = abs(right - left)
    boards = max(3, round(span / (height * 0.26)))
    for index in range(boards):
        start, end = index / boards, (index + 1) / boards
        points: list[Point] = []
        for share in (start, (start + end) / 2, end):
            tall = height * (1.0 + (growth - 1.0) * share)
            peak = 1.08 if share == (start + end) / 2 else 0.97
            points.append(
                (left + (right - left) * share, y_left + (y_right - y_left) * share - tall * peak)
            )
        foot_a, foot_b = (along(line[0], line[1], share) for share in (start, end))
        canvas.polygon([foot_a, *points, foot_b], light if index % 2 else dark, "fence")
        canvas.line([foot_b, points[2]], tone(board, 0.62), height * 0.025)
    for level in (0.28, 0.74):
        canvas.line(
            [(left, y_left - height * level), (right, y_right - height * growth * level)],
            tone(board, 0.76),
            height * 0.075,
        )
