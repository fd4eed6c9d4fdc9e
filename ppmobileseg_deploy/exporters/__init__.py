"""Export of a checkpoint to one ONNX file that is proven to compute the same."""

from ..checkpoints import Description, Origins
from .comparison import Comparison
from .export import ExportReport, export_onnx
from .golden import write_golden
from .grafting import GraftReport, graft
from .label_head import export_label_head
from .mmdeploy_info import check_sdk_options, dump_info
from .options import ExportOptions
from .ort_format import OrtReport, convert_to_ort
from .parity import ParityCase, ParityReport
from .precision import CalibrationSet, Int8Options, Int8Report
from .sidecar import write_sidecar
from .triton import write_triton

__all__ = [
    "CalibrationSet",
    "Comparison",
    "Description",
    "ExportOptions",
    "ExportReport",
    "GraftReport",
    "Int8Options",
    "Int8Report",
    "Origins",
    "OrtReport",
    "ParityCase",
    "ParityReport",
    "check_sdk_options",
    "convert_to_ort",
    "dump_info",
    "export_label_head",
    "export_onnx",
    "graft",
    "write_golden",
    "write_sidecar",
    "write_triton",
]
