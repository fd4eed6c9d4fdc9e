"""What an exported ONNX file says about itself.

The exporter writes a `ModelMetadata` into the file's ``metadata_props``; the runtime reads it
back and needs nothing else: names, colours, normalisation and resize rule travel with the
weights. Every value is text; lists are JSON, so any ONNX tool can show them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from numbers import Real
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from . import ade20k
from .errors import UsageError
from .quoting import brief

RGB = tuple[int, int, int]

ResizeRule = Literal["mmseg", "paddleseg"]
"""Whose arithmetic resizes images, see `ModelMetadata.resize_rule`."""

Upsampling = Literal["padded", "half_pixel", "align_corners", "asymmetric"]
"""How a network's logits are enlarged, see `ModelMetadata.upsampling`."""

COARSE_LOGITS: Final = "coarse_logits"
"""Output of a file that gives its logits before upsampling and nothing else."""

CHANNEL_ORDERS: Final = ("rgb", "bgr", "rgba", "bgra")
"""Orders of an input's channels; the last two are of bytes only, and the fourth byte is unused."""

MAX_MULTIPLE: Final = 1024
"""Largest multiple that sides are padded to: a file is a stranger's, and padding costs memory."""

MAX_SIDE: Final = 8192
"""Longest side of a network's input, in pixels. A square of it takes 800 MB."""

MAX_CLASSES: Final = 65536
"""Labels are stored in at most 16 bits."""

NETWORK_MULTIPLE: Final = 32
"""Files pad what they get to a multiple of this, where all scales of the network fit together."""

DEFAULT_THRESHOLD: Final = 0.3
"""Probability from which on the class of a one-class head is seen, as in mmsegmentation."""

_MAX_TEXT: Final = 1 << 24  # characters of an entry: 65536 names of 250 each
_PREFIX: Final = "ppms."
_MAX_STRIDE: Final = 256
_STRETCHED: Final = "stretched"  # what a multiple is called to which nothing is padded
_LEFT_OUT: Final = frozenset({"threshold", "stretched_hw", "upsampling"})
"""Entries that are left out where they say what a file without them means."""

# Bounds of the normalisation, which divides pixel values in [0, 255] as float32.
MAX_NUMBER: Final = 1e6
MIN_STD: Final = 1e-6


@dataclass(frozen=True)
class ModelMetadata:
    """The interface between an exported file and whoever runs it.

    The defaults describe the official ADE20K models, and are what a file without metadata is
    taken for.

    Attributes:
        variant: Network configuration: ``"tiny"``, ``"base"`` or ``"unknown"``.
        class_names: Name of each class id.
        palette_rgb: Colour of each class id, (red, green, blue) in [0, 255].
        output: ``"labels"`` (class ids, (batch, 1, height, width)), ``"logits"`` (float32,
            (batch, classes, height, width)) or ``"coarse_logits"`` (float32, (batch, classes,
            height / stride, width / stride)).
        vim: How the labels are upsampled: ``"cell"``, ``"image"`` or ``"off"``.
        stride: Input pixels per cell of the low-resolution logits.
        mean_rgb: Subtracted from the pixel values in [0, 255].
        std_rgb: What the difference is divided by.
        channel_order: Order of the input's channels: ``"rgb"`` or ``"bgr"``, of bytes also
            ``"rgba"`` or ``"bgra"``, whose fourth byte is not used. Means, standard deviations
            and colours are in the order red, green, blue in any case.
        short_side: Resize rule: the image is scaled, keeping its ratio, so that its short side
            is at most this ...
        long_side: ... and its long side at most this (pixels). Both are None where images are
            not scaled, or are by `stretched_hw`.
        size_multiple: Height and width are padded to a multiple of this, with zeros after
            normalising; inside the file where it takes bytes. By PaddleSeg's rule images are
            stretched to it. What is then no multiple of `NETWORK_MULTIPLE` the file pads itself.
        checkpoint: File name of the checkpoint, without its folder.
        checkpoint_sha256: SHA-256 of the checkpoint file, in hexadecimal.
        tool_version: Version of this package that made the file.
        precision: How the weights are stored, and whether the network computes with integers:
            ``"fp32"``, ``"fp16"`` or ``"int8"``.
        threshold: Of a head that has one class only: a pixel is of class 1 where its probability
            is above this, in (0, 1), and else of class 0. Logits then hold
            ``log(threshold / (1 - threshold))`` as class 0, so that the larger one is the
            pixel's class. None where classes compete, which leaves the entry out.
        resize_rule: ``"mmseg"``: sides are rounded half up, pixels are resized as bytes, and the
            image is padded. ``"paddleseg"``: sides are rounded half to even and then up to the
            multiple, to which the image is stretched, and pixels are resized as floats.
        stretched_hw: Every image is resized to this height and width, whatever its ratio. None
            leaves the entry out.
        upsampling: How `logits` beside labels are enlarged. ``"padded"``: they are of the image
            padded to multiples of `NETWORK_MULTIPLE`, one for each `stride` pixels, with pixel
            centres aligned; the entry is then left out. Otherwise they are of the image as it
            was given, of a side's pixels divided by the stride and rounded up, and are enlarged
            to its size by ONNX's rule of that name.

    Examples:
        >>> metadata = OrtSegmenter("end2end.onnx").metadata
        >>> metadata.num_classes, metadata.short_side
        (3, 512)
        >>> list(zip(metadata.class_names, metadata.palette_rgb))[0]
        ('red', (200, 10, 20))
    """

    variant: str = "unknown"
    class_names: tuple[str, ...] = ade20k.NAMES
    palette_rgb: tuple[RGB, ...] = ade20k.PALETTE_RGB
    output: str = "labels"
    vim: str = "off"
    stride: int = 0
    mean_rgb: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std_rgb: tuple[float, float, float] = (58.395, 57.12, 57.375)
    channel_order: str = "rgb"
    short_side: int | None = 512
    long_side: int | None = 2048
    size_multiple: int = 32
    checkpoint: str = ""
    checkpoint_sha256: str = ""
    tool_version: str = ""
    precision: str = "fp32"
    threshold: float | None = None
    resize_rule: ResizeRule = "mmseg"
    stretched_hw: tuple[int, int] | None = None
    upsampling: Upsampling = "padded"

    @property
    def num_classes(self) -> int:
        """Number of classes the model tells apart."""
        return len(self.class_names)

    def to_props(self) -> dict[str, str]:
        """Return the metadata as ONNX ``metadata_props``, in a fixed order.

        Images that are not scaled by two limits, multiples that are not padded to, and logits
        that are enlarged otherwise, are written so that readers which know none of these refuse
        the file.

        Examples:
            >>> ModelMetadata(variant="tiny").to_props()["ppms.mean_rgb"]
            '[123.675, 116.28, 103.53]'
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.resize_rule != "mmseg":
            values["size_multiple"] = {_STRETCHED: self.size_multiple}
        if self.upsampling != "padded":
            values["stride"] = {self.upsampling: self.stride}
        return {
            _PREFIX + name: _to_text(value)
            for name, value in values.items()
            if name not in _LEFT_OUT or value not in (None, "padded")
        }

    @classmethod
    def from_props(cls, props: Mapping[str, str]) -> "ModelMetadata | None":
        """Read metadata back.

        Args:
            props: The ``metadata_props`` of any ONNX file.

        Returns:
            The metadata, or None when the file carries none of ours.

        Raises:
            ValueError: An entry of ours is there and cannot be understood.

        Examples:
            >>> session = onnxruntime.InferenceSession("end2end.onnx")
            >>> props = session.get_modelmeta().custom_metadata_map
            >>> ModelMetadata.from_props(props).class_names
            ('red', 'green', 'blue')
        """
        if _PREFIX + "class_names" not in props:
            return None
        values: dict[str, Any] = {}
        for field in fields(cls):
            text = props.get(_PREFIX + field.name)
            if text is not None:
                values[field.name] = _from_text(text, field.name)
        return replace(cls(), **values).checked()

    def checked(self) -> "ModelMetadata":
        """Return the same, if there can be a model that it describes.

        Raises:
            ValueError: There cannot.

        Example:
            >>> ModelMetadata(variant="tiny").checked().num_classes
            150
        """
        if not self.class_names or len(self.class_names) != len(self.palette_rgb):
            raise ValueError(
                f"expected one colour for each of at least one class, found "
                f"{len(self.class_names)} names and {len(self.palette_rgb)} colours"
            )
        if len(self.class_names) > MAX_CLASSES:
            raise ValueError(
                f"expected at most {MAX_CLASSES} classes, found {len(self.class_names)}"
            )
        if any(len(rgb) != 3 or not all(0 <= c <= 255 for c in rgb) for rgb in self.palette_rgb):
            raise ValueError("expected palette colours of three numbers in [0, 255]")
        # Not "std < MIN_STD" and the like: whatever is compared with NaN is false.
        if len(self.mean_rgb) != 3 or not all(abs(m) <= MAX_NUMBER for m in self.mean_rgb):
            raise ValueError(f"expected three finite means, found {brief(self.mean_rgb)}")
        if len(self.std_rgb) != 3 or not all(MIN_STD <= s <= MAX_NUMBER for s in self.std_rgb):
            raise ValueError(
                f"expected three finite standard deviations above zero, found "
                f"{brief(self.std_rgb)}"
            )
        self._check_resizing()
        if not 0 <= self.stride <= _MAX_STRIDE:
            raise ValueError(
                f"expected a stride of 0 to {_MAX_STRIDE}, found {brief(self.stride)}"
            )
        if self.upsampling not in get_args(Upsampling):
            raise ValueError(
                f"expected upsampling of {', '.join(get_args(Upsampling))}, found "
                f"{brief(self.upsampling)}"
            )
        if self.output not in ("labels", "logits", COARSE_LOGITS):
            raise ValueError(
                f"expected output labels, logits or {COARSE_LOGITS}, found {brief(self.output)}"
            )
        if self.threshold is not None and not (0 < self.threshold < 1 and self.num_classes == 2):
            raise ValueError(
                f"expected a threshold between 0 and 1, of 2 classes, found "
                f"{self.threshold} of {self.num_classes}"
            )
        return self

    def _check_resizing(self) -> None:
        if self.resize_rule not in get_args(ResizeRule):
            raise ValueError(
                f"expected a resize rule of {' or '.join(get_args(ResizeRule))}, found "
                f"{brief(self.resize_rule)}"
            )
        limits = [side for side in (self.short_side, self.long_side) if side is not None]
        if len(limits) == 1 or (limits and self.stretched_hw is not None):
            raise ValueError(
                f"expected limits of both sides, or of none, or a size to stretch to, found "
                f"{brief((self.short_side, self.long_side, self.stretched_hw))}"
            )
        if self.stretched_hw is not None and len(self.stretched_hw) != 2:
            raise ValueError(f"expected a height and a width, found {brief(self.stretched_hw)}")
        sides = *limits, *(self.stretched_hw or ()), self.size_multiple
        if not 1 <= min(sides) <= max(sides) <= MAX_SIDE:
            raise ValueError(
                f"expected a resize rule of 1 to {MAX_SIDE} pixels, found {brief(sides)}"
            )
        if self.size_multiple > MAX_MULTIPLE:
            raise ValueError(
                f"expected sides padded to multiples of at most {MAX_MULTIPLE}, found "
                f"{self.size_multiple}"
            )
        longest = self.long_side or max(self.stretched_hw or (1,))
        if -(-longest // self.size_multiple) * self.size_multiple > MAX_SIDE:
            raise ValueError(
                f"expected a resize rule of 1 to {MAX_SIDE} pixels, found up to {longest} "
                f"rounded up to a multiple of {self.size_multiple}"
            )


def checked_threshold(threshold: object) -> float:
    """Check a threshold that somebody gave.

    Args:
        threshold: A number in (0, 1), as `ModelMetadata.threshold` has it.

    Raises:
        UsageError: It is none.
    """
    is_number = isinstance(threshold, Real) and not isinstance(threshold, bool)
    # Negated, so that a NaN is refused.
    if not is_number or not 0 < float(threshold) < 1:  # type: ignore[arg-type]
        raise UsageError(f"expected a threshold between 0 and 1, found {brief(threshold)}")
    return float(threshold)  # type: ignore[arg-type]


def _to_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _from_text(text: str, name: str) -> object:
    read = _READERS.get(name)
    if read is None:
        return text
    try:
        if len(text) > _MAX_TEXT:
            raise ValueError(f"it has {len(text)} characters, more than {_MAX_TEXT}")
        return read(json.loads(text))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"metadata entry {_PREFIX}{name} is malformed: {error}") from None


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"expected a list of texts, found {brief(value)}")
    return tuple(value)


def _palette(value: object) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, list) or not all(isinstance(rgb, list) for rgb in value):
        raise TypeError(f"expected a list of [red, green, blue], found {brief(value)}")
    return tuple(tuple(map(_whole, rgb)) for rgb in value)


def _numbers(value: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list of numbers, found {brief(value)}")
    return tuple(map(_number, value))


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"expected a number, found {brief(value)}")
    return float(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected a whole number, found {brief(value)}")
    return value


def _whole_or_none(value: object) -> int | None:
    return None if value is None else _whole(value)


def _multiple(value: object) -> int:
    # By PaddleSeg's rule it is {"stretched": 32}.
    return _whole(value.get(_STRETCHED) if isinstance(value, dict) else value)


def _stride(value: object) -> int:
    # Of logits that are enlarged by another rule it is {"align_corners": 8}.
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return _whole(value)


def _size_hw(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list of a height and a width, found {brief(value)}")
    return tuple(map(_whole, value))


_READERS: Final[Mapping[str, Callable[[object], object]]] = MappingProxyType(
    {
        "class_names": _names,
        "palette_rgb": _palette,
        "mean_rgb": _numbers,
        "std_rgb": _numbers,
        "stride": _stride,
        "short_side": _whole_or_none,
        "long_side": _whole_or_none,
        "size_multiple": _multiple,
        "threshold": _number,
        "stretched_hw": _size_hw,
    }
)
"""How the entries that are no plain text are read from their JSON."""
