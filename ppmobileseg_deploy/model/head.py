"""The segmentation head: one depthwise and one pointwise 1x1 convolution."""

from torch import Tensor, nn

from .layers import ConvModule


class PPMobileSegHead(nn.Module):
    """Map fused features to class logits.

    Args:
        channels: Channels of the fused map.
        num_classes: Number of classes.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.linear_fuse = ConvModule(channels, channels, groups=channels, activation=nn.ReLU())
        self.dropout = nn.Dropout2d(0.1)
        self.conv_seg = nn.Conv2d(channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, h, w) to logits (batch, num_classes, h, w)."""
        return self.conv_seg(self.dropout(self.linear_fuse(x)))
