"""Made-up inputs, for measuring where none are given: pictures, and logits of chosen classes."""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..metadata import MAX_SIDE

_SLOPE: Final = 8.0
_NOISE: Final = 0.5
_GAP: Final = 4.0

_REGIONS: Final = 12
_GRID_SIDES: Final = 16, 256
_POINT_PX: Final = 24
_TEXTURE: Final = 18.0
_GRAIN_PX: Final = 3


def made_up_picture(size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw regions of one colour each, with curved borders and some texture.

    The same size gives the same picture. As a JPEG it is about as large as a photograph is.

    Args:
        size_hw: Height and width in pixels, at most `metadata.MAX_SIDE`.

    Returns:
        (height, width, 3) uint8, BGR.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    height, width = size_hw
    if not 1 <= min(size_hw) <= max(size_hw) <= MAX_SIDE:
        raise UsageError(
            f"expected a picture of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found {height}x{width}"
        )
    least, most = _GRID_SIDES
    grid_hw = tuple(min(max(least, side // _POINT_PX), most) for side in size_hw)
    regions = smooth_logits(_REGIONS, (grid_hw[0], grid_hw[1]), _REGIONS).argmax(1)[0]
    rng = np.random.default_rng(0)
    colors_bgr = rng.integers(30, 226, (_REGIONS, 3)).astype(np.float32)
    smooth = cv2.resize(colors_bgr[regions], (width, height), interpolation=cv2.INTER_LINEAR)
    # Made small and enlarged: noise of single pixels would be no texture, but a bad camera.
    coarse_hw = max(1, height // _GRAIN_PX), max(1, width // _GRAIN_PX)
    grain = rng.standard_normal(coarse_hw, np.float32) * np.float32(_TEXTURE)
    texture = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    picture: NDArray[np.uint8] = np.clip(smooth + texture[..., None], 0, 255).astype(np.uint8)
    return picture


def require_possible(
    classes_present: Iterable[int], size_hw: tuple[int, int], num_classes: int
) -> None:
    """Make sure that so many classes can win somewhere.

    Args:
        classes_present: Numbers of classes.
        size_hw: Height and width of the grid.
        num_classes: How many classes there are.

    Raises:
        UsageError: A number is above that of the classes, or of the grid points, or below 1.
    """
    most = min(num_classes, size_hw[0] * size_hw[1])
    for count in classes_present:
        if not 1 <= count <= most:
            raise UsageError(f"expected 1 to {most} classes present, found {count}")


def smooth_logits(
    classes_present: int, size_hw: tuple[int, int], num_classes: int = 150, seed: int = 0
) -> NDArray[np.float32]:
    """Draw regions with curved borders, as a network sees a scene.

    Every class that is present has a place of its own, and its logit falls with the distance
    from there, in units of a region's usual radius. All logits, those of the absent classes
    included, waver smoothly on top of it.

    Args:
        classes_present: How many classes win somewhere, at most the number of grid points.
        size_hw: Height and width of the grid.
        num_classes: How many classes there are.
        seed: Another seed gives another scene.

    Returns:
        float32 (1, num_classes, height, width). Exactly ``classes_present`` classes win at least
        one grid point.
    """
    rng = np.random.default_rng(seed)
    height, width = size_hw
    points = rng.permutation(height * width)[:classes_present]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    # Bent coordinates make curved borders; a place lies on a grid point in them too.
    radius = np.sqrt(height * width / classes_present)
    bent_rows = rows + radius / 3 * _waves(rng, 1, size_hw, radius)[0]
    bent_columns = columns + radius / 3 * _waves(rng, 1, size_hw, radius)[0]
    places = bent_rows.ravel()[points], bent_columns.ravel()[points]
    distances = np.hypot(
        bent_rows - places[0][:, None, None], bent_columns - places[1][:, None, None]
    )
    regions = (-_SLOPE / radius) * distances
    present = rng.permutation(num_classes)[:classes_present]
    weakest = regions.max(0).min()
    logits = np.full((num_classes, height, width), weakest - _GAP, np.float32)
    logits[present] = regions
    logits += _NOISE * _waves(rng, num_classes, size_hw, 2.0)
    # Where regions are a few points small, the wavering could take a class its last one.
    logits[present, points // width, points % width] = logits[present].max(0).ravel()[points] + 1
    return logits[None]


def _waves(
    rng: np.random.Generator, planes: int, size_hw: tuple[int, int], sigma: float
) -> NDArray[np.float32]:
    """Smooth noise of unit variance, (planes, height, width) float32."""
    noise = rng.standard_normal((planes, *size_hw), np.float32)
    smooth: NDArray[np.float32] = np.stack(
        [cv2.GaussianBlur(plane, (0, 0), sigma) for plane in noise], dtype=np.float32
    )
    smooth /= smooth.std()
    return smooth
