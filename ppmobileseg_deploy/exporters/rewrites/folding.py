"""Arithmetic on convolutions: batch norms folded, outputs stacked.

All of it is done in float64 and rounded once at the end, to the precision of the network.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...model.layers import ConvModule, PreActivationConv


def folded(module: ConvModule | PreActivationConv) -> nn.Conv2d:
    """Return the module's convolution with its batch norm folded in; no activation.

    Args:
        module: A module in evaluation mode.

    Returns:
        A new convolution with a bias.
    """
    weight = module.conv.weight.double()
    bias = weight.new_zeros(len(weight)) if module.conv.bias is None else module.conv.bias.double()
    if isinstance(module.bn, nn.BatchNorm2d):
        scale, shift = _affine(module.bn)
        weight = weight * scale[:, None, None, None]
        bias = bias * scale + shift
    return with_weights(module.conv, weight, bias)


def stacked(convs: Sequence[nn.Conv2d]) -> nn.Conv2d:
    """Join 1x1 convolutions of one input: the result gives their outputs one after the other."""
    weight = torch.cat([conv.weight.double() for conv in convs])
    return with_weights(convs[0], weight, torch.cat([bias_of(conv) for conv in convs]))


def with_weights(conv: nn.Conv2d, weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """Return a convolution like ``conv`` with another weight and bias (float64)."""
    geometry: dict[str, Any] = {
        "kernel_size": conv.kernel_size,
        "stride": conv.stride,
        "padding": conv.padding,
        "groups": conv.groups,
    }
    made = nn.Conv2d(weight.shape[1] * conv.groups, len(weight), **geometry)
    made.weight = nn.Parameter(weight.to(conv.weight.dtype), requires_grad=False)
    made.bias = nn.Parameter(bias.to(conv.weight.dtype), requires_grad=False)
    return made.eval()


def bias_of(conv: nn.Conv2d) -> Tensor:
    """Return the bias of a folded convolution in float64."""
    if conv.bias is None:
        return conv.weight.new_zeros(len(conv.weight), dtype=torch.float64)
    return conv.bias.double()


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return scale and shift per channel of a batch norm in evaluation, in float64."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("expected a batch norm with running statistics, found one without")
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.double() - norm.running_mean.double() * scale
