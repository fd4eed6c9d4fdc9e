"""PP-MobileSeg on a plain CPU: checkpoint to ONNX, photographs to labels."""

from .errors import (
    CheckpointError,
    DeviceError,
    DownloadError,
    ExportError,
    ImageError,
    ModelError,
    OutputError,
    ParityError,
    PPMobileSegError,
    UsageError,
)
from .metadata import ModelMetadata
from .runtime.result import SegmentationResult
from .runtime.segmenter import OrtSegmenter
from .runtime.session import MetadataWarning
from .version import VERSION

__version__ = VERSION

__all__ = [
    "OrtSegmenter",
    "SegmentationResult",
    "ModelMetadata",
    "MetadataWarning",
    "PPMobileSegError",
    "UsageError",
    "DeviceError",
    "CheckpointError",
    "DownloadError",
    "ExportError",
    "ParityError",
    "ModelError",
    "ImageError",
    "OutputError",
    "__version__",
]
