"""The gate of squeeze-and-excitation as one HardSigmoid."""

from torch import Tensor, nn
from torch.nn import functional as F

from ...model.layers import SqueezeExcitation
from .folding import bias_of, folded, with_weights

_SLOPE_RATIO = 1.2
"""Slope 0.2 of the network's hard sigmoid over slope 1/6 of ONNX's default in PyTorch."""


class LeanSqueezeExcitation(nn.Module):
    """`SqueezeExcitation`, with the slope in the weights of the last convolution.

    ONNX Runtime fuses HardSigmoid into the convolution before it, which Mul, Add and Clip keep
    from happening.

    Args:
        source: What to rewrite.
    """

    def __init__(self, source: SqueezeExcitation) -> None:
        super().__init__()
        self.squeeze = folded(source.conv_act1)
        excite = folded(source.conv_act2)
        self.excite = with_weights(
            excite, excite.weight.double() * _SLOPE_RATIO, bias_of(excite) * _SLOPE_RATIO
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scale each channel of (batch, channels, h, w) by a gate in [0, 1]."""
        squeezed = F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))
        return x * F.hardsigmoid(self.excite(squeezed))
