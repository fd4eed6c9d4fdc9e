"""The inputs on which models are compared: photographs and made-up pictures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..metadata import ModelMetadata
from ..runtime.images import read_image
from ..runtime.preprocessing import Preprocessing

_SIZES_HW: Final = ((64, 96), (160, 128), (256, 320))


@dataclass(frozen=True)
class Example:
    """One input.

    Attributes:
        name: File name, or what was made up.
        tensor: (1, 3, height, width) float32, RGB, normalised; sides are multiples of 32.
    """

    name: str
    tensor: NDArray[np.float32]

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the input."""
        return self.tensor.shape[2], self.tensor.shape[3]


def image_example(path: str | Path) -> Example:
    """Prepare a photograph as the official models want it.

    Args:
        path: An image file.

    Raises:
        ImageError: It cannot be read.
    """
    return Example(Path(path).name, _prepare(read_image(path)))


def random_examples(seed: int = 0) -> tuple[Example, ...]:
    """Make up pictures: smooth regions of colour under fine noise, in three sizes.

    Args:
        seed: Another seed gives other pictures.
    """
    rng = np.random.default_rng(seed)
    return tuple(
        Example(f"made-up {number}", _prepare(_picture(rng, height, width), keep_size=True))
        for number, (height, width) in enumerate(_SIZES_HW, start=1)
    )


def channels_swapped(example: Example) -> tuple[Example, Example]:
    """Return the example as it would be with red and blue confused.

    Returns:
        Confused before the normalisation, and after it.
    """
    metadata = ModelMetadata()
    mean = np.array(metadata.mean_rgb, np.float32)[:, None, None]
    std = np.array(metadata.std_rgb, np.float32)[:, None, None]
    pixels = example.tensor * std + mean
    before = (pixels[:, ::-1] - mean) / std
    return replace(example, tensor=np.ascontiguousarray(before)), replace(
        example, tensor=np.ascontiguousarray(example.tensor[:, ::-1])
    )


def _picture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    regions = rng.uniform(0, 255, (5, 7, 3)).astype(np.float32)
    smooth = cv2.resize(regions, (width, height), interpolation=cv2.INTER_LINEAR)
    noisy = smooth + rng.normal(0, 20, smooth.shape)
    picture: NDArray[np.uint8] = np.clip(noisy, 0, 255).astype(np.uint8)
    return picture


def _prepare(image_bgr: NDArray[np.uint8], *, keep_size: bool = False) -> NDArray[np.float32]:
    size_hw = (image_bgr.shape[0], image_bgr.shape[1]) if keep_size else None
    preprocess = Preprocessing.from_metadata(ModelMetadata(), input_size_hw=size_hw)
    return preprocess(image_bgr).tensor
