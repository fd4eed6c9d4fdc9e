"""From low-resolution logits to a label for every pixel.

All functions here trace to standard ONNX operators with dynamic sizes. Ties go to the lower
class id, as in numpy's and ONNX's argmax.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def upsample_logits(logits: Tensor, size_hw: Sequence[int]) -> Tensor:
    """Enlarge logits bilinearly, with pixel centres aligned (``align_corners=False``).

    Args:
        logits: float32 (batch, classes, h, w).
        size_hw: Height and width of the result.

    Returns:
        float32 (batch, classes, height, width).
    """
    return F.interpolate(logits, size=tuple(size_hw), mode="bilinear", align_corners=False)


def labels_off(logits: Tensor, size_hw: Sequence[int]) -> Tensor:
    """Upsample every class, then take the best: the reference that the others are held to.

    Args:
        logits: float32 (batch, classes, h, w).
        size_hw: Height and width of the result.

    Returns:
        int64 (batch, 1, height, width), class ids.
    """
    return upsample_logits(logits, size_hw).argmax(1, keepdim=True)


def labels_image(logits: Tensor, size_hw: Sequence[int]) -> Tensor:
    """Upsample only the classes that are present: the paper's valid interpolate module.

    A class is present where it wins at least one cell of the low-resolution logits
    (arXiv 2304.05152, section 3.3). The result differs from `labels_off` only where a class
    that wins no cell would win between cells. In a batch the classes present in any of its
    images are upsampled for all of them, so an image's labels can depend on its neighbours
    there; they never become worse by it.

    Args:
        logits: float32 (batch, classes, h, w).
        size_hw: Height and width of the result.

    Returns:
        int64 (batch, 1, height, width), class ids.
    """
    present = torch.unique(logits.argmax(1))
    winners = upsample_logits(logits.index_select(1, present), size_hw).argmax(1, keepdim=True)
    return present[winners]
