"""The whole network rewritten: attention, fusion modules, and squeeze-and-excitation.

Images have sides that are multiples of 32, so that all scales are constants.
"""

import copy
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...metadata import NETWORK_MULTIPLE
from ...model import PPMobileSeg
from ...model.backbone import Bottleneck
from ...model.fusion import AAMx8, AAMx16
from ...model.layers import ConvModule, SqueezeExcitation
from .attention import LeanStage
from .folding import bias_of, folded, with_weights
from .operators import enlarge

_SLOPE_RATIO = 1.2
"""Slope 0.2 of the network's hard sigmoid over slope 1/6 of ONNX's default in PyTorch."""

_BLOCKS = {1: (), 2: (2,), 4: (4,), 8: (4, 2), 16: (4, 4)}
"""By what a map's sides are multiples of: sides of the blocks whose means are taken, one after the
other. Blocks of 16x16 at once err twice as much, on flat images."""


def lean(network: PPMobileSeg) -> PPMobileSeg:
    """Return a rewritten copy of a network for export.

    Args:
        network: A network in evaluation mode; it is left as it is.

    Returns:
        A module of the same interface for images whose sides are multiples of 32; other sizes
        give wrong results or an error.
    """
    result = copy.deepcopy(network).eval()
    rewrite_squeeze_excitation(result)
    rewrite_fusion(result)
    rewrite_attention(result)
    return result


def rewrite_squeeze_excitation(network: PPMobileSeg) -> None:
    """Replace every squeeze-and-excitation."""
    backbone = network.backbone
    stride = _stride_of(backbone.smb1.conv)
    for stage in (backbone.smb1, backbone.smb2, backbone.smb3, backbone.smb4):
        for block in cast(Iterable[Bottleneck], stage.blocks):
            stride *= _stride_of(block.bottleneck_conv)
            if isinstance(block.mid_se, SqueezeExcitation):
                block.add_module(
                    "mid_se", LeanSqueezeExcitation(block.mid_se, NETWORK_MULTIPLE // stride)
                )


def _stride_of(module: ConvModule) -> int:
    return module.conv.stride[0]


def rewrite_fusion(network: PPMobileSeg) -> None:
    """Replace the fusion module."""
    fusion = network.backbone.inj_module
    if isinstance(fusion, AAMx16):
        network.backbone.add_module("inj_module", LeanAAMx16(fusion))
    elif isinstance(fusion, AAMx8):
        network.backbone.add_module("inj_module", LeanAAMx8(fusion))


def rewrite_attention(network: PPMobileSeg) -> None:
    """Replace both transformer stages."""
    backbone = network.backbone
    # At 1/16 both sides are even; at 1/32 they may be odd.
    backbone.add_module("trans1", LeanStage(backbone.trans1, even=True))
    backbone.add_module("trans2", LeanStage(backbone.trans2, even=False))


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


class LeanAAMx16(nn.Module):
    """`AAMx16` without shape arithmetic.

    Args:
        source: What to rewrite.
    """

    def __init__(self, source: AAMx16) -> None:
        super().__init__()
        self.embedding_list = source.embedding_list
        self.act_embedding_list = source.act_embedding_list

    def forward(self, x8: Tensor, x16: Tensor, x32: Tensor) -> Tensor:
        """Fuse the three maps; the result is as large as ``x16``."""
        # Bilinear halving takes the mean of each 2x2 square.
        x8 = F.avg_pool2d(x8, 2)
        gate = self.act_embedding_list[0](x8) * self.act_embedding_list[1](x16)
        gate = gate * enlarge(self.act_embedding_list[2](x32), 2)
        fine = self.embedding_list[0](x8) + self.embedding_list[1](x16)
        fused: Tensor = gate * fine + enlarge(self.embedding_list[2](x32), 2)
        return fused


class LeanAAMx8(nn.Module):
    """`AAMx8` without shape arithmetic, and with convolutions before enlargement.

    Args:
        source: What to rewrite.
    """

    def __init__(self, source: AAMx8) -> None:
        super().__init__()
        self.embedding_list = source.embedding_list
        self.vote = folded(cast(ConvModule, source.act_embedding_list[0]))
        self.coarse_vote = source.act_embedding_list[1]

    def forward(self, x8: Tensor, x16: Tensor, x32: Tensor) -> Tensor:
        """Fuse the three maps; the result is as large as ``x8``."""
        # A 1x1 convolution and bilinear interpolation commute; on the small map the convolution
        # costs a quarter. The sigmoid has to come last.
        gate = torch.sigmoid(enlarge(self.vote(x16), 2)) * enlarge(self.coarse_vote(x32), 4)
        fused: Tensor = gate * self.embedding_list[0](x8) + enlarge(self.embedding_list[1](x32), 4)
        return fused
