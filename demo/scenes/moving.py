"""People, cars and boats."""

from typing import Final

from .brush import Brush
from .canvas import RGB, Point, mix, tone

SKIN: Final[tuple[RGB, ...]] = ((240, 200, 170), (208, 156, 120), (150, 104, 78), (104, 70, 54))
HAIR: Final[tuple[RGB, ...]] = ((52, 40, 36), (96, 62, 40), (196, 150, 84), (150, 150, 150))
COATS: Final[tuple[RGB, ...]] = (
    (206, 58, 62),
    (46, 86, 150),
    (238, 176, 54),
    (122, 66, 128),
    (236, 120, 70),
    (36, 60, 84),
)
TROUSERS: Final[tuple[RGB, ...]] = ((48, 56, 78), (72, 62, 58), (40, 42, 46), (96, 104, 128))
PAINTS: Final[tuple[RGB, ...]] = (
    (198, 44, 44),
    (40, 92, 168),
    (236, 238, 240),
    (52, 54, 60),
    (238, 186, 40),
    (60, 140, 120),
    (170, 176, 184),
)
TYRE: Final[RGB] = (34, 34, 38)
PANE: Final[RGB] = (58, 76, 94)


def paint_person(brush: Brush, foot: Point, height: float) -> None:
    """Paint a person on foot, in a coat."""
    canvas, (x, y) = brush.canvas, foot
    coat, legs, skin = brush.pick(COATS), brush.pick(TROUSERS), brush.pick(SKIN, 4.0)
    hair = brush.pick(HAIR)
    way = 1 if brush.chance(0.5) else -1

    def at(u: float, v: float) -> Point:
        return x + way * u * height, y - v * height

    stride = brush.between(0.02, 0.08)
    canvas.polygon(
        [at(-0.09, 0.5), at(0.02, 0.5), at(-stride + 0.03, 0.0), at(-stride - 0.07, 0.0)],
        tone(legs, 0.75),
        "person",
    )
    canvas.polygon(
        [at(-0.03, 0.5), at(0.09, 0.5), at(stride + 0.07, 0.0), at(stride - 0.03, 0.0)],
        legs,
        "person",
    )
    for heel in (-stride - 0.07, stride - 0.03):
        canvas.polygon(
            [at(heel, 0.0), at(heel, 0.035), at(heel + 0.1, 0.035), at(heel + 0.14, 0.0)],
            (40, 34, 34),
            "person",
        )
    canvas.ellipse(at(0.0, 0.905), (height * 0.07, height * 0.085), skin, "person")
    canvas.polygon(
        [at(-0.035, 0.85), at(0.035, 0.85), at(0.035, 0.78), at(-0.035, 0.78)],
        tone(skin, 0.85),
        "person",
    )
    canvas.polygon(
        [
            at(-0.13, 0.78),
            at(-0.07, 0.825),
            at(0.07, 0.825),
            at(0.13, 0.78),
            at(0.12, 0.6),
            at(0.14, 0.4),
            at(-0.14, 0.4),
            at(-0.12, 0.6),
        ],
        coat,
        "person",
    )
    dark = brush.light.side * way < 0
    rim = 0.13 if dark else -0.13
    canvas.polygon(
        [at(rim, 0.78), at(rim * 0.3, 0.815), at(rim * 0.35, 0.4), at(rim * 1.07, 0.4)],
        tone(coat, 0.8),
    )
    canvas.polygon(
        [at(0.06, 0.79), at(0.13, 0.78), at(0.17, 0.46), at(0.11, 0.45)], tone(coat, 0.9), "person"
    )
    canvas.polygon(
        [at(-0.06, 0.79), at(-0.13, 0.78), at(-0.175, 0.47), at(-0.115, 0.45)],
        tone(coat, 0.84),
        "person",
    )
    canvas.ellipse(at(0.14, 0.44), (height * 0.028, height * 0.028), skin, "person")
    canvas.ellipse(at(-0.145, 0.45), (height * 0.028, height * 0.028), skin, "person")
    if brush.chance(0.35):
        hat = brush.pick(COATS)
        canvas.ellipse(at(0.0, 0.95), (height * 0.08, height * 0.05), hat, "person")
        canvas.rectangle(at(-0.085 * way, 0.945), at(0.085 * way, 0.925), tone(hat, 0.8), "person")
    else:
        canvas.ellipse(at(-0.012, 0.945), (height * 0.074, height * 0.055), hair, "person")


def paint_car_side(brush: Brush, foot: Point, length: float) -> None:
    """Paint a car seen from the side; ``foot`` is the middle of its wheels' lower edge."""
    canvas, (x, y) = brush.canvas, foot
    paint = brush.pick(PAINTS)
    way = 1 if brush.chance(0.5) else -1
    van = brush.chance(0.25)

    def at(u: float, v: float) -> Point:
        return x + way * u * length, y - v * length

    roof = 0.40 if van else 0.345
    tail = -0.46 if van else -0.36
    belly, waist = 0.07, 0.205
    body = [
        at(-0.5, belly),
        at(-0.5, waist - 0.01),
        at(tail, waist + 0.015),
        at(tail + 0.07, roof - 0.01),
        at(tail + 0.11, roof),
        at(0.10, roof),
        at(0.16, roof - 0.02),
        at(0.27, waist + 0.02),
        at(0.44, waist - 0.015),
        at(0.495, waist - 0.05),
        at(0.5, belly),
    ]
    canvas.polygon(body, paint, "car")
    canvas.polygon(
        [at(-0.5, belly), at(-0.5, 0.125), at(0.5, 0.125), at(0.5, belly)], tone(paint, 0.76)
    )
    canvas.polygon(
        [
            at(-0.49, waist - 0.015),
            at(-0.49, waist - 0.03),
            at(0.45, waist - 0.045),
            at(0.43, waist - 0.025),
        ],
        tone(paint, 1.25),
    )
    glass = mix(PANE, brush.light.horizon, 0.25)
    for start, end in ((tail + 0.09, -0.07), (-0.045, 0.215)):
        lean = 0.085 if end > 0 else 0.0
        slant = 0.035 if start < -0.1 else 0.0
        canvas.polygon(
            [
                at(start - slant, waist + 0.015),
                at(start + 0.01, roof - 0.028),
                at(end - lean, roof - 0.028),
                at(end, waist + 0.015),
            ],
            glass,
        )
        canvas.polygon(
            [
                at(start + 0.02, waist + 0.05),
                at(start + 0.05, roof - 0.035),
                at(start + 0.09, roof - 0.035),
                at(start + 0.03, waist + 0.02),
            ],
            tone(glass, 1.3),
        )
    canvas.polygon(
        [at(0.45, 0.165), at(0.49, 0.15), at(0.495, 0.12), at(0.45, 0.13)], (255, 240, 190)
    )
    canvas.polygon(
        [at(-0.5, 0.17), at(-0.465, 0.17), at(-0.465, 0.125), at(-0.5, 0.125)], (196, 40, 40)
    )
    canvas.line([at(-0.06, waist), at(-0.06, belly + 0.01)], tone(paint, 0.7), length * 0.006)
    for u in (-0.29, 0.29):
        canvas.ellipse(at(u, 0.085), (length * 0.088, length * 0.085), TYRE, "car")
        canvas.ellipse(at(u, 0.085), (length * 0.046, length * 0.045), (184, 188, 194))
        canvas.ellipse(at(u, 0.085), (length * 0.018, length * 0.018), (96, 98, 104))


def paint_car_end(brush: Brush, foot: Point, width: float, *, rear: bool) -> None:
    """Paint a car seen from behind or from the front."""
    canvas, (x, y) = brush.canvas, foot
    paint = brush.pick(PAINTS)

    def at(u: float, v: float) -> Point:
        return x + u * width, y - v * width

    for u in (-0.38, 0.38):
        canvas.rectangle(at(u - 0.1, 0.22), at(u + 0.1, 0.0), TYRE, "car")
    canvas.polygon(
        [
            at(-0.47, 0.1),
            at(-0.5, 0.2),
            at(-0.48, 0.5),
            at(-0.4, 0.54),
            at(-0.3, 0.84),
            at(-0.24, 0.88),
            at(0.24, 0.88),
            at(0.3, 0.84),
            at(0.4, 0.54),
            at(0.48, 0.5),
            at(0.5, 0.2),
            at(0.47, 0.1),
        ],
        paint,
        "car",
    )
    canvas.polygon(
        [at(-0.34, 0.54), at(-0.26, 0.80), at(0.26, 0.80), at(0.34, 0.54)],
        mix(PANE, brush.light.horizon, 0.3),
    )
    canvas.polygon(
        [at(-0.24, 0.57), at(-0.17, 0.78), at(-0.02, 0.78), at(-0.12, 0.57)],
        mix(PANE, brush.light.horizon, 0.6),
    )
    canvas.rectangle(at(-0.49, 0.22), at(0.49, 0.1), tone(paint, 0.62))
    canvas.rectangle(at(-0.47, 0.51), at(0.47, 0.475), tone(paint, 1.2))
    lamp = (208, 44, 40) if rear else (255, 244, 206)
    for u in (-0.39, 0.39):
        canvas.rectangle(at(u - 0.08, 0.43), at(u + 0.08, 0.32), lamp)
    canvas.rectangle(at(-0.14, 0.36), at(0.14, 0.26), (236, 236, 226) if rear else (46, 48, 54))


def paint_boat(brush: Brush, foot: Point, height: float) -> None:
    """Paint a sailing boat; ``foot`` is the middle of its water line."""
    canvas, (x, y) = brush.canvas, foot
    hull, sail = brush.pick(PAINTS), brush.pick(((250, 246, 236), (238, 120, 84), (250, 214, 120)))
    way = 1 if brush.chance(0.5) else -1

    def at(u: float, v: float) -> Point:
        return x + way * u * height, y - v * height

    canvas.polygon([at(-0.38, 0.0), at(-0.45, 0.2), at(0.55, 0.22), at(0.34, 0.0)], hull, "boat")
    canvas.polygon(
        [at(-0.41, 0.08), at(-0.38, 0.0), at(0.34, 0.0), at(0.42, 0.08)], tone(hull, 0.7)
    )
    canvas.polygon(
        [at(-0.45, 0.2), at(-0.44, 0.165), at(0.52, 0.185), at(0.55, 0.22)], tone(hull, 1.3)
    )
    canvas.rectangle(at(-0.012 * way, 1.0), at(0.012 * way, 0.18), (110, 84, 64), "boat")
    canvas.polygon([at(0.02, 0.98), at(0.02, 0.26), at(0.48, 0.27)], sail, "boat")
    canvas.polygon(
        [at(-0.02, 0.9), at(-0.02, 0.26), at(-0.40, 0.26), at(-0.2, 0.6)], tone(sail, 0.88), "boat"
    )
