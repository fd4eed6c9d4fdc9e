"""Starting ONNX Runtime on a model file, for any size of image or for one only."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import onnxruntime as ort

from ..errors import DeviceError, ModelError, UsageError
from ..files import kind_of
from .external_data import check_model_file

PROVIDERS: Final = MappingProxyType(
    {
        "cpu": "CPUExecutionProvider",
        "cuda": "CUDAExecutionProvider",
        "coreml": "CoreMLExecutionProvider",
        "dml": "DmlExecutionProvider",
        "openvino": "OpenVINOExecutionProvider",
    }
)
"""Device name to ONNX Runtime's name of the execution provider."""

MAX_THREADS: Final = 1024
"""More threads than any machine has use for; ONNX Runtime would start them all."""

# ONNX Runtime's severities are 0 verbose, 1 info, 2 warning, 3 error, 4 fatal. What it calls an
# error it raises as well, and it would print it first, in colours.
_FATAL: Final = 4
_DEFAULT: Final = -1


@dataclass(frozen=True)
class Starter:
    """Starts sessions of one model file on one device.

    Attributes:
        content: Path of the file, or its content.
        source: File name, for messages.
        device: A key of `PROVIDERS`.
        threads: Threads within an operator; None lets ONNX Runtime take all cores.
        version: Changes when the file does; None for content that is in memory.
    """

    content: str | bytes
    source: str
    device: str
    threads: int | None
    version: tuple[int, int, int] | None

    @classmethod
    def of(cls, model: str | Path | bytes, device: str, threads: int | None) -> "Starter":
        """Check what can be checked without starting anything.

        Args:
            model: Path of the file, or its content.
            device: A key of `PROVIDERS`.
            threads: Threads within an operator; None lets ONNX Runtime take all cores.

        Raises:
            UsageError: The number of threads is not in [1, `MAX_THREADS`], or the device has no
                meaning.
            DeviceError: This ONNX Runtime has no provider for the device.
            ModelError: There is no such file, or it is empty or a folder.
        """
        _check_device(device)
        if threads is not None and not (isinstance(threads, int) and 1 <= threads <= MAX_THREADS):
            raise UsageError(f"expected 1 to {MAX_THREADS} threads, found {threads!r}")
        if isinstance(model, bytes):
            check_model_file(model)
            return cls(model, "model", device, threads, None)
        path = Path(model)
        version = _version(path)
        check_model_file(str(path))
        return cls(str(path), path.name, device, threads, version)

    def start(self, dimensions: Mapping[str, int] = MappingProxyType({})) -> ort.InferenceSession:
        """Start a session. May be called from several threads.

        Args:
            dimensions: Lengths of named dimensions, which makes the session take these only.

        Raises:
            DeviceError: The device's provider does not start.
            ModelError: The file cannot be loaded, or is another one than the first time.
        """
        if self.version is not None and _version(Path(str(self.content))) != self.version:
            raise ModelError(f"cannot load {self.source} again: the file has changed")
        provider = PROVIDERS[self.device]
        try:
            inference = ort.InferenceSession(
                self.content, self._options(dimensions), providers=[provider], enable_fallback=0
            )
        except Exception as error:  # the errors' classes differ between releases
            raise ModelError(
                f"cannot load {self.source}: expected a complete ONNX file ({first_line(error)})"
            ) from error
        # A provider whose libraries are missing is left out with no more than a line in the log.
        if inference.get_providers()[0] != provider:
            raise DeviceError(
                f"device {self.device!r}: {provider} is installed, but does not start here"
            )
        inference.disable_fallback()
        return inference

    def _options(self, dimensions: Mapping[str, int]) -> ort.SessionOptions:
        options = ort.SessionOptions()
        options.log_severity_level = _FATAL
        if self.threads is not None:
            options.intra_op_num_threads = self.threads
        # Waiting threads sleep. Spinning would keep the cores from whatever comes between two
        # runs: drawing and writing a 1080p overlay take half as long without it, and the
        # inference itself loses nothing on a quiet machine and wins on a busy one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        for name, length in dimensions.items():
            options.add_free_dimension_override_by_name(name, length)
        if self.device == "cpu":
            # One block for all activations of a run, planned for each size of image, saves 3 %
            # of the time when the size stays. When it varies, it costs 5 %, and memory, because
            # large blocks cannot be put together from the pieces that other sizes have left.
            options.enable_mem_pattern = bool(dimensions)
            _share_arena()
            options.add_session_config_entry("session.use_env_allocators", "1")
        return options


def first_line(error: BaseException) -> str:
    """What an error of ONNX Runtime says, without its prefix and its stack."""
    text = str(error).strip().split("\n", 1)[0]
    # "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : " says nothing that the rest does not.
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text) or type(error).__name__


@cache
def _share_arena() -> None:
    """Let sessions take memory for activations from one arena of the process.

    A pinned session beside the dynamic one then costs its weights (tiny: 12 MB), and the first
    one 20 MB of activations, but not 95 MB each (tiny, a 1080p photograph). The weights
    themselves cannot be shared from Python: given as initializers they are copied all the same,
    into the layout that the convolutions want. Sessions of others do not see the arena, they
    would have to ask for it. It keeps what it has until the process ends.
    """
    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    settings = ort.OrtArenaCfg(0, _DEFAULT, _DEFAULT, _DEFAULT)  # 0: no limit
    # An error says that there is one already, of another library in this process, which serves.
    with suppress(RuntimeError):
        ort.create_and_register_allocator(memory, settings)


def _check_device(device: str) -> None:
    provider = PROVIDERS.get(device)
    if provider is None:
        raise UsageError(f"expected a device of {', '.join(PROVIDERS)}, found {device!r}")
    available = ort.get_available_providers()
    if provider not in available:
        here = ", ".join(name for name, each in PROVIDERS.items() if each in available)
        raise DeviceError(
            f"device {device!r} needs an ONNX Runtime with {provider}, "
            f"the one installed has: {here}"
        )


def _version(path: Path) -> tuple[int, int, int]:
    # Asked here, because ONNX Runtime words these cases differently from release to release.
    kind = kind_of(path)
    if kind is None:
        raise ModelError(f"cannot load {path}: no such file")
    if kind != "file":
        raise ModelError(f"cannot load {path}: expected an ONNX file, found a {kind}")
    status = path.stat()
    if status.st_size == 0:
        raise ModelError(f"cannot load {path}: expected an ONNX file, found an empty one")
    return status.st_ino, status.st_size, status.st_mtime_ns
