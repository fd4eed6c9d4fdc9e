"""Preprocessing: scale, normalise and pad an image, as mmsegmentation or PaddleSeg does it."""

import operator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError, UsageError
from ...metadata import MAX_SIDE, ModelMetadata, ResizeRule
from ...quoting import brief
from ...types import SizeHW

_BYTE_VALUES: Final = 256
_WHITE: Final = 255
_FROM_BGR: Final = {
    "rgb": cv2.COLOR_BGR2RGB,
    "rgba": cv2.COLOR_BGR2RGBA,
    "bgra": cv2.COLOR_BGR2BGRA,
}


@dataclass(frozen=True)
class NormalisedPlanes:
    """Normalised network input: (1, 3, height, width) float32; padding is zero.

    Attributes:
        mean_rgb: Subtracted from the pixel values in [0, 255].
        std_rgb: What the difference is divided by.
        order: Of the channels, ``"bgr"`` or ``"rgb"``.
        rule: Whose arithmetic, see `ModelMetadata.resize_rule`: tensors are those of
            mmsegmentation or of PaddleSeg to the last bit.
    """

    mean_rgb: tuple[float, float, float]
    std_rgb: tuple[float, float, float]
    order: str = "rgb"
    rule: ResizeRule = "mmseg"

    needs_padding: ClassVar[bool] = True
    """Whether images are padded to a multiple here, and not by the file."""

    def __call__(
        self, image_bgr: NDArray[np.uint8], resized_hw: SizeHW, padded_hw: SizeHW
    ) -> NDArray[np.float32]:
        """Scale and normalise an image.

        Args:
            image_bgr: (height, width, 3) uint8, BGR.
            resized_hw: Size to scale to.
            padded_hw: Size to pad to, right and below.

        Returns:
            A tensor of its own.
        """
        height, width = resized_hw
        tensor = np.zeros((1, 3, *padded_hw), np.float32)
        planes = tensor[0, :: 1 if self.order == "rgb" else -1, :height, :width]
        if self.rule == "paddleseg" and resized_hw != image_bgr.shape[:2]:
            # Red first before it is scaled: OpenCV's last bit depends on the order.
            pixels: Any = image_bgr.astype(np.float32)
            cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)
            scaled = cv2.split(_resized(pixels, resized_hw))
            for plane, found, mean, std in zip(
                planes, scaled, self.mean_rgb, self.std_rgb, strict=True
            ):
                plane[:] = _by_paddleseg(found, mean, std)
            return tensor
        # A pixel has 256 values, so normalising is a look-up: 0.9 ms for 1080p, where arithmetic
        # takes 1.3 ms channel by channel and 5.7 ms on the whole array.
        scaled = cv2.split(_resized(image_bgr, resized_hw))[::-1]
        for plane, found, table in zip(planes, scaled, self._normalised_rgb, strict=True):
            cv2.LUT(found, table, dst=plane)
        return tensor

    @cached_property
    def _normalised_rgb(self) -> list[NDArray[np.float32]]:
        by = _by_paddleseg if self.rule == "paddleseg" else _by_mmsegmentation
        values = np.arange(_BYTE_VALUES, dtype=np.float32)
        return [by(values, *numbers) for numbers in zip(self.mean_rgb, self.std_rgb, strict=True)]


@dataclass(frozen=True)
class PixelBytes:
    """Network input of bytes: (1, height, width, 3 or 4) uint8, of files that normalise inside.

    These files pad, too, with exact zeros after normalising, so images are not padded here unless
    the input has a fixed size. That padding is the mean, rounded to a byte: not exactly zero once
    it is normalised, but up to 0.01, which can change labels that are nearly a tie at the right
    and lower edge.

    Attributes:
        order: Of the channels: ``"bgr"``, ``"rgb"``, ``"bgra"`` or ``"rgba"``. The fourth byte
            is 255.
        mean_rgb: What the file subtracts.
    """

    order: str
    mean_rgb: tuple[float, float, float]

    needs_padding: ClassVar[bool] = False
    """Whether images are padded to a multiple here, and not by the file."""

    def __call__(
        self, image_bgr: NDArray[np.uint8], resized_hw: SizeHW, padded_hw: SizeHW
    ) -> NDArray[np.uint8]:
        """Scale, order the channels, and pad where that is asked for.

        Args:
            image_bgr: (height, width, 3) uint8, BGR.
            resized_hw: Size to scale to.
            padded_hw: Size to pad to, right and below.

        Returns:
            A tensor of its own.
        """
        height, width = resized_hw
        pixels = _resized(image_bgr, resized_hw)
        conversion = _FROM_BGR.get(self.order)
        if conversion is not None:
            pixels = cv2.cvtColor(pixels, conversion)
        if padded_hw != (height, width):
            below, right = padded_hw[0] - height, padded_hw[1] - width
            pixels = cv2.copyMakeBorder(
                pixels, 0, below, 0, right, cv2.BORDER_CONSTANT, value=self._padding
            )
        tensor: NDArray[np.uint8] = np.asarray(pixels)[None]
        return tensor

    @cached_property
    def _padding(self) -> tuple[float, ...]:
        means = self.mean_rgb if self.order.startswith("rgb") else self.mean_rgb[::-1]
        colors = (float(min(max(round(mean), 0), _BYTE_VALUES - 1)) for mean in means)
        return (*colors, float(_WHITE))[: len(self.order)]


ToTensor: TypeAlias = NormalisedPlanes | PixelBytes
"""Conversion of an image to the network's input."""


@dataclass(frozen=True)
class Preprocessed:
    """One image, ready for the network.

    Attributes:
        tensor: (1, 3, height, width) float32, normalised; zeros right and below the image.
            Or (1, height, width, 3) uint8, for files that take bytes.
        resized_hw: Part of the tensor that shows the image.
        original_hw: Size the image came with.
        padded_hw: Size of the tensor: of the network's input.
    """

    tensor: NDArray[Any]
    resized_hw: SizeHW
    original_hw: SizeHW
    padded_hw: SizeHW


@dataclass(frozen=True)
class Preprocessing:
    """Scale, normalise, pad right and bottom; the file may do the last two.

    The scale keeps the ratio: it is the largest at which the short side is at most ``short_side``
    and the long side at most ``long_side``; with ``fit_hw``, the largest at which the image fits
    inside. With none of them the image stays as large as it is.

    Attributes:
        to_tensor: Scales the image and converts it to the network's input.
        short_side: Limit of the short side, pixels; None for none.
        long_side: Limit of the long side, pixels; None for none.
        size_multiple: Height and width are padded to a multiple of this, here or in the file. By
            PaddleSeg's rule the image is stretched to it.
        fit_hw: Used in place of the two limits.
        padded_hw: Pad to exactly this, not to a multiple.
        rule: How sides are rounded and pixels resized, see `ModelMetadata.resize_rule`.
        stretches: Scale to exactly ``fit_hw``, whatever the image's ratio.
    """

    to_tensor: ToTensor
    short_side: int | None
    long_side: int | None
    size_multiple: int
    fit_hw: SizeHW | None = None
    padded_hw: SizeHW | None = None
    rule: ResizeRule = "mmseg"
    stretches: bool = False

    @classmethod
    def from_metadata(
        cls,
        metadata: ModelMetadata,
        *,
        input_size_hw: SizeHW | None = None,
        fixed_size_hw: SizeHW | None = None,
        static_size_hw: SizeHW | None = None,
        takes_bytes: bool = False,
    ) -> "Preprocessing":
        """Read the rule from a model's metadata.

        Args:
            metadata: The model's.
            input_size_hw: Scale images to fit inside this size, not by the file's resize rule.
            fixed_size_hw: Scale likewise, and pad to exactly this size.
            static_size_hw: Input size of a file that knows one size only, None for dynamic ones.
            takes_bytes: Whether the file takes bytes, which it normalises and pads itself.

        Raises:
            UsageError: A size is no pair of whole numbers in [1, `MAX_SIDE`], also once it is
                rounded up to the file's multiple; not what a static file requires, or given
                twice; or the fixed one is not a multiple of what the file asks for.
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
        if static_size_hw is None and input_size_hw:
            most = MAX_SIDE // multiple * multiple
            if max(input_size_hw) > most:
                raise UsageError(
                    f"expected an input size of at most {most}x{most}, the largest multiple of "
                    f"{multiple} up to {MAX_SIDE}, found {_text(input_size_hw)}"
                )
        to_tensor: ToTensor = (
            PixelBytes(metadata.channel_order, metadata.mean_rgb)
            if takes_bytes
            else NormalisedPlanes(
                metadata.mean_rgb, metadata.std_rgb, metadata.channel_order, metadata.resize_rule
            )
        )
        return cls(
            to_tensor=to_tensor,
            short_side=metadata.short_side,
            long_side=metadata.long_side,
            size_multiple=metadata.size_multiple,
            fit_hw=static_size_hw or chosen_hw or metadata.stretched_hw,
            padded_hw=static_size_hw or fixed_size_hw,
            rule=metadata.resize_rule,
            stretches=metadata.stretched_hw is not None,
        )

    def at_own_scale(self, size_hw: SizeHW) -> "Preprocessing":
        """Return the same for images of one size: padded, and neither scaled nor stretched.

        Args:
            size_hw: Their height and width.
        """
        return replace(self, fit_hw=size_hw, rule="mmseg")

    def network_hw(self, image_hw: SizeHW) -> tuple[SizeHW, SizeHW]:
        """Return the size an image is scaled to, and the size it is padded to.

        Args:
            image_hw: Height and width of the image, each at least 1.

        Raises:
            ImageError: Images are not scaled, and this one is too large for a network's input.
        """
        resized_hw = self._resized_hw(image_hw)
        if self.padded_hw is not None:
            return resized_hw, self.padded_hw
        multiple_hw = in_multiples(resized_hw, self.size_multiple)
        if max(multiple_hw) > MAX_SIDE:  # only where nothing limits it
            raise ImageError(
                f"expected an image of at most {MAX_SIDE}x{MAX_SIDE} for a model that sees images "
                f"as large as they are, found {_text(image_hw)}",
                parameter="input_size_hw",
            )
        if self.rule == "paddleseg":
            return multiple_hw, multiple_hw
        return resized_hw, multiple_hw if self.to_tensor.needs_padding else resized_hw

    def _resized_hw(self, image_hw: SizeHW) -> SizeHW:
        height, width = image_hw
        if self.fit_hw is not None:
            if self.stretches:
                return self.fit_hw
            scale = min(self.fit_hw[0] / height, self.fit_hw[1] / width)
        elif self.short_side is None or self.long_side is None:
            return image_hw
        else:
            scale = min(self.long_side / max(image_hw), self.short_side / min(image_hw))
        if self.rule == "paddleseg":
            return max(1, round(height * scale)), max(1, round(width * scale))
        return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))

    def __call__(self, image_bgr: NDArray[np.uint8]) -> Preprocessed:
        """Prepare one image.

        Args:
            image_bgr: (height, width, 3) uint8, BGR.

        Returns:
            A tensor of its own, and the sizes that lead back from it.

        Raises:
            ImageError: As `network_hw`.
        """
        original_hw = image_bgr.shape[0], image_bgr.shape[1]
        resized_hw, padded_hw = self.network_hw(original_hw)
        return Preprocessed(
            tensor=self.to_tensor(image_bgr, resized_hw, padded_hw),
            resized_hw=resized_hw,
            original_hw=original_hw,
            padded_hw=padded_hw,
        )


def in_multiples(size_hw: SizeHW, multiple: int) -> SizeHW:
    """Round a size up to multiples.

    Args:
        size_hw: Height and width.
        multiple: At least 1.
    """
    height, width = (-(-side // multiple) * multiple for side in size_hw)
    return height, width


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


def _resized(image: NDArray[Any], size_hw: SizeHW) -> Any:
    # It copies images that have this size already: a tensor is not the caller's array.
    return cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_LINEAR)


def _by_mmsegmentation(
    values: NDArray[np.float32], mean: float, std: float
) -> NDArray[np.float32]:
    return (values - np.float32(mean)) / np.float32(std)


def _by_paddleseg(values: NDArray[np.float32], mean: float, std: float) -> NDArray[np.float32]:
    # It goes by values in [0, 1] and computes in double precision, but keeps single ones.
    values = values / np.float32(_WHITE)
    values = (values.astype(np.float64) - mean / _WHITE).astype(np.float32)
    return (values.astype(np.float64) / (std / _WHITE)).astype(np.float32)
