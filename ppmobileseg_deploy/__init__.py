"""PP-MobileSeg on a plain CPU: checkpoint to ONNX, photographs to labels."""

from importlib.metadata import version

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

__version__ = version("ppmobileseg-deploy")

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
