"""PP-MobileSeg in PyTorch."""

from .cell import labels_cell
from .config import BASE, CONFIGS, TINY, PPMobileSegConfig
from .network import PPMobileSeg
from .padding import pad_to_multiple
from .upsampling import labels_image, labels_off, upsample_logits

__all__ = [
    "BASE",
    "CONFIGS",
    "TINY",
    "PPMobileSeg",
    "PPMobileSegConfig",
    "labels_cell",
    "labels_image",
    "labels_off",
    "pad_to_multiple",
    "upsample_logits",
]
