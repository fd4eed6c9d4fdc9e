"""The last layers: a surface for every class, and the camera's touch."""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .canvas import CLASS_IDS, Canvas
from .light import Float32Array, Light

_TILE: Final = 1024
"""Side of the noise fields in pixels; 512 of them are one scene unit."""

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
        canvas.image_bgr,
        cv2.merge([gain * (c / 255.0) for c in reversed(light.tint)]),
        dtype=cv2.CV_8U,
    )
    level = float(rng.uniform(0.5, 3.0))
    grain = rng.standard_normal((height, width), np.float32) * level
    canvas.image_bgr[:] = _add(np.asarray(tinted, np.uint8), grain)


def _add(image: NDArray[np.uint8], offset: Float32Array) -> NDArray[np.uint8]:
    total = cv2.add(image, cv2.merge([offset, offset, offset]), dtype=cv2.CV_8U)
    return np.asarray(total, np.uint8)
