"""Synthetic images and logits, which need no file: the same arguments give the same numbers."""

from collections.abc import Iterable, Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..metadata import MAX_SIDE, ModelMetadata
from ..types import SizeHW

_REGIONS_HW: Final = (5, 7)
_NOISE: Final = 20.0  # standard deviation, of pixel values up to 255
_COLOR: Final = (1.3, 1.47, 1.68)
_STEEPEST: Final = 2.0

_DRAWN_REGIONS: Final = 12
_GRID_SIDES: Final = 16, 256
_POINT_PX: Final = 24
_TEXTURE: Final = 18.0
_GRAIN_PX: Final = 3

_SLOPE: Final = 8.0
_WAVES: Final = 0.5
_GAP: Final = 4.0


def noisy_images(sizes_hw: Iterable[SizeHW], seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Make images of smooth regions of colour under fine noise.

    Args:
        sizes_hw: Height and width in pixels of each, at most `metadata.MAX_SIDE`.
        seed: Another seed gives other images.

    Yields:
        (height, width, 3) uint8, BGR.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    rng = np.random.default_rng(seed)
    for height, width in map(_checked, sizes_hw):
        regions = rng.uniform(0, 255, (*_REGIONS_HW, 3)).astype(np.float32)
        smooth = cv2.resize(regions, (width, height), interpolation=cv2.INTER_LINEAR)
        noisy = smooth + rng.normal(0, _NOISE, smooth.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def noisy_batch(size_hw: SizeHW, batch: int = 1, seed: int = 0) -> NDArray[np.float32]:
    """Make a batch of `noisy_images`, normalised as the official models want it.

    Args:
        size_hw: Height and width in pixels, at most `metadata.MAX_SIDE`.
        batch: Number of images, which all differ.
        seed: Another seed gives other images.

    Returns:
        float32 (batch, 3, height, width) RGB, about zero mean and unit variance.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    usual = ModelMetadata()
    mean, std = (np.array(each, np.float32) for each in (usual.mean_rgb, usual.std_rgb))
    rgb = np.stack([image[..., ::-1] for image in noisy_images([size_hw] * batch, seed)])
    return np.ascontiguousarray(((rgb - mean) / std).transpose(0, 3, 1, 2))


def gradients(size_hw: SizeHW, batch: int = 1) -> NDArray[np.float32]:
    """Make a normalised image that grows slowly to the right, downwards, and both.

    Args:
        size_hw: Height and width in pixels, at most `metadata.MAX_SIDE`.
        batch: Number of images, which are all alike.

    Returns:
        float32 (batch, 3, height, width), between -2 and 2.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    height, width = _checked(size_hw)
    right = np.linspace(-_STEEPEST, _STEEPEST, width, dtype=np.float32)[None, :]
    down = np.linspace(-_STEEPEST, _STEEPEST, height, dtype=np.float32)[:, None]
    planes = np.broadcast_arrays(right, down, (right + down) / 2)
    return np.broadcast_to(np.stack(planes), (batch, 3, height, width)).copy()


def flat(size_hw: SizeHW, batch: int = 1) -> NDArray[np.float32]:
    """Make a normalised image of one colour.

    Args:
        size_hw: Height and width in pixels, at most `metadata.MAX_SIDE`.
        batch: Number of images, which are all alike.

    Returns:
        float32 (batch, 3, height, width).

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    color = np.array(_COLOR, np.float32)[:, None, None]
    return np.broadcast_to(color, (batch, 3, *_checked(size_hw))).copy()


def drawn_picture(size_hw: SizeHW) -> NDArray[np.uint8]:
    """Draw regions of one colour each, with curved borders and some texture.

    The same size gives the same picture. As a JPEG it is about as large as a photograph is.

    Args:
        size_hw: Height and width in pixels, at most `metadata.MAX_SIDE`.

    Returns:
        (height, width, 3) uint8, BGR.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    height, width = _checked(size_hw)
    least, most = _GRID_SIDES
    grid_hw = tuple(min(max(least, side // _POINT_PX), most) for side in size_hw)
    regions = smooth_logits(_DRAWN_REGIONS, (grid_hw[0], grid_hw[1]), _DRAWN_REGIONS).argmax(1)[0]
    rng = np.random.default_rng(0)
    colors_bgr = rng.integers(30, 226, (_DRAWN_REGIONS, 3)).astype(np.float32)
    smooth = cv2.resize(colors_bgr[regions], (width, height), interpolation=cv2.INTER_LINEAR)
    # Made small and enlarged: noise of single pixels would be no texture, but a bad camera.
    coarse_hw = max(1, height // _GRAIN_PX), max(1, width // _GRAIN_PX)
    grain = rng.standard_normal(coarse_hw, np.float32) * np.float32(_TEXTURE)
    texture = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    picture: NDArray[np.uint8] = np.clip(smooth + texture[..., None], 0, 255).astype(np.uint8)
    return picture


def require_possible(classes_present: Iterable[int], size_hw: SizeHW, num_classes: int) -> None:
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
    classes_present: int, size_hw: SizeHW, num_classes: int = 150, seed: int = 0
) -> NDArray[np.float32]:
    """Draw regions with curved borders, as a network sees a scene.

    Every class that is present has a place of its own, and its logit falls with the distance
    from there, in units of a region's usual radius. All logits, those of the absent classes
    included, have smooth waves on top of it.

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
    logits += _WAVES * _waves(rng, num_classes, size_hw, 2.0)
    # Where regions are a few points small, the waves could take a class its last one.
    logits[present, points // width, points % width] = logits[present].max(0).ravel()[points] + 1
    return logits[None]


def _waves(
    rng: np.random.Generator, planes: int, size_hw: SizeHW, sigma: float
) -> NDArray[np.float32]:
    """Smooth noise of unit variance, (planes, height, width) float32."""
    noise = rng.standard_normal((planes, *size_hw), np.float32)
    smooth: NDArray[np.float32] = np.stack(
        [cv2.GaussianBlur(plane, (0, 0), sigma) for plane in noise], dtype=np.float32
    )
    smooth /= smooth.std()
    return smooth


def _checked(size_hw: SizeHW) -> SizeHW:
    height, width = size_hw
    if not 1 <= min(size_hw) <= max(size_hw) <= MAX_SIDE:
        raise UsageError(
            f"expected a picture of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found {height}x{width}"
        )
    return height, width
