"""From a checkpoint to one ONNX file that is proven to compute the same."""

from .export import ExportReport, export_onnx
from .options import ExportOptions
from .parity import ParityCase, ParityReport

__all__ = ["ExportOptions", "ExportReport", "ParityCase", "ParityReport", "export_onnx"]
