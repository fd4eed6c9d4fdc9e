"""What is put around an image so that all scales of the network fit together."""

from torch import Tensor
from torch.nn import functional as F

from ..metadata import NETWORK_MULTIPLE


def pad_to_multiple(image: Tensor) -> Tensor:
    """Pad (batch, channels, height, width) with zeros at the right and at the bottom."""
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % NETWORK_MULTIPLE, 0, -height % NETWORK_MULTIPLE), value=0.0)
