"""Rotation of video frames by their display matrix.

Cameras store frames as the sensor lies, with a matrix that rotates and mirrors them for display.
"""

import math
import struct
from typing import TYPE_CHECKING, Any, Final

import cv2
from numpy.typing import NDArray

from ...errors import ImageError
from .filters import FilterChain

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Matrix = tuple[float, float, float, float]
"""a, b, c and d: pixel (x, y) is shown at (a x + c y, b x + d y), but for a shift."""

_MATRIX: Final = struct.Struct("=9i")  # a b u, c d v, x y w: ISO/IEC 14496-12, 8.3.2
_TOLERANCE: Final = 0.02
_NEWER_KINDS: Final = 16  # of side data; FFmpeg adds two or three a year


def display_matrix(frame: "VideoFrame") -> Matrix | None:
    """Return the display matrix of a frame; None if it has none."""
    try:
        side_data = _side_data(frame)
    except ValueError:
        side_data = _side_data(_without_unknown_side_data(frame))
    for each in side_data:
        if each.type.name == "DISPLAYMATRIX":
            a, b, _, c, d, *_ = _MATRIX.unpack(bytes(each)[: _MATRIX.size])
            return a, b, c, d
    return None


def _side_data(frame: "VideoFrame") -> list[Any]:
    from av.sidedata.sidedata import SideDataContainer

    # Not `frame.side_data`: it makes a reference cycle, which keeps frames in memory until the
    # garbage collector runs.
    return list(SideDataContainer(frame))  # type: ignore[call-arg]


def _without_unknown_side_data(frame: "VideoFrame") -> "VideoFrame":
    # PyAV gives no side data at all if there is a kind newer than itself, such as EXIF.
    from av.sidedata.sidedata import Type

    newest: int = max(each.value for each in Type)  # type: ignore[type-var, assignment]
    unknown = [
        ("sidedata", {"mode": "delete", "type": str(newest + number)})
        for number in range(1, _NEWER_KINDS + 1)
    ]
    (known,) = FilterChain(frame, unknown, threads=1).put(frame)
    return known


def rotated(image: NDArray[Any], matrix: Matrix | None) -> NDArray[Any]:
    """Rotate and mirror an image.

    Args:
        image: (height, width, channels).
        matrix: Its display matrix, of any scale; None or zeros leave the image as it is.

    Raises:
        ImageError: The matrix is no rotation by a multiple of 90 degrees.
    """
    if matrix is None or not any(matrix):
        return image
    a, b, c, d = matrix
    slack = _TOLERANCE * max(map(abs, matrix))
    if max(abs(b), abs(c)) <= slack < min(abs(a), abs(d)):
        to_x, to_y = a, d
    elif max(abs(a), abs(d)) <= slack < min(abs(b), abs(c)):
        image = cv2.transpose(image)
        to_x, to_y = c, b
    else:
        degrees = round(math.degrees(math.atan2(b, a)))
        raise ImageError(
            f"expected a video to be turned by quarters of a circle, found {degrees} degrees"
        )
    if to_x > 0 and to_y > 0:
        return image
    return cv2.flip(image, -1 if to_x < 0 and to_y < 0 else 1 if to_x < 0 else 0)


def describe_rotation(matrix: Matrix | None) -> str:
    """Describe a display matrix for logs: ``"turned by 90 degrees"``, or nothing."""
    if matrix is None or not any(matrix):
        return ""
    a, b, c, d = matrix
    mirrored = a * d < b * c
    degrees = round(math.degrees(math.atan2(b, a))) % 360
    turned_by = f"turned by {degrees} degrees" if degrees else ""
    return " and ".join(filter(None, ["mirrored" if mirrored else "", turned_by]))
