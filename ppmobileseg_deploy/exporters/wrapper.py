"""The module that is traced: padding, network, upsampling and label type in one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..model import PPMobileSeg, labels_image, labels_off, upsample_logits
from ..model.cell import narrow_labels_cell
from .options import ExportOptions

SIZE_MULTIPLE = 32
"""Height and width are padded to a multiple of this, where all scales fit together exactly."""


class EndToEnd(nn.Module):
    """From the normalised image to what the file gives.

    Whatever the size, the image is padded with zeros at the right and at the bottom and the
    output cut back, as in mmsegmentation's test pipeline. So all forms of upsampling see the
    same logits, and their labels can be compared at any size.

    Args:
        network: The network, in evaluation mode.
        options: Form of the output.
    """

    def __init__(self, network: PPMobileSeg, options: ExportOptions) -> None:
        super().__init__()
        self.network = network
        self.options = options
        self.stride = network.config.stride

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the output, and the logits before upsampling.

        Args:
            image: float32 (batch, 3, height, width), normalised RGB.

        Returns:
            The output, (batch, 1, height, width) labels or (batch, classes, height, width)
            logits, and float32 (batch, classes, h, w) logits of the padded image, where h and w
            are its height and width divided by the stride.
        """
        size_hw = image.shape[-2:]
        padded = pad_to_multiple(image)
        logits = self.network(padded)
        if self.options.logits:
            return _cut(upsample_logits(logits, padded.shape[-2:]), size_hw), logits
        if self.options.vim == "cell":
            labels = narrow_labels_cell(logits, self.stride, size_hw)
        else:
            upsample: Callable[[Tensor, Sequence[int]], Tensor]
            upsample = labels_image if self.options.vim == "image" else labels_off
            labels = _cut(upsample(logits, padded.shape[-2:]), size_hw)
        return labels.to(getattr(torch, self.options.label_dtype)), logits


def pad_to_multiple(image: Tensor) -> Tensor:
    """Pad (batch, channels, height, width) with zeros at the right and at the bottom."""
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % SIZE_MULTIPLE, 0, -height % SIZE_MULTIPLE), value=0.0)


def _cut(image: Tensor, size_hw: Sequence[int | Tensor]) -> Tensor:
    height, width = size_hw
    return image[:, :, :height, :width]
