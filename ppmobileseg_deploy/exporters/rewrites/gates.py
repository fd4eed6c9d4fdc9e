"""Squeeze-and-excitation with an exact mean, and its gate as one HardSigmoid."""

from torch import Tensor, nn
from torch.nn import functional as F

from ...model.layers import SqueezeExcitation
from .folding import bias_of, folded, with_weights

_SLOPE_RATIO = 1.2
"""Slope 0.2 of the network's hard sigmoid over slope 1/6 of ONNX's default in PyTorch."""

_BLOCKS = {1: (), 2: (2,), 4: (4,), 8: (4, 2), 16: (4, 4)}
"""By what a map's sides are multiples of: sides of the blocks whose means are taken, one after the
other. Blocks of 16x16 at once err twice as much, on flat images."""


class LeanSqueezeExcitation(nn.Module):
    """`SqueezeExcitation`, with the slope in the weights of the last convolution.

    ONNX Runtime fuses HardSigmoid into the convolution before it, which Mul, Add and Clip keep
    from happening.

    The mean is taken of means of blocks, as far as the map's sides allow. ONNX Runtime's
    GlobalAveragePool adds one number after the other, and of a photograph's half a million the
    last ones are rounded away: the demo model's logits of a flat image of 1024x2048 are off by
    6.5e-4, with blocks by 6e-6, which is PyTorch's own error. AveragePool stays in the layout of
    the convolutions, so that this costs nothing.

    Args:
        source: What to rewrite.
        multiple: What height and width of the map are multiples of, a power of 2.
    """

    def __init__(self, source: SqueezeExcitation, multiple: int) -> None:
        super().__init__()
        self.blocks = _BLOCKS[multiple]
        self.squeeze = folded(source.conv_act1)
        excite = folded(source.conv_act2)
        self.excite = with_weights(
            excite, excite.weight.double() * _SLOPE_RATIO, bias_of(excite) * _SLOPE_RATIO
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scale each channel of (batch, channels, h, w) by a gate in [0, 1]."""
        mean = x
        for side in self.blocks:
            mean = F.avg_pool2d(mean, side)
        mean = mean.mean(3, keepdim=True).mean(2, keepdim=True)
        return x * F.hardsigmoid(self.excite(F.relu(self.squeeze(mean))))
