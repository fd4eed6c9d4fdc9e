"""The two published configurations, row by row.

Numbers from Table 1 of arXiv 2304.05152 and the configuration files of both public
implementations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Activation = Literal["relu", "hardswish"]


@dataclass(frozen=True, kw_only=True)
class BottleneckConfig:
    """One inverted residual of MobileNetV3.

    Attributes:
        kernel: Side of the depthwise kernel.
        expanded: Channels between the two pointwise convolutions.
        out: Output channels.
        squeeze: Whether a squeeze-and-excitation gate follows the depthwise convolution.
        activation: Activation after the first two convolutions.
        stride: Stride of the depthwise convolution.
    """

    kernel: int
    expanded: int
    out: int
    squeeze: bool = True
    activation: Activation = "hardswish"
    stride: int = 1


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """One stage of SEA attention; its width is that of the stage before it.

    Attributes:
        depth: Number of blocks.
        key_dim: Channels of a head's queries and keys.
        num_heads: Number of heads.
        mlp_ratio: Hidden channels of the MLP, as a multiple of the stage's width.
    """

    depth: int
    key_dim: int
    num_heads: int
    mlp_ratio: int


@dataclass(frozen=True)
class PPMobileSegConfig:
    """A PP-MobileSeg network.

    Attributes:
        name: Name of the variant.
        stem: Channels after the first convolution.
        stages: Four stages of bottlenecks.
        transformers: Attention after the third and the fourth stage.
        fusion: Which aggregated attention module joins the scales: ``"aam_x16"`` works at 1/16
            of the input, ``"aam_x8"`` at 1/8.
        embedding: Channels of the fused map.
        stride: Input pixels per cell of the logits.
    """

    name: str
    stem: int
    stages: tuple[tuple[BottleneckConfig, ...], ...]
    transformers: tuple[TransformerConfig, ...]
    fusion: Literal["aam_x16", "aam_x8"]
    embedding: int
    stride: int


TINY: Final = PPMobileSegConfig(
    name="tiny",
    stem=16,
    stages=(
        (
            BottleneckConfig(kernel=3, expanded=16, out=16, activation="relu"),
            BottleneckConfig(
                kernel=3, expanded=64, out=32, squeeze=False, activation="relu", stride=2
            ),
            BottleneckConfig(kernel=3, expanded=48, out=24, squeeze=False, activation="relu"),
        ),
        (
            BottleneckConfig(kernel=5, expanded=96, out=32, stride=2),
            BottleneckConfig(kernel=5, expanded=96, out=32),
        ),
        (
            BottleneckConfig(kernel=5, expanded=160, out=64, stride=2),
            BottleneckConfig(kernel=5, expanded=160, out=64),
        ),
        (
            BottleneckConfig(kernel=3, expanded=384, out=128, stride=2),
            BottleneckConfig(kernel=3, expanded=384, out=128),
        ),
    ),
    transformers=(
        TransformerConfig(depth=2, key_dim=16, num_heads=4, mlp_ratio=2),
        TransformerConfig(depth=2, key_dim=24, num_heads=4, mlp_ratio=4),
    ),
    fusion="aam_x16",
    embedding=256,
    stride=16,
)

BASE: Final = PPMobileSegConfig(
    name="base",
    stem=16,
    stages=(
        (
            BottleneckConfig(kernel=3, expanded=16, out=16, activation="relu"),
            BottleneckConfig(
                kernel=3, expanded=64, out=32, squeeze=False, activation="relu", stride=2
            ),
            BottleneckConfig(kernel=3, expanded=96, out=32, squeeze=False, activation="relu"),
        ),
        (
            BottleneckConfig(kernel=5, expanded=128, out=64, stride=2),
            BottleneckConfig(kernel=5, expanded=240, out=64),
        ),
        (
            BottleneckConfig(kernel=5, expanded=384, out=128, stride=2),
            BottleneckConfig(kernel=5, expanded=384, out=128),
        ),
        (
            BottleneckConfig(kernel=5, expanded=768, out=192, stride=2),
            BottleneckConfig(kernel=5, expanded=768, out=192),
        ),
    ),
    transformers=(
        TransformerConfig(depth=3, key_dim=16, num_heads=8, mlp_ratio=2),
        TransformerConfig(depth=3, key_dim=24, num_heads=8, mlp_ratio=4),
    ),
    fusion="aam_x8",
    embedding=256,
    stride=8,
)

CONFIGS: Final[Mapping[str, PPMobileSegConfig]] = MappingProxyType(
    {config.name: config for config in (TINY, BASE)}
)
"""Every published variant by name."""
