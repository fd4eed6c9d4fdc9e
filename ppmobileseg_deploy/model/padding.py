"""What is put around an image so that all scales of the network fit together."""

from torch import Tensor
from torch.nn import functional as F

from ..metadata import NETWORK_MULTIPLE


def pad_to_multiple(image: Tensor) -> Tensor:
    """Pad (batch, channels, height, width) with zeros at the right and at the bottom."""
    height, width = image.shape[-2:]
    return F.pad(image, (0, _missing(width), 0, _missing(height)), value=0.0)


def _missing(length: int) -> int:
    # Not a remainder: OpenVINO's execution provider takes none of a single number, and would leave
    # it, and what comes before, to the CPU, in three pieces of the graph.
    multiples = (length + NETWORK_MULTIPLE - 1) // NETWORK_MULTIPLE
    return multiples * NETWORK_MULTIPLE - length
