"""SEA attention with few nodes: one convolution for q, k and v, and no shape arithmetic."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...model.attention import (
    AxialPositionalEmbedding,
    SeaAttention,
    TransformerBlock,
    TransformerStage,
)
from .folding import bias_of, folded, stacked, with_weights
from .operators import enlarge, reshape, resize_like, resize_positions


class LeanAttention(nn.Module):
    """SEA attention after the projections and before the result is enlarged.

    Args:
        source: What to rewrite.
    """

    def __init__(self, source: SeaAttention) -> None:
        super().__init__()
        keys, values = source.to_k.conv.out_channels, source.to_v.conv.out_channels
        self.num_heads = source.num_heads
        self.channels = [keys, keys, values]
        # Queries come scaled; here the scale is undone.
        detail = folded(source.dwconv)
        weight = detail.weight.double()
        weight[:keys] /= source.scale
        self.dwconv = with_weights(detail, weight, bias_of(detail))
        self.pwconv = folded(source.pwconv)
        self.proj = folded(source.proj)
        self.proj_encode_row = folded(source.proj_encode_row)
        self.proj_encode_column = folded(source.proj_encode_column)

    def forward(self, qkv: Tensor, row: Tensor, column: Tensor) -> Tensor:
        """Attend along both axes.

        Args:
            qkv: float32 (batch, channels, h, w): scaled queries, keys and values.
            row: float32 (batch, channels, h), its means over columns, with positions.
            column: float32 (batch, channels, w), its means over rows, with positions.

        Returns:
            float32 (batch, dim, h, w).
        """
        values = self.channels[-1]
        detail = self.pwconv(F.relu6(self.dwconv(qkv)))
        axial = self.proj_encode_row(
            self._attend(row, (0, values, -1, 1))
        ) + self.proj_encode_column(self._attend(column, (0, values, 1, -1)))
        gate = F.hardsigmoid(self.proj(F.relu6(qkv[:, -values:] + axial)))
        out: Tensor = gate * detail
        return out

    def _attend(self, qkv: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Attend along one axis: (batch, channels, length) to relu6 of the attended values."""
        q, k, v = (
            reshape(part, (0, self.num_heads, channels // self.num_heads, -1))
            for part, channels in zip(
                torch.split(qkv, self.channels, 1), self.channels, strict=True
            )
        )
        weights = torch.softmax(q.transpose(2, 3) @ k, dim=-1)
        return F.relu6(reshape(v @ weights.transpose(2, 3), shape))


class LeanStage(nn.Module):
    """`TransformerStage` that interpolates the positional embeddings of all blocks at once.

    Args:
        source: What to rewrite.
        even: Whether both sides of its map are even for every image that will come.
    """

    row_positions: Tensor
    column_positions: Tensor

    def __init__(self, source: TransformerStage, *, even: bool) -> None:
        super().__init__()
        blocks = [b for b in source.transformer_blocks if isinstance(b, TransformerBlock)]
        sources = [block.attn for block in blocks]
        self.even = even
        self.projections = nn.ModuleList(_projection(attention) for attention in sources)
        self.attentions = nn.ModuleList(LeanAttention(attention) for attention in sources)
        self.mlps = nn.ModuleList(block.mlp for block in blocks)
        row = [_positions(a, a.pos_emb_rowq, a.pos_emb_rowk) for a in sources]
        column = [_positions(a, a.pos_emb_columnq, a.pos_emb_columnk) for a in sources]
        self.register_buffer("row_positions", torch.cat(row))
        self.register_buffer("column_positions", torch.cat(column))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, dim, h, w) to the same shape."""
        stage_input = x
        rows: tuple[Tensor, ...] = ()
        columns: tuple[Tensor, ...] = ()
        for i, (project, attend, mlp) in enumerate(
            zip(self.projections, self.attentions, self.mlps, strict=True)
        ):
            qkv = project(x)
            row, column = qkv.mean(-1), qkv.mean(-2)
            if not rows:
                # The lengths are read from the means because ONNX Runtime holds the larger maps
                # in its blocked layout, and would convert them to look at their shape.
                rows = torch.split(resize_positions(self.row_positions, row), 1)
                columns = torch.split(resize_positions(self.column_positions, column), 1)
            half = attend(qkv, row + rows[i], column + columns[i])
            x = x + (enlarge(half, 2) if self.even else resize_like(half, stage_input))
            x = x + mlp(x)
        return x


def _projection(source: SeaAttention) -> nn.Sequential:
    """Halve, then compute scaled queries, keys and values in one convolution."""
    q = folded(source.to_q)
    q = with_weights(q, q.weight.double() * source.scale, bias_of(q) * source.scale)
    qkv = stacked([q, folded(source.to_k), folded(source.to_v)])
    return nn.Sequential(folded(source.stride_conv), qkv)


def _positions(
    attention: SeaAttention, q: AxialPositionalEmbedding, k: AxialPositionalEmbedding
) -> Tensor:
    """Return the embeddings of scaled queries, of keys, and zeros for values, in a row."""
    values = q.pos_embed.new_zeros(1, attention.to_v.conv.out_channels, q.pos_embed.shape[2])
    return torch.cat([q.pos_embed * attention.scale, k.pos_embed, values], 1).detach()
