"""Coding of label images: class ids, masks of two values, or colours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, UsageError
from ..metadata import RGB

IGNORE: Final = 255
"""Customary id of pixels without a class in label images."""

_LARGEST: Final = 0xFFFF
_SHOWN: Final = 3
_BAND_ROWS: Final = 256


@dataclass(frozen=True)
class LabelCoding:
    """Meaning of the pixels of label images; by default their values are class ids.

    Attributes:
        reduce_zero_label: Value 0 means "other", which is no class, and ids begin at value 1.
            ADE20K's annotations are of this kind.
        ignore: Id of pixels that do not count. With `reduce_zero_label` it is, as in
            mmsegmentation, the id that the reduced label has: "other" is then 255, or the ignored
            id if that is larger; another id that is ignored leaves out that class, and "other"
            counts against what is found there.
        foreground: The images are masks: pixels of this value are of class 1, and those of 0 of
            class 0.
        palette_rgb: The images are pictures: a pixel is of the class that has its colour, (red,
            green, blue) in [0, 255]. Black does not count unless a class is black.

    Raises:
        UsageError: Several of these are given that exclude each other, or a value is one that no
            image has.
    """

    reduce_zero_label: bool = False
    ignore: int = IGNORE
    foreground: int | None = None
    palette_rgb: tuple[RGB, ...] | None = None

    def __post_init__(self) -> None:
        given = (self.reduce_zero_label, self.foreground is not None, self.palette_rgb is not None)
        if sum(given) > 1:
            raise UsageError(
                "expected one of --reduce-zero-label (as --ade20k has it), --foreground and "
                "--label-palette, found several"
            )
        if not -1 <= self.ignore <= _LARGEST:
            raise UsageError(f"expected an ignored id in [-1, {_LARGEST}], found {self.ignore}")
        if self.foreground is not None and not 1 <= self.foreground <= _LARGEST:
            raise UsageError(f"expected a foreground in [1, {_LARGEST}], found {self.foreground}")

    def check_classes(self, num_classes: int) -> None:
        """Make sure that this can name the classes of a model.

        Args:
            num_classes: How many there are.

        Raises:
            UsageError: It cannot.
        """
        if 0 <= self.ignore < num_classes and (
            not self.reduce_zero_label or self.ignore == self._other
        ):
            raise UsageError(
                f"expected an ignored id that is no class of the {num_classes}, "
                f"found {self.ignore}"
            )
        if self.foreground is not None and num_classes != 2:
            raise UsageError(
                f"expected a model of 2 classes for masks with a foreground, found {num_classes}"
            )
        if self.palette_rgb is not None and len(self.palette_rgb) != num_classes:
            raise UsageError(
                f"expected {num_classes} colours, one for each class, "
                f"found {len(self.palette_rgb)}"
            )

    @property
    def uncounted(self) -> str:
        """Pixel values in the files that do not count, for messages."""
        if self.palette_rgb is not None:
            return "black"
        if not self.reduce_zero_label or self.ignore < 0:
            return str(self.ignore)
        return f"0 or {self.ignore}" if self.ignore == self._other else str(self.ignore + 1)

    @property
    def _other(self) -> int:
        """Id of pixels whose label was 0, where that is reduced."""
        return max(self.ignore, IGNORE)

    def _in_file(self, class_id: Any) -> str:
        if self.reduce_zero_label and class_id == self._other:
            return f"0 or {class_id}"
        return str(class_id + self.reduce_zero_label)

    def beyond(self, ids: NDArray[np.int32], num_classes: int) -> str | None:
        """Say which class ids a model does not have, as the files call them.

        Args:
            ids: Class ids of an image.
            num_classes: How many classes the model has.

        Returns:
            What was expected and found; None where the model has all of them.
        """
        strange = ids[(ids != self.ignore) & ((ids < 0) | (ids >= num_classes))]
        if not strange.size:
            return None
        first = int(self.reduce_zero_label)
        values = np.unique(ids[ids != self.ignore]) + first
        hint = ""
        if not self.reduce_zero_label and (strange == num_classes).all():
            hint = "; is 0 'other', as in ADE20K's files? --reduce-zero-label"
        elif num_classes == 2 and values.size <= 2 and values[:-1].sum() == 0:
            hint = f"; are these masks? ppms-eval takes them with --foreground {values[-1]}"
        return (
            f"expected class ids from {first} to {num_classes - 1 + first}, or {self.uncounted} "
            f"for what does not count, found {counted(strange, self._in_file)}{hint}"
        )

    def ids_of_values(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Turn the values of a gray or palette image into class ids.

        Args:
            values: (height, width).

        Returns:
            (height, width) class ids, and ``ignore``.

        Raises:
            ImageError: A mask has another value than the foreground, 0, and the ignored one.
        """
        if self.reduce_zero_label:
            other = (values == 0) | (values == self._other)
            return np.where(other, np.int32(self._other), values - 1)
        if self.foreground is None:
            return values
        front = values == self.foreground
        expected = front | (values == 0) | (values == self.ignore)
        if not expected.all():
            raise ImageError(
                f"expected a mask of 0 and {self.foreground}, found {counted(values[~expected])}"
            )
        return np.where(front, np.int32(1), values)

    def ids_of_colours(self, rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Turn a picture in the colours of a palette into class ids.

        Args:
            rgb: (height, width, 3).

        Returns:
            (height, width) class ids, and ``ignore``.

        Raises:
            ImageError: A colour is that of no class, or of several.
        """
        known, places = np.unique(_packed(np.array(self.palette_rgb)), return_index=True)
        ids = np.empty(rgb.shape[:2], np.int32)
        strange: list[NDArray[np.int32]] = []
        for top in range(0, len(rgb), _BAND_ROWS):
            colours = _packed(rgb[top : top + _BAND_ROWS])
            nearest = np.searchsorted(known, colours).clip(max=len(known) - 1)
            found = known[nearest] == colours
            band = np.where(found, places[nearest], self.ignore)
            ids[top : top + _BAND_ROWS] = band
            strange.append(colours[~found & (colours != 0)])
        self._check_colours(ids, np.concatenate(strange))
        return ids

    def _check_colours(self, ids: NDArray[np.int32], strange: NDArray[np.int32]) -> None:
        if strange.size:
            raise ImageError(
                f"expected the colours of the classes, and black for what has none, found "
                f"{counted(strange, _colour)}"
            )
        palette = list(self.palette_rgb or ())
        for class_id in np.unique(ids[ids != self.ignore]):
            if palette.count(palette[class_id]) > 1:
                both = [each for each, rgb in enumerate(palette) if rgb == palette[class_id]]
                raise ImageError(
                    f"expected colours that tell the classes apart, found "
                    f"{_colour(_packed(np.array(palette[class_id])))}, which the classes "
                    f"{both[0]} and {both[1]} share"
                )


def counted(values: NDArray[Any], shown: Callable[[Any], str] = str) -> str:
    """Say which values there are and how many pixels each has: ``"3 (20 pixels), 7 (1 pixel)"``.

    Args:
        values: At least one, of any integer type and shape.
        shown: Writes one of them.
    """
    found, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    texts = [f"{shown(found[each])} ({_pixels(counts[each])})" for each in order[:_SHOWN]]
    rest = order[_SHOWN:]
    if rest.size:
        texts.append(f"and {rest.size} more ({_pixels(counts[rest].sum())})")
    return ", ".join(texts)


def _pixels(count: int) -> str:
    return f"{count} pixel" if count == 1 else f"{count} pixels"


def _packed(rgb: NDArray[Any]) -> NDArray[np.int32]:
    """Colours, last axis red, green, blue, as one number each."""
    wide = rgb.astype(np.int32)
    packed: NDArray[np.int32] = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed


def _colour(packed: Any) -> str:
    return f"({packed >> 16}, {packed >> 8 & 255}, {packed & 255})"
