"""Light and surface: time of day, sky, clouds, texture, and the camera's last touch."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .canvas import CLASS_IDS, RGB, Canvas, Point, mix, tone

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """How a scene is lit.

    Attributes:
        zenith: Colour of the sky high up.
        horizon: Colour of the sky low down, and of the haze.
        tint: What white things look like: multiplies every colour.
        shadow: What remains of white in a shadow.
        haze: Share of haze at the far end of the ground, in [0, 1].
        sun: Brightness of the sun's disc in [0, 1]; 0 is overcast.
        side: Where the sun stands: -1 is left, 1 is right.
    """

    zenith: RGB
    horizon: RGB
    tint: RGB
    shadow: RGB
    haze: float
    sun: float
    side: int = 1

    def far(self, color: RGB, distance: float) -> RGB:
        """Return a colour seen through haze; ``distance`` in [0, 1]."""
        return mix(color, self.horizon, min(self.haze * distance, 0.9))


HOURS: Final = (
    Light((88, 160, 226), (205, 231, 245), (255, 253, 248), (120, 130, 170), 0.55, 0.0),
    Light((66, 140, 214), (190, 224, 240), (255, 252, 244), (110, 125, 170), 0.45, 0.9),
    Light((118, 178, 222), (240, 236, 214), (255, 248, 232), (120, 120, 160), 0.60, 0.8),
    Light((96, 136, 198), (252, 208, 160), (255, 236, 208), (120, 105, 150), 0.60, 1.0),
    Light((128, 122, 186), (252, 190, 170), (250, 226, 222), (115, 100, 150), 0.65, 1.0),
    Light((150, 186, 214), (222, 232, 236), (246, 248, 250), (160, 164, 178), 0.65, 0.0),
)
"""Noon, clear noon, warm afternoon, golden hour, dusk, overcast."""


def choose_light(rng: np.random.Generator) -> Light:
    """Pick an hour and a side for the sun, and vary the colours a little."""
    hour = HOURS[int(rng.integers(len(HOURS)))]
    shift = rng.uniform(-9.0, 9.0, 3)
    side = 1 if rng.random() < 0.5 else -1
    return Light(
        zenith=(hour.zenith[0] + shift[0], hour.zenith[1] + shift[1], hour.zenith[2]),
        horizon=(hour.horizon[0], hour.horizon[1] + shift[2] / 2, hour.horizon[2]),
        tint=hour.tint,
        shadow=hour.shadow,
        haze=hour.haze * float(rng.uniform(0.8, 1.2)),
        sun=hour.sun,
        side=side,
    )


def paint_sky(
    canvas: Canvas, light: Light, rng: np.random.Generator, horizon: float
) -> None:
    """Fill the whole picture with sky: gradient, sun, clouds.

    Args:
        canvas: Where to paint.
        light: The hour.
        rng: Source of chance.
        horizon: Where the gradient ends, in scene units from the top.
    """
    height, width = canvas.labels.shape
    rows = np.arange(height, dtype=np.float32)[:, None] / (max(horizon, 0.1) * canvas.scale)
    rows = np.clip(rows, 0.0, 1.0) ** 1.2
    zenith, low = (np.array(c[::-1], np.float32) for c in (light.zenith, light.horizon))
    canvas.image_bgr[:] = (zenith * (1 - rows) + low * rows)[:, None].astype(np.uint8)
    canvas.labels[:] = CLASS_IDS["sky"]
    small_hw = (max(height // 4, 1), max(width // 4, 1))
    glow = np.zeros(small_hw, np.float32)
    unit = canvas.scale / 4
    if light.sun > 0.0:
        sun_x = canvas.width * (0.5 + light.side * float(rng.uniform(0.18, 0.42)))
        sun_y = horizon * float(rng.uniform(0.15, 0.5))
        for radius, strength in ((0.30, 0.10), (0.20, 0.14), (0.12, 0.20)):
            disc = np.zeros(small_hw, np.float32)
            at = (round(sun_x * unit), round(sun_y * unit))
            cv2.circle(disc, at, max(round(radius * unit), 1), strength * light.sun, -1)
            glow += disc
        glow = cv2.blur(glow, (int(unit / 6) | 1, int(unit / 6) | 1))
        _blend_sky(canvas, glow, tone(mix(light.horizon, light.tint, 0.6), 1.4))
        canvas.ellipse((sun_x, sun_y), (0.038, 0.038), tone(light.tint, 1.6))
    _paint_clouds(canvas, light, rng, horizon, small_hw)


def _paint_clouds(
    canvas: Canvas,
    light: Light,
    rng: np.random.Generator,
    horizon: float,
    small_hw: tuple[int, int],
) -> None:
    unit = canvas.scale / 4
    body = np.zeros(small_hw, np.float32)
    for _ in range(int(rng.integers(2, 7))):
        x, y = rng.uniform(-0.1, canvas.width + 0.1), horizon * rng.uniform(0.08, 0.75)
        size = rng.uniform(0.03, 0.075) * (1.2 - 0.6 * y / horizon)
        strength = float(rng.uniform(0.5, 0.9))
        for _ in range(int(rng.integers(4, 8))):
            at = (round((x + size * rng.uniform(-2.6, 2.6)) * unit),
                  round((y - size * rng.uniform(0.0, 0.7)) * unit))
            axes = (max(round(size * rng.uniform(0.9, 1.8) * unit), 1),
                    max(round(size * rng.uniform(0.4, 0.8) * unit), 1))
            cv2.ellipse(body, at, axes, 0.0, 180.0, 360.0, strength, -1)
            cv2.ellipse(body, at, (axes[0], max(axes[1] // 3, 1)), 0.0, 0.0, 180.0, strength, -1)
    side = max(int(unit / 40) | 1, 3)
    _blend_sky(canvas, cv2.blur(body, (side, side)), tone(light.tint, 1.5))


def _blend_sky(canvas: Canvas, share: Float32Array, color: RGB) -> None:
    height, width = canvas.labels.shape
    share = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)
    paint = np.empty_like(canvas.image_bgr)
    paint[:] = np.clip(np.array(color[::-1]), 0, 255).astype(np.uint8)
    canvas.image_bgr[:] = cv2.blendLinear(canvas.image_bgr, paint, 1.0 - share, share)


_TILE: Final = 1024
_GRAIN: Final = 0
_BLOBS: Final = 1
_STREAKS: Final = 2

_ROUGHNESS: Final[dict[str, tuple[float, float, float]]] = {
    "building": (4.0, 2.4, 0.0),
    "sky": (0.0, 1.2, 0.0),
    "tree": (7.2, 9.6, 0.0),
    "road": (5.6, 3.0, 1.5),
    "grass": (8.0, 7.8, 0.0),
    "sidewalk": (4.0, 2.4, 0.0),
    "person": (1.6, 1.8, 0.0),
    "earth": (8.8, 6.0, 2.2),
    "mountain": (4.8, 6.0, 0.0),
    "plant": (9.6, 8.4, 0.0),
    "car": (0.8, 0.6, 0.0),
    "water": (0.8, 1.8, 10.5),
    "house": (4.0, 2.4, 0.8),
    "sea": (1.6, 1.8, 12.8),
    "fence": (4.8, 3.0, 0.0),
    "rock": (7.2, 7.8, 0.0),
    "sand": (5.6, 3.6, 2.2),
    "boat": (1.6, 1.2, 0.0),
}
"""Strength of grain, blobs and streaks on each class, in gray levels."""


@cache
def _tiles() -> tuple[Float32Array, ...]:
    """Three fixed noise fields with deviation 1: fine grain, blobs, horizontal streaks."""
    rng = np.random.default_rng(20230405)

    def noise(cells_hw: tuple[int, int]) -> Float32Array:
        field = rng.standard_normal(cells_hw, np.float32)
        return cv2.resize(field, (_TILE, _TILE), interpolation=cv2.INTER_CUBIC).astype(np.float32)

    grain = noise((512, 512)) + 0.7 * noise((256, 256))
    blobs = noise((128, 128)) + noise((48, 48)) + 0.8 * noise((16, 16))
    streaks = noise((220, 24)) + 0.8 * noise((90, 10))
    return tuple((field / field.std()).astype(np.float32) for field in (grain, blobs, streaks))


@cache
def _gains() -> Float32Array:
    gains = np.zeros((256, 3), np.float32)
    for name, strengths in _ROUGHNESS.items():
        gains[CLASS_IDS[name]] = strengths
    return gains


def add_texture(canvas: Canvas, rng: np.random.Generator) -> None:
    """Give every class its surface: grain, blobs and streaks that follow the labels."""
    height, width = canvas.labels.shape
    total = np.zeros((height, width), np.float32)
    span_x, span_y = (min(int(512 * s), _TILE) for s in (canvas.width, canvas.height))
    for kind, tile in enumerate(_tiles()):
        x = int(rng.integers(_TILE - span_x + 1))
        y = int(rng.integers(_TILE - span_y + 1))
        crop = tile[y : y + span_y, x : x + span_x]
        field = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
        gain = cv2.LUT(canvas.labels, _gains()[:, kind].copy())
        total += field * gain
    canvas.image_bgr[:] = _add(canvas.image_bgr, total)


def finish(canvas: Canvas, light: Light, rng: np.random.Generator) -> None:
    """Tint by the light, darken the corners, add a little sensor noise."""
    height, width = canvas.labels.shape
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    gain = 1.12 - 0.06 * (x * x + y * y)
    gain += 0.05 * light.side * x
    tinted = cv2.multiply(
        canvas.image_bgr, cv2.merge([gain * (c / 255.0) for c in reversed(light.tint)]),
        dtype=cv2.CV_8U,
    )
    level = float(rng.uniform(0.5, 3.0))
    grain = rng.standard_normal((height, width), np.float32) * level
    canvas.image_bgr[:] = _add(tinted, grain)


def _add(image: NDArray[np.uint8], offset: Float32Array) -> NDArray[np.uint8]:
    total = cv2.add(image, cv2.merge([offset, offset, offset]), dtype=cv2.CV_8U)
    return np.asarray(total, np.uint8)


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
