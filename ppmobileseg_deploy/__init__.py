"""PP-MobileSeg on a plain CPU: checkpoint to ONNX, photographs to labels."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .dependencies import explain
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
from .version import VERSION

if TYPE_CHECKING:
    from .runtime.inference.session import MetadataWarning
    from .runtime.results.result import SegmentationResult
    from .runtime.segmenter import OrtSegmenter
    from .runtime.sources.video import VideoWarning

__version__ = VERSION

# Packages of ONNX Runtime from 1.32 on keep an identifier of the machine and a record of sessions
# in the user's cache, and have code that sends it. Whoever wants that says so before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = [
    "OrtSegmenter",
    "SegmentationResult",
    "ModelMetadata",
    "MetadataWarning",
    "VideoWarning",
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

# OpenCV and ONNX Runtime take a quarter of a second to load, which --help should not cost.
_LAZY: Final = {
    "OrtSegmenter": ".runtime.segmenter",
    "SegmentationResult": ".runtime.results.result",
    "MetadataWarning": ".runtime.inference.session",
    "VideoWarning": ".runtime.sources.video",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(_LAZY[name], __name__)
    except ImportError as error:
        explained = explain(error)
        if explained is None:
            raise
        raise ImportError(explained) from error
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    # What a notebook offers after a dot: without the modules' own imports.
    return sorted(__all__)
