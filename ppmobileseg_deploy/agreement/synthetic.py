"""Synthetic inputs, which need no file: the same arguments give the same pixels."""

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


def _checked(size_hw: SizeHW) -> SizeHW:
    height, width = size_hw
    if not 1 <= min(size_hw) <= max(size_hw) <= MAX_SIDE:
        raise UsageError(
            f"expected a picture of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found {height}x{width}"
        )
    return height, width
