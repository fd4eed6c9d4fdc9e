"""Examples on which models are compared: photographs and synthetic pictures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..agreement import noisy_images
from ..errors import UsageError
from ..metadata import NETWORK_MULTIPLE, ModelMetadata
from ..runtime.images.files import read_image
from ..runtime.inference.preprocessing import Preprocessing, in_multiples

_SIZES_HW: Final = ((64, 96), (160, 128), (256, 320))
_WHOLE: Final = 0.02  # how far rounding may take a pixel value from a whole number


@dataclass(frozen=True)
class Normalisation:
    """Mean, standard deviation and channel order of a network's input.

    Attributes:
        mean_rgb: Subtracted from the pixel values in [0, 255].
        std_rgb: What the difference is divided by.
        channel_order: Order of the network's channels, ``"rgb"`` or ``"bgr"``; None where a model
            does not say, which takes pixels.
    """

    mean_rgb: tuple[float, float, float] = ModelMetadata().mean_rgb
    std_rgb: tuple[float, float, float] = ModelMetadata().std_rgb
    channel_order: str | None = ModelMetadata().channel_order

    @property
    def metadata(self) -> ModelMetadata:
        """The same as metadata, with the official models' resize rule."""
        return ModelMetadata(
            mean_rgb=self.mean_rgb,
            std_rgb=self.std_rgb,
            channel_order=self.channel_order or ModelMetadata().channel_order,
        )

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and std, (3, 1, 1), in the order of the channels."""
        step = -1 if self.channel_order == "bgr" else 1
        mean, std = (
            np.array(numbers[::step], np.float32)[:, None, None]
            for numbers in (self.mean_rgb, self.std_rgb)
        )
        return mean, std


_USUAL: Final = Normalisation()


@dataclass(frozen=True)
class Example:
    """One input.

    Attributes:
        name: File name, or ``"synthetic 1"`` and so on.
        tensor: (1, 3, height, width) float32, normalised; zeros right and below the picture.
            Sides are multiples of 32, unless a model takes another size only.
        padding_hw: Rows and columns of the tensor that do not show the picture. What a model
            says of them does not count.
        normalisation: How the tensor was made of pixels.
        photograph_hw: Height and width of the photograph that it was made of, at which labels
            are compared, too; None for others.
    """

    name: str
    tensor: NDArray[np.float32]
    padding_hw: tuple[int, int] = (0, 0)
    normalisation: Normalisation = _USUAL
    photograph_hw: tuple[int, int] | None = None

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the input."""
        return self.tensor.shape[2], self.tensor.shape[3]

    @property
    def shown_hw(self) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self.size_hw
        return height - self.padding_hw[0], width - self.padding_hw[1]

    @property
    def padded_hw(self) -> tuple[int, int]:
        """Height and width that the logits cover: files that take bytes pad by themselves."""
        return in_multiples(self.size_hw, NETWORK_MULTIPLE)

    def pixels_rgb(self) -> NDArray[np.uint8]:
        """Return the picture as it was before normalisation, (height, width, 3) uint8.

        Raises:
            UsageError: It was none: the numbers are no pixel values.
        """
        height, width = self.shown_hw
        mean, std = self.normalisation.arrays()
        values = (self.tensor * std + mean)[0, :, :height, :width].transpose(1, 2, 0)
        if self.normalisation.channel_order == "bgr":
            values = values[..., ::-1]
        pixels = np.clip(np.rint(values), 0, 255)
        # Negated, so that a NaN is refused.
        if not np.abs(pixels - values).max() <= _WHOLE:
            raise UsageError(
                f"expected normalised pixel values for a model that takes bytes, found other "
                f"numbers in {self.name}"
            )
        return np.ascontiguousarray(pixels.astype(np.uint8))


def image_example(
    path: str | Path,
    size_hw: tuple[int, int] | None = None,
    normalisation: Normalisation = _USUAL,
) -> Example:
    """Prepare a photograph by the official models' resize rule.

    Args:
        path: An image file.
        size_hw: The only size of input that a model takes, if there is one: the photograph is
            stretched to it, since files that take bytes cannot be given padding.
        normalisation: How its pixels become numbers.

    Raises:
        ImageError: It cannot be read.
    """
    image_bgr = read_image(path)
    photograph_hw = image_bgr.shape[0], image_bgr.shape[1]
    if size_hw is not None:
        stretched = cv2.resize(image_bgr, size_hw[::-1], interpolation=cv2.INTER_AREA)
        image_bgr = stretched.astype(np.uint8, copy=False)
    prepared = _prepared(Path(path).name, image_bgr, size_hw, normalisation)
    return replace(prepared, photograph_hw=photograph_hw)


def synthetic_examples(
    seed: int = 0,
    size_hw: tuple[int, int] | None = None,
    normalisation: Normalisation = _USUAL,
) -> tuple[Example, ...]:
    """Make three pictures of smooth regions of colour under fine noise.

    Args:
        seed: Another seed gives other pictures.
        size_hw: The only size of input that a model takes, if there is one; else there are three.
        normalisation: How pixels become numbers.
    """
    sizes_hw = (size_hw,) * len(_SIZES_HW) if size_hw else _SIZES_HW
    images = noisy_images(sizes_hw, seed)
    return tuple(
        _prepared(f"synthetic {number}", image, each, normalisation)
        for number, (image, each) in enumerate(zip(images, sizes_hw, strict=True), start=1)
    )


def channels_swapped(example: Example) -> tuple[Example, Example]:
    """Return the example as it would be with red and blue confused.

    Returns:
        Confused before the normalisation, and after it.
    """
    height, width = example.shown_hw
    shown = (..., slice(height), slice(width))
    mean, std = example.normalisation.arrays()
    pixels = example.tensor * std + mean
    before, after = np.zeros_like(example.tensor), np.zeros_like(example.tensor)
    before[shown] = ((pixels[:, ::-1] - mean) / std)[shown]
    after[shown] = example.tensor[:, ::-1][shown]
    return replace(example, tensor=before), replace(example, tensor=after)


def _prepared(
    name: str,
    image_bgr: NDArray[np.uint8],
    size_hw: tuple[int, int] | None,
    normalisation: Normalisation,
) -> Example:
    preprocess = Preprocessing.from_metadata(normalisation.metadata, static_size_hw=size_hw)
    found = preprocess(image_bgr)
    rows, columns = (
        whole - part for whole, part in zip(found.padded_hw, found.resized_hw, strict=True)
    )
    return Example(name, found.tensor, (rows, columns), normalisation)
