"""SEA attention with stride, and the transformer stage made of it.

PP-MobileSeg section 3.1 (arXiv 2304.05152) on top of SeaFormer (arXiv 2301.13156): attention
along rows and along columns of a squeezed map, computed at half the resolution and enlarged.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import TransformerConfig
from .layers import ConvModule, DropPath, PreActivationConv

_POSITIONS = 16
"""Length at which positional embeddings are stored; they are interpolated to any other."""


class AxialPositionalEmbedding(nn.Module):
    """A learnt embedding per channel and position along one axis.

    Args:
        channels: Channels of the squeezed map that it is added to.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.randn(1, channels, _POSITIONS))

    def forward(self, x: Tensor) -> Tensor:
        """Add the embedding, resized to ``length``, to ``x`` (batch, channels, length)."""
        resized = F.interpolate(
            self.pos_embed, size=x.shape[-1:], mode="linear", align_corners=False
        )
        return x + resized


class SeaAttention(nn.Module):
    """Squeeze-enhanced axial attention at half resolution.

    Args:
        dim: Channels of input and output.
        key_dim: Channels of a head's queries and keys.
        num_heads: Number of heads.
        value_ratio: Channels of a head's values, as a multiple of ``key_dim``.
    """

    def __init__(self, dim: int, key_dim: int, num_heads: int, value_ratio: int = 2) -> None:
        super().__init__()
        keys = key_dim * num_heads
        values = value_ratio * keys
        self.num_heads = num_heads
        self.scale = key_dim**-0.5

        self.to_q = ConvModule(dim, keys)
        self.to_k = ConvModule(dim, keys)
        self.to_v = ConvModule(dim, values)
        self.stride_conv = ConvModule(dim, dim, 3, stride=2, groups=dim, bias=True)
        self.proj = PreActivationConv(values, dim)
        self.proj_encode_row = PreActivationConv(values, values)
        self.pos_emb_rowq = AxialPositionalEmbedding(keys)
        self.pos_emb_rowk = AxialPositionalEmbedding(keys)
        self.proj_encode_column = PreActivationConv(values, values)
        self.pos_emb_columnq = AxialPositionalEmbedding(keys)
        self.pos_emb_columnk = AxialPositionalEmbedding(keys)
        detail = 2 * keys + values
        self.dwconv = ConvModule(detail, detail, 3, groups=detail, activation=nn.ReLU6())
        self.pwconv = ConvModule(detail, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, dim, h, w) to the same shape."""
        size_hw = x.shape[-2:]
        x = self.stride_conv(x)
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        detail = self.pwconv(self.dwconv(torch.cat([q, k, v], dim=1)))

        row = self._attend(
            self.pos_emb_rowq(q.mean(-1)), self.pos_emb_rowk(k.mean(-1)), v.mean(-1)
        )
        column = self._attend(
            self.pos_emb_columnq(q.mean(-2)), self.pos_emb_columnk(k.mean(-2)), v.mean(-2)
        )
        axial = self.proj_encode_row(row.unsqueeze(-1)) + self.proj_encode_column(
            column.unsqueeze(-2)
        )
        out = F.hardsigmoid(self.proj(v + axial)) * detail
        return F.interpolate(out, size=size_hw, mode="bilinear", align_corners=False)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Multi-head attention along one axis; all tensors are (batch, channels, length)."""
        q = q.unflatten(1, (self.num_heads, -1)).transpose(2, 3)
        k = k.unflatten(1, (self.num_heads, -1))
        v = v.unflatten(1, (self.num_heads, -1)).transpose(2, 3)
        weights = torch.softmax(torch.matmul(q, k) * self.scale, dim=-1)
        return torch.matmul(weights, v).transpose(2, 3).flatten(1, 2)


class MLP(nn.Module):
    """Pointwise, depthwise, pointwise convolution."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = ConvModule(dim, hidden)
        self.dwconv = ConvModule(
            hidden, hidden, 3, groups=hidden, bias=True, norm=False, activation=nn.ReLU6()
        )
        self.fc2 = ConvModule(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, dim, h, w) to the same shape."""
        return self.fc2(self.dwconv(self.fc1(x)))


class TransformerBlock(nn.Module):
    """Attention and MLP, each with a residual connection."""

    def __init__(self, dim: int, config: TransformerConfig, drop_path: float) -> None:
        super().__init__()
        self.attn = SeaAttention(dim, config.key_dim, config.num_heads)
        self.mlp = MLP(dim, dim * config.mlp_ratio)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, dim, h, w) to the same shape."""
        x = x + self.drop_path(self.attn(x))
        return x + self.drop_path(self.mlp(x))


class TransformerStage(nn.Module):
    """A stack of transformer blocks; the chance of stochastic depth grows from block to block.

    Args:
        dim: Channels of input and output.
        config: Depth, heads and widths.
        drop_path: Chance of stochastic depth in the last block; zero in the first.
    """

    def __init__(self, dim: int, config: TransformerConfig, drop_path: float = 0.1) -> None:
        super().__init__()
        steps = max(config.depth - 1, 1)
        self.transformer_blocks = nn.Sequential(
            *(TransformerBlock(dim, config, drop_path * i / steps) for i in range(config.depth))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, dim, h, w) to the same shape."""
        return self.transformer_blocks(x)
