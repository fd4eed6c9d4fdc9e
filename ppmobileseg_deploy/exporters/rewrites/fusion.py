"""The fusion modules for images whose sides are multiples of 32: all scales are constants."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...model.fusion import AAMx8, AAMx16
from ...model.layers import ConvModule
from .folding import folded
from .operators import enlarge


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
