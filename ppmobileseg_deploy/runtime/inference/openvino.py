"""Options of OpenVINO's execution provider: number of threads, and float32 or bfloat16."""

import json
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import onnxruntime as ort

from ...errors import DeviceError, UsageError
from ...quoting import brief

Precision: TypeAlias = Literal["fp32", "bf16", "auto"]
"""What OpenVINO computes in: float32, bfloat16, or the latter where the processor has it."""

_HINTS: Final = {"fp32": "f32", "bf16": "bf16"}
_FIRST_WITH_BFLOAT16: Final = 1, 23
"""ONNX Runtime whose provider heeds the precision; 1.22 does not, and says nothing."""

_CPUINFO: Final = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS: Final = frozenset({"avx512_bf16", "amx_bf16"})
"""As Linux calls instructions that multiply in bfloat16. Without them OpenVINO would go through
float32, which is slower than float32 alone."""


def chosen_precision(precision: object) -> str:
    """Check a precision, and decide where the choice is ours.

    Args:
        precision: One of `Precision`; None for float32.

    Returns:
        ``"fp32"`` or ``"bf16"``.

    Raises:
        UsageError: It is none of these.
        DeviceError: It is ``"bf16"``, and this processor is known to have no such instructions,
            or the provider is too old.
    """
    if precision is None:
        return "fp32"
    if not isinstance(precision, str) or precision not in get_args(Precision):
        raise UsageError(
            f"expected a precision of {', '.join(get_args(Precision))}, found {brief(precision)}"
        )
    if precision == "auto":
        return "bf16" if has_bfloat16() and _takes_bfloat16() else "fp32"
    if precision == "bf16" and has_bfloat16() is False:
        raise DeviceError(
            "precision 'bf16' needs a processor with avx512_bf16 or amx_bf16, this one has "
            "neither: take fp32, or auto"
        )
    if precision == "bf16" and not _takes_bfloat16():
        raise DeviceError(
            "precision 'bf16' needs ONNX Runtime 1.23 or newer with OpenVINO, found "
            f"{ort.__version__}, which would compute in float32 all the same"
        )
    return precision


def provider_options(precision: str, threads: int | None) -> dict[str, str]:
    """Return the options of the provider.

    The precision is set in any case: left alone, OpenVINO takes bfloat16 where it is faster.

    Args:
        precision: ``"fp32"`` or ``"bf16"``.
        threads: Threads that OpenVINO may use; None for as many as there are cores.
    """
    settings = {"INFERENCE_PRECISION_HINT": _HINTS[precision]}
    options = {"device_type": "CPU", "load_config": json.dumps({"CPU": settings})}
    if threads is not None:
        options["num_of_threads"] = str(threads)
    return options


def _takes_bfloat16() -> bool:
    major, minor = ort.__version__.split(".")[:2]
    return (int(major), int(minor)) >= _FIRST_WITH_BFLOAT16


@cache
def has_bfloat16(cpuinfo: Path = _CPUINFO) -> bool | None:
    """Whether the processor multiplies in bfloat16; None where the system does not say.

    Args:
        cpuinfo: Linux's description of the processors.
    """
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:  # other systems than Linux
        return None
    # Other architectures than x86 call them features, and have other instructions.
    flags = next((line for line in lines if line.startswith("flags")), None)
    return None if flags is None else not _BFLOAT16_FLAGS.isdisjoint(flags.split())
