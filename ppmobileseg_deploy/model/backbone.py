"""StrideFormer: four MobileNetV3 stages with SEA attention after the last two.

PP-MobileSeg section 3.1 (arXiv 2304.05152).
"""

from torch import Tensor, nn

from .attention import TransformerStage
from .config import Activation, BottleneckConfig, PPMobileSegConfig
from .fusion import AAMx8, AAMx16
from .layers import ConvModule, SqueezeExcitation


class Bottleneck(nn.Module):
    """Inverted residual of MobileNetV3 (Howard et al. 2019).

    Args:
        in_channels: Channels of the input.
        config: Widths, kernel, stride and activation.
    """

    def __init__(self, in_channels: int, config: BottleneckConfig) -> None:
        super().__init__()
        self.expand_conv = ConvModule(
            in_channels, config.expanded, activation=_activation(config.activation)
        )
        self.bottleneck_conv = ConvModule(
            config.expanded,
            config.expanded,
            config.kernel,
            stride=config.stride,
            groups=config.expanded,
            activation=_activation(config.activation),
        )
        self.mid_se = SqueezeExcitation(config.expanded) if config.squeeze else nn.Identity()
        self.linear_conv = ConvModule(config.expanded, config.out)
        self.residual = config.stride == 1 and in_channels == config.out

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_channels, h, w) to (batch, out, ceil(h / stride), ceil(w / stride))."""
        out = self.linear_conv(self.mid_se(self.bottleneck_conv(self.expand_conv(x))))
        return x + out if self.residual else out


class BottleneckStage(nn.Module):
    """A stack of bottlenecks."""

    def __init__(self, in_channels: int, configs: tuple[BottleneckConfig, ...]) -> None:
        super().__init__()
        widths = [in_channels, *(config.out for config in configs)]
        self.blocks = nn.Sequential(
            *(Bottleneck(width, config) for width, config in zip(widths, configs, strict=False))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Run the stack on (batch, in_channels, h, w)."""
        return self.blocks(x)


class StemStage(nn.Module):
    """The first stage: a strided convolution on the image, then bottlenecks."""

    def __init__(self, stem: int, configs: tuple[BottleneckConfig, ...]) -> None:
        super().__init__()
        self.conv = ConvModule(3, stem, 3, stride=2, activation=nn.Hardswish())
        self.blocks = BottleneckStage(stem, configs).blocks

    def forward(self, x: Tensor) -> Tensor:
        """Run stem and stack on the image (batch, 3, height, width)."""
        return self.blocks(self.conv(x))


class StrideFormer(nn.Module):
    """Backbone and fusion of PP-MobileSeg; both live under ``backbone.`` in every checkpoint.

    Args:
        config: The network's configuration.
    """

    def __init__(self, config: PPMobileSegConfig) -> None:
        super().__init__()
        widths = [stage[-1].out for stage in config.stages]
        self.smb1 = StemStage(config.stem, config.stages[0])
        self.smb2 = BottleneckStage(widths[0], config.stages[1])
        self.smb3 = BottleneckStage(widths[1], config.stages[2])
        self.smb4 = BottleneckStage(widths[2], config.stages[3])
        third, fourth = config.transformers
        self.trans1 = TransformerStage(widths[2], third)
        self.trans2 = TransformerStage(widths[3], fourth)
        fusion = AAMx16 if config.fusion == "aam_x16" else AAMx8
        self.inj_module = fusion(widths[1:], config.embedding)

    def forward(self, image: Tensor) -> Tensor:
        """Map an image to the fused feature map.

        Args:
            image: float32 (batch, 3, height, width), normalised RGB.

        Returns:
            float32 (batch, embedding, height / stride, width / stride).
        """
        x8 = self.smb2(self.smb1(image))
        x16 = self.trans1(self.smb3(x8))
        x32 = self.trans2(self.smb4(x16))
        return self.inj_module(x8, x16, x32)


def _activation(name: Activation) -> nn.Module:
    return nn.ReLU() if name == "relu" else nn.Hardswish()
