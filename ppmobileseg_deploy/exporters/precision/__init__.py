"""Other number formats: half the bytes, or integers, measured against the float32 file."""

from .calibration import CalibrationSet
from .fp16 import halve_weights
from .held_out import Score
from .int8 import Form, Int8Options, Int8Report, SearchStep, quantize_int8

__all__ = [
    "CalibrationSet",
    "Form",
    "Int8Options",
    "Int8Report",
    "Score",
    "SearchStep",
    "halve_weights",
    "quantize_int8",
]
