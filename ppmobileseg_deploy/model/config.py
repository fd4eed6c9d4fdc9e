"""The two published configurations, row by row.

Numbers from Table 1 of arXiv 2304.05152 and the configuration files of both public
implementations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Activation = Literal["relu", "hardswish"]


@dataclass(frozen=True)
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
    squeeze: bool
    activation: Activation
    stride: int


@dataclass(frozen=True)
class TransformerConfig:
    """One stage of SEA attention; its width is that of the stage before it."""

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
            BottleneckConfig(3, 16, 16, True, "relu", 1),
            BottleneckConfig(3, 64, 32, False, "relu", 2),
            BottleneckConfig(3, 48, 24, False, "relu", 1),
        ),
        (
            BottleneckConfig(5, 96, 32, True, "hardswish", 2),
            BottleneckConfig(5, 96, 32, True, "hardswish", 1),
        ),
        (
            BottleneckConfig(5, 160, 64, True, "hardswish", 2),
            BottleneckConfig(5, 160, 64, True, "hardswish", 1),
        ),
        (
            BottleneckConfig(3, 384, 128, True, "hardswish", 2),
            BottleneckConfig(3, 384, 128, True, "hardswish", 1),
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
            BottleneckConfig(3, 16, 16, True, "relu", 1),
            BottleneckConfig(3, 64, 32, False, "relu", 2),
            BottleneckConfig(3, 96, 32, False, "relu", 1),
        ),
        (
            BottleneckConfig(5, 128, 64, True, "hardswish", 2),
            BottleneckConfig(5, 240, 64, True, "hardswish", 1),
        ),
        (
            BottleneckConfig(5, 384, 128, True, "hardswish", 2),
            BottleneckConfig(5, 384, 128, True, "hardswish", 1),
        ),
        (
            BottleneckConfig(5, 768, 192, True, "hardswish", 2),
            BottleneckConfig(5, 768, 192, True, "hardswish", 1),
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
