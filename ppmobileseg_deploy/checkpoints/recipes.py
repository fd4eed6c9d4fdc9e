"""How images are prepared for a network: numbers that belong to its weights.

A network sees what it was trained on only if images are scaled and normalised as they were then.
Weights alone do not tell; configurations of training do, and so do these names of known ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar

from ..metadata import RGB, ModelMetadata, ResizeRule

ChannelOrder = Literal["bgr", "rgb"]
Three = tuple[float, float, float]

MAX_NAME: Final = 200
"""Longest name of a class, in characters."""

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Resizing:
    """To which size images are brought. With none of these they stay as large as they are.

    Attributes:
        short_side: The ratio is kept, with the short side at most this ...
        long_side: ... and the long side at most this (pixels).
        stretched_hw: Height and width to which every image is stretched.
    """

    short_side: int | None = None
    long_side: int | None = None
    stretched_hw: tuple[int, int] | None = None


@dataclass(frozen=True)
class Unclear:
    """Stands for what somebody says in a way that is not understood, or cannot be done here.

    Attributes:
        reason: Why, in words that follow the name of a file.
    """

    reason: str


Said: TypeAlias = _Value | Unclear | None
"""A value, what is said of it otherwise, or None where nothing is said."""


@dataclass(frozen=True)
class Recipe:
    """What is said about a network besides its weights; None where nothing is.

    Attributes:
        mean: Subtracted from pixel values in [0, 255], in the order of the network's channels.
        std: What the difference is divided by, likewise.
        channel_order: Order of the network's channels.
        resizing: To which size images are brought.
        size_multiple: Height and width are filled up to a multiple of this.
        resize_rule: Whose arithmetic resizes, see `ModelMetadata.resize_rule`.
        class_names: Name of each class id.
        palette_rgb: Colour of each class id, (red, green, blue) in [0, 255].
        data_set: A data set whose names are known, see `class_names.BUILT_IN`.
        num_classes: Number of classes of the network.
        notes: What is worth knowing, a sentence each.
    """

    mean: Said[Three] = None
    std: Said[Three] = None
    channel_order: Said[ChannelOrder] = None
    resizing: Said[Resizing] = None
    size_multiple: Said[int] = None
    resize_rule: ResizeRule | None = None
    class_names: Said[tuple[str, ...]] = None
    palette_rgb: Said[tuple[RGB, ...]] = None
    data_set: str | None = None
    num_classes: int | None = None
    notes: tuple[str, ...] = ()


_DEFAULTS: Final = ModelMetadata()

RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        # mmsegmentation: configs/_base_/datasets/ade20k.py and projects/pp_mobileseg.
        "ade20k": Recipe(
            mean=_DEFAULTS.mean_rgb,
            std=_DEFAULTS.std_rgb,
            channel_order="rgb",
            resizing=Resizing(512, 2048),
            size_multiple=32,
            resize_rule="mmseg",
            data_set="ade20k",
        ),
        # PaddleSeg: configs/pp_mobileseg/pp_mobileseg_base_ade20k_512x512_80k.yml.
        "ade20k-paddleseg": Recipe(
            mean=(123.675, 116.28, 103.53),
            std=(58.395, 57.12, 57.375),
            channel_order="rgb",
            resizing=Resizing(512, 2048),
            size_multiple=32,
            resize_rule="paddleseg",
            data_set="ade20k",
        ),
        # mmsegmentation: configs/_base_/datasets/cityscapes.py.
        "cityscapes": Recipe(
            mean=_DEFAULTS.mean_rgb,
            std=_DEFAULTS.std_rgb,
            channel_order="rgb",
            resizing=Resizing(1024, 2048),
            size_multiple=32,
            resize_rule="mmseg",
            data_set="cityscapes",
        ),
        # PaddleSeg: configs/_base_/cityscapes.yml, whose Normalize has its own defaults.
        "cityscapes-paddleseg": Recipe(
            mean=(127.5, 127.5, 127.5),
            std=(127.5, 127.5, 127.5),
            channel_order="rgb",
            resizing=Resizing(),
            size_multiple=1,
            resize_rule="paddleseg",
            data_set="cityscapes",
        ),
    }
)
"""Known sets by data set and, where it is not mmsegmentation, framework."""
