"""ONNX Runtime sessions: creation from a model file, and again after pickling or a fork."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

import onnxruntime as ort

from ...errors import DeviceError, ModelError, UsageError
from ...file_names import names_checkpoint
from ...files import kind_of
from ...quoting import printable
from .execution import Execution
from .forks import call_after_fork, has_forked, never_free
from .model_graph import ModelGraph
from .network_only import network_only
from .onnx_file import check_model_file
from .threads import allowed_threads

# ONNX Runtime's severities are 0 verbose, 1 info, 2 warning, 3 error, 4 fatal. What it calls an
# error it also raises: printing it would say it twice.
_FATAL: Final = 4
_DEFAULT: Final = -1
_SHARE_OF_MEMORY: Final = 0.75

_ROOT: Final = Path("/")
_MEMORY_LIMITS: Final = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Of control groups, version 2 and version 1, as a container sees its own."""


@dataclass(frozen=True)
class SessionFactory:
    """Creates sessions of one model file.

    Attributes:
        content: Path of the file, or its content.
        source: File name, printable, for messages.
        version: Changes when the file does; None for content that is in memory.
        execution: Execution settings.
        graph: Facts about the graph; None if unknown.
    """

    content: str | bytes = field(repr=False)
    source: str
    version: tuple[int, int, int] | None
    execution: Execution
    graph: ModelGraph | None = None

    def whole(self) -> "SessionFactory":
        """Return a factory whose sessions run the whole file, with what makes labels of logits."""
        return replace(self, graph=None)

    @classmethod
    def of(cls, model: str | Path | bytes, execution: Execution) -> "SessionFactory":
        """Check a model file without creating a session.

        Args:
            model: Path of the file, or its content.
            execution: Execution settings.

        Raises:
            ModelError: There is no such file, it is empty, a folder or a training checkpoint, or
                it is not what `check_model_file` lets pass.
        """
        if isinstance(model, bytes):
            return cls(model, "model", None, execution, check_model_file(model))
        path = Path(model)
        version = _version(path)
        if names_checkpoint(path):
            named = printable(str(path))
            raise ModelError(
                f"cannot load {named}: expected an ONNX file, found a training checkpoint: "
                f"convert it first with `ppms-export {named}`"
            )
        # The current folder may change, or be another one in another process.
        path = path.absolute()
        graph = check_model_file(str(path))
        return cls(str(path), printable(path.name), version, execution, graph)

    def create(self, lengths: Mapping[str, int] = MappingProxyType({})) -> ort.InferenceSession:
        """Create a session. May be called from several threads.

        Args:
            lengths: Lengths of named dimensions: the session takes these only. Must be empty
                if the user gave session options, which are not changed.

        Raises:
            DeviceError: A provider does not start.
            ModelError: The file cannot be loaded, or is another one than the first time.
        """
        if self.version is not None and _version(Path(str(self.content))) != self.version:
            raise ModelError(f"cannot load {self.source} again: the file has changed")
        try:
            inference = ort.InferenceSession(
                self.model(),
                self.execution.sess_options or self._options(lengths),
                providers=list(self.execution.session_providers()),
                enable_fallback=0,
            )
            _read_names(inference)
        except Exception as error:  # the errors' classes differ between releases
            said = first_line(error)
            if not self.execution.on_cpu:  # whose limits, most likely, and no fault of the file
                raise ModelError(
                    f"device {self.execution.device!r} cannot open {self.source}, which device "
                    f"'cpu' may: {said}"
                ) from error
            raise ModelError(
                f"cannot load {self.source}: expected a complete ONNX file ({said})"
            ) from error
        # A provider whose libraries are missing is left out with no more than a line in the log.
        started = inference.get_providers()
        for provider, _ in self.execution.providers:
            if provider not in started:
                raise DeviceError(
                    f"device {self.execution.device!r}: {provider} is installed, but does not "
                    "start here"
                )
        inference.disable_fallback()
        return inference

    def model(self) -> str | bytes:
        """Return what ONNX Runtime opens; of a file with labels and logits, the network only."""
        if self.graph is None or not self.graph.network:
            return self.content
        content = (
            self.content if isinstance(self.content, bytes) else Path(self.content).read_bytes()
        )
        return network_only(content, self.graph.network)

    def _options(self, lengths: Mapping[str, int]) -> ort.SessionOptions:
        options = ort.SessionOptions()
        options.log_severity_level = _FATAL
        threads = self.execution.threads or allowed_threads()
        if threads is not None:
            options.intra_op_num_threads = threads
        # Waiting threads sleep. Spinning would keep the cores from whatever comes between two
        # runs: drawing and writing a 1080p overlay take half as long without it, and the
        # inference itself loses nothing on a quiet machine and wins on a busy one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        for name, length in lengths.items():
            options.add_free_dimension_override_by_name(name, length)
        if self.execution.on_cpu:
            # One block for all activations of a run, planned for each size of image, saves 3 %
            # of the time when the size stays. When it varies, it costs 5 %, and memory, because
            # large blocks cannot be put together from the pieces that other sizes have left.
            options.enable_mem_pattern = bool(lengths)
            # After a fork the arena's lock may be held by a thread of the parent.
            if not has_forked():
                _share_arena()
                options.add_session_config_entry("session.use_env_allocators", "1")
        return options


class LazySession:
    """A session of ONNX Runtime that is created when it is first needed, once for each process.

    A session cannot be pickled, and its threads do not survive a fork. In the other process a new
    one is created. May be used by several threads.

    Args:
        factory: Creates the session; None for one of the user's, which can only be used in the
            process that made it.
        lengths: Lengths of named dimensions that the session is limited to.
        inference: The session, if there is one already.
    """

    def __init__(
        self,
        factory: SessionFactory | None,
        lengths: Mapping[str, int] = MappingProxyType({}),
        inference: ort.InferenceSession | None = None,
    ) -> None:
        self.factory = factory
        self._lengths = dict(lengths)
        self._inference = inference
        self._lock = Lock()
        call_after_fork(self)

    @property
    def inference(self) -> ort.InferenceSession:
        """ONNX Runtime's session.

        Raises:
            ModelError: It has to be created again, and the file is gone or has changed.
            UsageError: It is the user's, and this is another process.
        """
        inference = self._inference
        if inference is None:
            with self._lock:
                inference = self._inference
                if inference is None:
                    inference = self._inference = self._created()
        return inference

    def release(self) -> None:
        """Free the session until it is needed again; runs in progress finish."""
        if self.factory is not None:
            self._inference = None

    def after_fork(self) -> None:
        """Drop the session, whose threads are in the parent."""
        self._lock = Lock()
        if self._inference is not None:
            never_free(self._inference)  # its destructor would wait for the threads
            self._inference = None

    def __reduce__(self) -> tuple[Callable[..., "LazySession"], tuple[Any, ...]]:
        if self.factory is None:
            raise UsageError(
                "cannot pickle a segmenter of an InferenceSession: make it from the model's path "
                "or content"
            )
        if self.factory.execution.sess_options is not None:
            raise UsageError(
                "cannot pickle a segmenter with sess_options, as ONNX Runtime cannot pickle them: "
                "make it in the other process"
            )
        return LazySession, (self.factory, self._lengths)

    def _created(self) -> ort.InferenceSession:
        if self.factory is None:
            raise UsageError(
                "expected the process that made the InferenceSession, found a fork of it: make "
                "the segmenter there, or from the model's path or content"
            )
        return self.factory.create(self._lengths)


def _read_names(inference: ort.InferenceSession) -> None:
    """Read all names that are used later; names that are not UTF-8 raise an error."""
    for each in (
        *inference.get_inputs(),
        *inference.get_outputs(),
        *inference.get_overridable_initializers(),
    ):
        _ = each.name, each.shape


def first_line(error: BaseException) -> str:
    """Return the message of an ONNX Runtime error, without its prefix and its stack."""
    text = str(error).strip().split("\n", 1)[0]
    # Such as "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : ".
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text) or type(error).__name__


def memory_bytes(root: Path = _ROOT) -> int | None:
    """Return how much memory the machine has, or the container may use.

    Args:
        root: Where ``sys`` is.

    Returns:
        Bytes; None if unknown.
    """
    known = [limit for name in _MEMORY_LIMITS if (limit := _number_in(root / name)) is not None]
    with suppress(AttributeError, ValueError, OSError):  # Windows; others lack one of the two
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min((each for each in known if each > 0), default=None)


@cache
def _share_arena() -> None:
    """Make the sessions of this process share one arena for activations.

    A pinned session beside the dynamic one then costs its weights (tiny: 12 MB), and the first
    one 20 MB of activations, but not 95 MB each (tiny, a 1080p photograph). The weights
    themselves cannot be shared from Python: given as initializers they are copied all the same,
    into the layout that the convolutions want. Sessions of others do not see the arena, they
    would have to ask for it. It keeps what it has until the process ends.

    It has a limit, so that a model that asks for more than there is fails with an error, where the
    system would end the process.
    """
    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    limit = int((memory_bytes() or 0) * _SHARE_OF_MEMORY)  # 0: no limit
    settings = ort.OrtArenaCfg(limit, _DEFAULT, _DEFAULT, _DEFAULT)
    # An error means that another library in this process has registered one, which is used.
    with suppress(RuntimeError):
        ort.create_and_register_allocator(memory, settings)


def _version(path: Path) -> tuple[int, int, int]:
    # Checked here, because ONNX Runtime's messages differ between releases.
    kind = kind_of(path)
    named = printable(str(path))
    if kind is None:
        raise ModelError(f"cannot load {named}: no such file")
    if kind != "file":
        raise ModelError(f"cannot load {named}: expected an ONNX file, found a {kind}")
    status = path.stat()
    if status.st_size == 0:
        raise ModelError(f"cannot load {named}: expected an ONNX file, found an empty one")
    return status.st_ino, status.st_size, status.st_mtime_ns


def _number_in(path: Path) -> int | None:
    try:
        return int(path.read_text())  # "max" means that there is no limit
    except (OSError, ValueError):
        return None
