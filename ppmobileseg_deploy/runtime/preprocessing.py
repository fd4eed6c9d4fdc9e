"""From a photograph to the network's input, as mmsegmentation's test pipeline does it."""

import operator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..metadata import MAX_SIDE, ModelMetadata
from ..quoting import brief
from .postprocessing import SizeHW


@dataclass(frozen=True)
class Preprocessed:
    """One image, ready for the network.

    Attributes:
        tensor: (1, 3, height, width) float32, RGB, normalised; zeros right and below the image.
        resized_hw: Part of the tensor that shows the image.
        original_hw: Size the image came with.
    """

    tensor: NDArray[np.float32]
    resized_hw: SizeHW
    original_hw: SizeHW

    @property
    def padded_hw(self) -> SizeHW:
        """Size of the network's input."""
        return self.tensor.shape[2], self.tensor.shape[3]


@dataclass(frozen=True)
class Preprocessing:
    """Scale keeping the ratio, normalise, pad right and bottom.

    The scale is the largest at which the short side is at most ``short_side`` and the long side
    at most ``long_side``; with ``fit_hw``, the largest at which the image fits inside.

    Attributes:
        mean_rgb: Subtracted from the pixel values in [0, 255].
        std_rgb: What the difference is divided by.
        short_side: Limit of the short side, pixels.
        long_side: Limit of the long side, pixels.
        size_multiple: Height and width are padded to a multiple of this.
        fit_hw: Used in place of the two limits.
        padded_hw: Pad to exactly this, not to a multiple.
    """

    mean_rgb: tuple[float, float, float]
    std_rgb: tuple[float, float, float]
    short_side: int
    long_side: int
    size_multiple: int
    fit_hw: SizeHW | None = None
    padded_hw: SizeHW | None = None

    @classmethod
    def from_metadata(
        cls,
        metadata: ModelMetadata,
        *,
        input_size_hw: SizeHW | None = None,
        fixed_size_hw: SizeHW | None = None,
        static_size_hw: SizeHW | None = None,
    ) -> "Preprocessing":
        """Take the rule from a model file.

        Args:
            metadata: What the file says about itself.
            input_size_hw: Scale images to fit inside this size, not by the file's resize rule.
            fixed_size_hw: Scale likewise, and pad to exactly this size.
            static_size_hw: Input size of a file that knows one size only, None for dynamic ones.

        Raises:
            UsageError: A size is no pair of whole numbers in [1, `MAX_SIDE`], not what a static
                file requires, or given twice; or the fixed one is not a multiple of what the
                file asks for.
        """
        if input_size_hw is not None and fixed_size_hw is not None:
            raise UsageError(
                f"expected an input size or a fixed size, found {_text(input_size_hw)} and "
                f"{_text(fixed_size_hw)}"
            )
        fixed_size_hw, input_size_hw = _checked(fixed_size_hw), _checked(input_size_hw)
        chosen_hw = fixed_size_hw or input_size_hw
        if static_size_hw is not None and chosen_hw not in (None, static_size_hw):
            raise UsageError(
                f"expected input size {_text(static_size_hw)}, the only one this model file "
                f"takes, found {_text(chosen_hw)}"
            )
        multiple = metadata.size_multiple
        if static_size_hw is None and fixed_size_hw and any(s % multiple for s in fixed_size_hw):
            raise UsageError(
                f"expected a fixed size of multiples of {multiple}, found {_text(fixed_size_hw)}"
            )
        return cls(
            mean_rgb=metadata.mean_rgb,
            std_rgb=metadata.std_rgb,
            short_side=metadata.short_side,
            long_side=metadata.long_side,
            size_multiple=metadata.size_multiple,
            fit_hw=static_size_hw or chosen_hw,
            padded_hw=static_size_hw or fixed_size_hw,
        )

    def network_hw(self, image_hw: SizeHW) -> tuple[SizeHW, SizeHW]:
        """Return the size an image is scaled to, and the size it is padded to.

        Args:
            image_hw: Height and width of the image, each at least 1.
        """
        height, width = image_hw
        if self.fit_hw is None:
            scale = min(
                self.long_side / max(height, width),
                self.short_side / min(height, width),
            )
        else:
            scale = min(self.fit_hw[0] / height, self.fit_hw[1] / width)
        resized_hw = max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
        if self.padded_hw is not None:
            return resized_hw, self.padded_hw
        return resized_hw, (self._padded(resized_hw[0]), self._padded(resized_hw[1]))

    def __call__(self, image_bgr: NDArray[np.uint8]) -> Preprocessed:
        """Prepare one image.

        Args:
            image_bgr: (height, width, 3) uint8, BGR.

        Returns:
            A tensor of its own, and the sizes that lead back from it.
        """
        original_hw = image_bgr.shape[0], image_bgr.shape[1]
        (height, width), padded_hw = self.network_hw(original_hw)
        resized = cv2.resize(image_bgr, (width, height), interpolation=cv2.INTER_LINEAR)
        tensor = np.zeros((1, 3, *padded_hw), np.float32)
        # A pixel has 256 values, so normalising is a look-up: 0.9 ms for 1080p, where arithmetic
        # takes 1.3 ms channel by channel and 5.7 ms on the whole array.
        for channel, plane in enumerate(reversed(cv2.split(resized))):
            cv2.LUT(plane, self._normalised[channel], dst=tensor[0, channel, :height, :width])
        return Preprocessed(tensor, (height, width), original_hw)

    @cached_property
    def _normalised(self) -> NDArray[np.float32]:
        values = np.arange(256, dtype=np.float32)
        mean = np.array(self.mean_rgb, np.float32)[:, None]
        std = np.array(self.std_rgb, np.float32)[:, None]
        return (values - mean) / std

    def _padded(self, length: int) -> int:
        return -(-length // self.size_multiple) * self.size_multiple


def _checked(size_hw: object) -> SizeHW | None:
    if size_hw is None:
        return None
    try:
        height, width = map(operator.index, size_hw)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise UsageError(
            f"expected a size of two whole numbers (height, width), found {brief(size_hw)}"
        ) from None
    if not 1 <= min(height, width) <= max(height, width) <= MAX_SIDE:
        raise UsageError(
            f"expected an input size of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found {height}x{width}"
        )
    return height, width


def _text(size_hw: SizeHW | None) -> str:
    return "none" if size_hw is None else f"{size_hw[0]}x{size_hw[1]}"
