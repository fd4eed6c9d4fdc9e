"""Aggregated attention modules: how three scales become one map.

PP-MobileSeg section 3.2 (arXiv 2304.05152). Coarse maps vote by sigmoid gates on what of the
fine map is kept; the coarsest adds its own content. The tiny network fuses at 1/16 of the
input, the base network at 1/8.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from .layers import ConvModule


class AAMx16(nn.Module):
    """Fusion at 1/16 of the input, used by tiny.

    Args:
        in_channels: Channels of the maps at 1/8, 1/16 and 1/32 of the input.
        out_channels: Channels of the fused map.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int) -> None:
        super().__init__()
        self.embedding_list = nn.ModuleList(
            ConvModule(channels, out_channels) for channels in in_channels
        )
        self.act_embedding_list = nn.ModuleList(
            ConvModule(channels, out_channels, activation=nn.Sigmoid()) for channels in in_channels
        )

    def forward(self, x8: Tensor, x16: Tensor, x32: Tensor) -> Tensor:
        """Fuse the three maps; the result is half as large as ``x8``, rounded down."""
        x8 = F.interpolate(x8, scale_factor=0.5, mode="bilinear", align_corners=False)
        size_hw = x8.shape[-2:]
        x16 = _enlarge(x16, size_hw)
        gate = self.act_embedding_list[0](x8) * self.act_embedding_list[1](x16)
        gate = gate * _enlarge(self.act_embedding_list[2](x32), size_hw)
        fine = self.embedding_list[0](x8) + self.embedding_list[1](x16)
        return gate * fine + _enlarge(self.embedding_list[2](x32), size_hw)


class AAMx8(nn.Module):
    """Fusion at 1/8 of the input, used by base: the map at 1/16 only votes.

    Args:
        in_channels: Channels of the maps at 1/8, 1/16 and 1/32 of the input.
        out_channels: Channels of the fused map.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int) -> None:
        super().__init__()
        c8, c16, c32 = in_channels
        self.embedding_list = nn.ModuleList(
            [ConvModule(c8, out_channels), ConvModule(c32, out_channels)]
        )
        self.act_embedding_list = nn.ModuleList(
            [
                ConvModule(c16, out_channels, activation=nn.Sigmoid()),
                ConvModule(c32, out_channels, activation=nn.Sigmoid()),
            ]
        )

    def forward(self, x8: Tensor, x16: Tensor, x32: Tensor) -> Tensor:
        """Fuse the three maps; the result is as large as ``x8``."""
        size_hw = x8.shape[-2:]
        gate = self.act_embedding_list[0](_enlarge(x16, size_hw))
        gate = gate * _enlarge(self.act_embedding_list[1](x32), size_hw)
        fine = self.embedding_list[0](x8)
        return gate * fine + _enlarge(self.embedding_list[1](x32), size_hw)


def _enlarge(x: Tensor, size_hw: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size_hw), mode="bilinear", align_corners=False)
