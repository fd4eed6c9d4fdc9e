"""Synthetic inputs, which need no file: the same arguments give the same pixels."""

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..metadata import MAX_SIDE, ModelMetadata
from ..types import SizeHW

_REGIONS_HW: Final = (5, 7)
_NOISE: Final = 0.3
_COLOR: Final = (1.3, 1.47, 1.68)
_STEEPEST: Final = 2.0


def noisy_regions(size_hw: SizeHW, batch: int = 1, seed: int = 0) -> NDArray[np.float32]:
    """Make normalised images of smooth regions of colour under fine noise.

    Args:
        size_hw: Height and width in pixels, at most `metadata.MAX_SIDE`.
        batch: Number of images, which all differ.
        seed: Another seed gives other images.

    Returns:
        float32 (batch, 3, height, width), about zero mean and unit variance.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    height, width = _checked(size_hw)
    rng = np.random.default_rng(seed)
    images = np.empty((batch, 3, height, width), np.float32)
    for image in images:
        for channel in image:
            regions = rng.standard_normal(_REGIONS_HW, np.float32)
            cv2.resize(regions, (width, height), channel, interpolation=cv2.INTER_LINEAR)
            channel += np.float32(_NOISE) * rng.standard_normal((height, width), np.float32)
    return images


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


def noisy_images(
    sizes_hw: Sequence[SizeHW], metadata: ModelMetadata, seed: int = 0
) -> Iterator[NDArray[np.uint8]]:
    """Make images of pixels: `noisy_regions` before their normalisation.

    Args:
        sizes_hw: Height and width of each.
        metadata: Means and standard deviations, which give the images their contrast.
        seed: That of the first image; each next one has the next.

    Yields:
        (height, width, 3) uint8, BGR.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    mean, std = (np.array(each, np.float32) for each in (metadata.mean_rgb, metadata.std_rgb))
    for number, size_hw in enumerate(sizes_hw, start=seed):
        rgb = noisy_regions(size_hw, seed=number)[0].transpose(1, 2, 0) * std + mean
        yield np.ascontiguousarray(np.clip(rgb + 0.5, 0, 255).astype(np.uint8)[..., ::-1])


def _checked(size_hw: SizeHW) -> SizeHW:
    height, width = size_hw
    if not 1 <= min(size_hw) <= max(size_hw) <= MAX_SIDE:
        raise UsageError(
            f"expected a picture of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found {height}x{width}"
        )
    return height, width
