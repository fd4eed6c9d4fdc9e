"""The module that is traced: the network, the upsampling and the label type in one."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn

from ..model import PPMobileSeg, labels_image, labels_off, upsample_logits
from .options import ExportOptions, Vim

_UPSAMPLING: Final[Mapping[Vim, Callable[[Tensor, Sequence[int]], Tensor]]] = MappingProxyType(
    {"image": labels_image, "off": labels_off}
)


class EndToEnd(nn.Module):
    """From the normalised image to what the file gives.

    Args:
        network: The network, in evaluation mode.
        options: Form of the output.
    """

    def __init__(self, network: PPMobileSeg, options: ExportOptions) -> None:
        super().__init__()
        self.network = network
        self.options = options

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the output and, for the parity proof, the low-resolution logits.

        Args:
            image: float32 (batch, 3, height, width), normalised RGB.

        Returns:
            The output, (batch, 1, height, width) labels or (batch, classes, height, width)
            logits, and the logits before upsampling.
        """
        size_hw = image.shape[-2:]
        logits = self.network(image)
        if self.options.logits:
            return upsample_logits(logits, size_hw), logits
        labels = _UPSAMPLING[self.options.vim](logits, size_hw)
        return labels.to(getattr(torch, self.options.label_dtype)), logits
