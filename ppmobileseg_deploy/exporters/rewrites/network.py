"""The whole network, rewritten."""

import copy
from collections.abc import Iterable
from typing import cast

from ...model import PPMobileSeg
from ...model.backbone import Bottleneck
from ...model.fusion import AAMx8, AAMx16
from ...model.layers import ConvModule, SqueezeExcitation
from ..wrapper import SIZE_MULTIPLE
from .attention import LeanStage
from .fusion import LeanAAMx8, LeanAAMx16
from .gates import LeanSqueezeExcitation


def lean(network: PPMobileSeg) -> PPMobileSeg:
    """Return a rewritten copy of a network for export.

    Args:
        network: A network in evaluation mode; it is left as it is.

    Returns:
        A module of the same interface for images whose sides are multiples of 32; other sizes
        give wrong results or an error.
    """
    result = copy.deepcopy(network).eval()
    rewrite_gates(result)
    rewrite_fusion(result)
    rewrite_attention(result)
    return result


def rewrite_gates(network: PPMobileSeg) -> None:
    """Replace every squeeze-and-excitation."""
    backbone = network.backbone
    stride = _stride_of(backbone.smb1.conv)
    for stage in (backbone.smb1, backbone.smb2, backbone.smb3, backbone.smb4):
        for block in cast(Iterable[Bottleneck], stage.blocks):
            stride *= _stride_of(block.bottleneck_conv)
            if isinstance(block.mid_se, SqueezeExcitation):
                block.add_module(
                    "mid_se", LeanSqueezeExcitation(block.mid_se, SIZE_MULTIPLE // stride)
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
