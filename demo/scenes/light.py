"""Time of day, sky and clouds."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .canvas import CLASS_IDS, RGB, Canvas, mix, tone

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
"""Hazy noon, clear noon, warm afternoon, golden hour, dusk, overcast."""


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


def paint_sky(canvas: Canvas, light: Light, rng: np.random.Generator, horizon: float) -> None:
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
        side = int(unit / 6) | 1
        soft = np.asarray(cv2.blur(glow, (side, side)), np.float32)
        _blend_sky(canvas, soft, tone(mix(light.horizon, light.tint, 0.6), 1.4))
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
            at = (
                round((x + size * rng.uniform(-2.6, 2.6)) * unit),
                round((y - size * rng.uniform(0.0, 0.7)) * unit),
            )
            axes = (
                max(round(size * rng.uniform(0.9, 1.8) * unit), 1),
                max(round(size * rng.uniform(0.4, 0.8) * unit), 1),
            )
            cv2.ellipse(body, at, axes, 0.0, 180.0, 360.0, strength, -1)
            cv2.ellipse(body, at, (axes[0], max(axes[1] // 3, 1)), 0.0, 0.0, 180.0, strength, -1)
    side = max(int(unit / 40) | 1, 3)
    soft = np.asarray(cv2.blur(body, (side, side)), np.float32)
    _blend_sky(canvas, soft, tone(light.tint, 1.5))


def _blend_sky(canvas: Canvas, share: Float32Array, color: RGB) -> None:
    height, width = canvas.labels.shape
    full = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)
    share = np.asarray(full, np.float32)
    paint = np.empty_like(canvas.image_bgr)
    paint[:] = np.clip(np.array(color[::-1]), 0, 255).astype(np.uint8)
    canvas.image_bgr[:] = cv2.blendLinear(canvas.image_bgr, paint, 1.0 - share, share)
