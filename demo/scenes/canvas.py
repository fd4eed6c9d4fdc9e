"""A picture and its label map, painted together.

Shapes are given in scene units: the short side of the picture is 1, x runs right, y down. The
same scene can therefore be drawn at any size. Every stroke goes into the picture with smooth
edges and into the label map with hard ones, so that the labels are exact.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ppmobileseg_deploy import ade20k

Point = tuple[float, float]
RGB = tuple[float, float, float]
UInt8Array = NDArray[np.uint8]

_SHIFT: Final = 4
"""Bits behind the binary point in the coordinates given to OpenCV."""

CLASS_NAMES: Final = (
    "building",
    "sky",
    "tree",
    "road",
    "grass",
    "sidewalk",
    "person",
    "earth",
    "mountain",
    "plant",
    "car",
    "water",
    "house",
    "sea",
    "fence",
    "rock",
    "sand",
    "boat",
)
"""The ADE20K classes that the scenes hold."""

CLASS_IDS: Final = {name: ade20k.NAMES.index(name) for name in CLASS_NAMES}
"""Their official ids."""


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """Return the colour that is ``share`` of the way from ``first`` to ``second``."""
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
        first[2] + (second[2] - first[2]) * share,
    )


def tone(color: RGB, factor: float) -> RGB:
    """Return ``color`` darkened (factor below 1) or lightened (above 1)."""
    if factor <= 1.0:
        return color[0] * factor, color[1] * factor, color[2] * factor
    return mix(color, (255.0, 255.0, 255.0), min(factor - 1.0, 1.0))


def along(start: Point, end: Point, share: float) -> Point:
    """Return the point that is ``share`` of the way from ``start`` to ``end``."""
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


class Canvas:
    """A picture under way.

    Args:
        size_hw: Height and width in pixels.

    Attributes:
        image_bgr: uint8 (height, width, 3).
        labels: uint8 (height, width), ADE20K class ids.
        scale: Pixels per scene unit.
        width: Width in scene units.
        height: Height in scene units.
    """

    def __init__(self, size_hw: tuple[int, int]) -> None:
        self.image_bgr: UInt8Array = np.zeros((*size_hw, 3), np.uint8)
        self.labels: UInt8Array = np.zeros(size_hw, np.uint8)
        self.scale = float(min(size_hw))
        self.height = size_hw[0] / self.scale
        self.width = size_hw[1] / self.scale
        self._shadow: UInt8Array = np.zeros(size_hw, np.uint8)

    def polygon(self, points: Sequence[Point], color: RGB, name: str | None = None) -> None:
        """Fill a polygon; without a class name it is a detail of what lies beneath."""
        fixed = self._fixed(points)
        cv2.fillPoly(self.image_bgr, [fixed], _bgr(color), cv2.LINE_AA, _SHIFT)
        if name is not None:
            cv2.fillPoly(self.labels, [fixed], CLASS_IDS[name], cv2.LINE_8, _SHIFT)

    def gradient(
        self, points: Sequence[Point], top: RGB, bottom: RGB, name: str | None = None
    ) -> None:
        """Fill a polygon with a vertical gradient from its highest to its lowest point."""
        fixed = self._fixed(points)
        left, upper = np.maximum(fixed.min(0) >> _SHIFT, 0)
        right, lower = (fixed.max(0) >> _SHIFT) + 2
        image = self.image_bgr[upper:lower, left:right]
        if image.size == 0:
            return
        local = fixed - (np.array([left, upper], np.int32) << _SHIFT)
        mask = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(mask, [local], 255, cv2.LINE_AA, _SHIFT)
        first = float(fixed[:, 1].min()) / (1 << _SHIFT)
        last = float(fixed[:, 1].max()) / (1 << _SHIFT)
        rows = (np.arange(upper, upper + image.shape[0], dtype=np.float32) - first) / (
            max(last - first, 1.0)
        )
        rows = np.clip(rows, 0.0, 1.0)[:, None]
        ends = np.array([_bgr(top), _bgr(bottom)], np.float32)
        colors = np.rint(ends[0] * (1.0 - rows) + ends[1] * rows).astype(np.uint8)[:, None]
        paint = np.ascontiguousarray(np.broadcast_to(colors, image.shape))
        share = mask.astype(np.float32) / 255.0
        image[:] = cv2.blendLinear(image, paint, 1.0 - share, share)
        if name is not None:
            cv2.fillPoly(self.labels, [fixed], CLASS_IDS[name], cv2.LINE_8, _SHIFT)

    def ellipse(
        self, center: Point, radii: tuple[float, float], color: RGB, name: str | None = None
    ) -> None:
        """Fill an upright ellipse."""
        at, axes = self._fixed([center])[0], self._fixed([radii])[0]
        shape = (at.tolist(), axes.tolist(), 0.0, 0.0, 360.0)
        cv2.ellipse(self.image_bgr, *shape, _bgr(color), -1, cv2.LINE_AA, _SHIFT)
        if name is not None:
            cv2.ellipse(self.labels, *shape, CLASS_IDS[name], -1, cv2.LINE_8, _SHIFT)

    def line(
        self,
        points: Sequence[Point],
        color: RGB,
        thickness: float,
        name: str | None = None,
    ) -> None:
        """Draw a polyline; the thickness is in scene units and at least one pixel."""
        fixed = self._fixed(points)
        pixels = max(1, round(thickness * self.scale))
        cv2.polylines(
            self.image_bgr,
            [fixed],
            isClosed=False,
            color=_bgr(color),
            thickness=pixels,
            lineType=cv2.LINE_AA,
            shift=_SHIFT,
        )
        if name is not None:
            cv2.polylines(
                self.labels,
                [fixed],
                isClosed=False,
                color=CLASS_IDS[name],
                thickness=pixels,
                lineType=cv2.LINE_8,
                shift=_SHIFT,
            )

    def rectangle(
        self, corner: Point, opposite: Point, color: RGB, name: str | None = None
    ) -> None:
        """Fill an upright rectangle."""
        (left, top), (right, bottom) = corner, opposite
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color, name)

    def shadow(self, points: Sequence[Point]) -> None:
        """Remember a shadow on the ground, for `cast_shadows`."""
        cv2.fillPoly(self._shadow, [self._fixed(points)], 255, cv2.LINE_AA, _SHIFT)

    def shadow_ellipse(self, center: Point, radii: tuple[float, float]) -> None:
        """Remember an elliptic shadow on the ground, for `cast_shadows`."""
        at, axes = self._fixed([center])[0].tolist(), self._fixed([radii])[0].tolist()
        cv2.ellipse(self._shadow, at, axes, 0.0, 0.0, 360.0, 255, -1, cv2.LINE_AA, _SHIFT)

    def cast_shadows(self, strength: float, tint: RGB) -> None:
        """Darken what is painted so far where shadows were remembered.

        Args:
            strength: Share of the light that is taken, in [0, 1].
            tint: Colour of the light that remains.
        """
        side = max(3, round(self.scale / 100) | 1)
        soft = cv2.blur(self._shadow, (side, side))
        rows = np.flatnonzero(soft.any(1))
        if rows.size == 0:
            return
        band = slice(int(rows[0]), int(rows[-1]) + 1)
        share = soft[band].astype(np.float32)[..., None] * (strength / 255.0)
        remains = np.array(_bgr(tint), np.float32) / 255.0
        image = self.image_bgr[band]
        image[:] = image * (1.0 - share * (1.0 - remains))

    def _fixed(self, points: Sequence[Point]) -> NDArray[np.int32]:
        scaled = np.asarray(points, np.float64) * (self.scale * (1 << _SHIFT))
        return np.rint(np.clip(scaled, -2e5, 2e5)).astype(np.int32)


def _bgr(color: RGB) -> tuple[float, float, float]:
    red, green, blue = (min(max(channel, 0.0), 255.0) for channel in color)
    return blue, green, red
