"""Building blocks that the backbone, the fusion and the head share."""

from torch import Tensor, nn
from torch.nn import functional as F


class ConvModule(nn.Module):
    """Convolution, batch norm, activation, under the names that open-mmlab checkpoints use.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Side of the square kernel; padding keeps the size at stride 1.
        stride: Stride of the convolution.
        groups: Groups of the convolution.
        bias: Whether the convolution has a bias.
        norm: Whether a batch norm follows.
        activation: What comes last; nothing by default.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        norm: bool = True,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=bias,
        )
        self.bn = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.activation = activation if activation is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_channels, h, w) to (batch, out_channels, h / stride, w / stride)."""
        return self.activation(self.bn(self.conv(x)))


class PreActivationConv(nn.Module):
    """ReLU6, 1x1 convolution, batch norm: the projections inside SEA attention."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.activation = nn.ReLU6()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_channels, h, w) to (batch, out_channels, h, w)."""
        return self.bn(self.conv(self.activation(x)))


class SqueezeExcitation(nn.Module):
    """Channel gate (Hu et al. 2018) with the hard sigmoid of slope 0.2 that Paddle uses.

    torch's `Hardsigmoid` has slope 1/6; the difference costs several points of mIoU and no
    error message, so the arithmetic is written out here.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        squeezed = channels // reduction
        self.conv_act1 = ConvModule(
            channels, squeezed, bias=True, norm=False, activation=nn.ReLU()
        )
        self.conv_act2 = ConvModule(squeezed, channels, bias=True, norm=False)

    def forward(self, x: Tensor) -> Tensor:
        """Scale each channel of (batch, channels, h, w) by a gate in [0, 1]."""
        # Pooling, not mean(): it exports to GlobalAveragePool, which ONNX Runtime computes in the
        # blocked layout of the convolutions around it.
        gate = self.conv_act2(self.conv_act1(F.adaptive_avg_pool2d(x, 1)))
        return x * (gate * 0.2 + 0.5).clamp(0.0, 1.0)


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): in training, drop the branch of whole samples.

    Args:
        probability: Chance that a sample's branch is dropped, in [0, 1).
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` in evaluation, or ``x`` with some samples zeroed and the rest scaled."""
        if not self.training or self.probability == 0.0:
            return x
        keep = 1.0 - self.probability
        mask = x.new_empty((x.shape[0], 1, 1, 1)).bernoulli_(keep)
        return x * mask / keep
