"""Session of a segmentation model: its interface, and ONNX Runtime's session that runs it."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ...errors import ModelError, UsageError
from ...quoting import brief
from ...types import SizeHW
from .calls import run_into
from .classes import Classes
from .execution import Execution, device_of
from .model_interface import MetadataWarning, ModelInterface, read_interface
from .ort_session import LazySession, SessionFactory
from .scores import finite

__all__ = ["LOOP_TIMEOUT_S", "MetadataWarning", "Model", "Session", "open_session"]

LOOP_TIMEOUT_S: Final = 20.0
"""Seconds for a run of a file with a loop in its graph, which need not have an end."""

Model: TypeAlias = str | Path | bytes | ort.InferenceSession
"""A model to open: path of a file, its content, or a session of the user's."""

_LONGEST_S: Final = 1e9
_HANDED_IN: Final = "the session"
_OPENERS: Final = 3
"""Stack level of a warning, from here to the caller of OrtSegmenter."""


@dataclass(frozen=True, eq=False)
class Session:
    """An open model. `run` may be called from several threads.

    It can be pickled, and used after a fork: ONNX Runtime's session is created again then.

    Attributes:
        interface: Input, output and metadata.
        lazy: ONNX Runtime's session.
        source: Name of the model in messages.
        device: A key of `execution.PROVIDERS`, or the name of an execution provider.
        timeout_s: Most seconds that a run may take; None for any number.
    """

    interface: ModelInterface
    lazy: LazySession
    source: str
    device: str
    timeout_s: float | None = None

    @property
    def model_file(self) -> str:
        """Name of the model's file, empty where it came as content or as an open session."""
        factory = self.lazy.factory
        if factory is None or factory.version is None:
            return ""
        return Path(str(factory.content)).name

    @property
    def reopens(self) -> bool:
        """Whether the same file can be opened again, with other settings."""
        factory = self.lazy.factory
        return factory is not None and factory.execution.sess_options is None

    @property
    def pinnable(self) -> bool:
        """Whether a session for one size is faster than this one."""
        return bool(self.interface.free_dimensions)

    def pinned(self, size_hw: SizeHW) -> "Session":
        """Open the same file for one image of one size at a time, which is faster.

        Args:
            size_hw: Height and width of the input.

        Returns:
            A session whose results are the same but for the rounding of float32. It is this
            one unless `pinnable`.

        Raises:
            ModelError: The file is gone or has changed since.
        """
        factory = self.lazy.factory
        if not self.pinnable or factory is None:
            return self
        # The third name is that of a free batch, which not every file has.
        lengths = dict(zip(self.interface.free_dimensions, (*size_hw, 1), strict=False))
        interface = replace(
            self.interface, static_size_hw=size_hw, free_dimensions=(), batchable=False
        )
        lazy = LazySession(factory, lengths, factory.create(lengths))
        return replace(self, interface=interface, lazy=lazy)

    def with_threads(self, threads: int) -> "Session":
        """Return a session of the same file that runs on so many threads; opened when needed.

        Args:
            threads: Threads within an operator.

        Returns:
            A session with the same results. It is this one where it cannot be opened again with
            other settings: with options of the user's, or as a session that was handed in.
        """
        factory = self.lazy.factory
        if factory is None or not self.reopens:
            return self
        execution = replace(factory.execution, threads=threads)
        return replace(self, lazy=LazySession(replace(factory, execution=execution)))

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Compute the output for one input.

        Args:
            tensor: (batch, 3, height, width) float32, or (batch, height, width, 3) uint8 if the
                interface says ``takes_bytes``, as `Preprocessing` makes it.

        Returns:
            (batch, height, width) class ids, any integer type, or (batch, classes, height,
            width) float32 scores, of which the largest one is the class. They may be coarser than
            the input, see `ModelInterface.output_shape`.

        Raises:
            ModelTimeoutError: It takes longer than it may.
            ModelError: The model fails on this input, answers in another shape or with scores
                that are no numbers, or has to be opened again, which fails.
            UsageError: The session was handed in, and this is another process.
        """
        interface = self.interface
        values = np.empty(interface.output_shape(tensor.shape), interface.output.dtype)
        run_into(
            self.lazy.inference,
            {interface.input_name: tensor},
            interface.output,
            values,
            self.source,
            self.timeout_s,
        )
        if interface.output.kind == "labels":
            return values.reshape(len(tensor), *values.shape[-2:])
        scores = interface.scores.complete(values)
        if not finite(scores):
            raise ModelError(
                f"{self.source}: expected logits that are numbers, found NaN, infinity, or pixels "
                "whose logits all are minus infinity"
            )
        return scores


def open_session(
    model: Model,
    execution: Execution | None = None,
    classes: Classes | None = None,
    timeout_s: float | None = None,
) -> Session:
    """Open an ONNX file and check that it is a segmentation model.

    Args:
        model: Path of the file, its content, or a session that is open already.
        execution: Execution settings; None for the CPU. Not for a session of the user's.
        classes: Names and colours in place of the file's.
        timeout_s: Most seconds that a run may take; None for any number, or for `LOOP_TIMEOUT_S`
            where the file has a loop.

    Raises:
        DeviceError: The provider does not start.
        ModelError: The file cannot be read, or its input or output is not as expected.
        UsageError: The model has another type, the names or colours do not fit it, or the
            timeout is not a positive number.

    Warns:
        MetadataWarning: The file lacks metadata, see `read_interface`.
    """
    execution, classes = execution or Execution(), classes or Classes()
    timeout_s = _checked_timeout(timeout_s)
    if isinstance(model, ort.InferenceSession):
        if execution != Execution():
            raise UsageError(
                "expected no device, threads, sess_options or providers with an "
                "InferenceSession, which has its own, found some"
            )
        interface = read_interface(model, _HANDED_IN, classes, None, stacklevel=_OPENERS)
        # Its file is unknown: no session can be pinned to a size.
        interface = replace(interface, free_dimensions=())
        device = device_of(model.get_providers()[0])
        return Session(
            interface, LazySession(None, inference=model), _HANDED_IN, device, timeout_s
        )
    if not isinstance(model, str | Path | bytes):
        raise UsageError(
            f"expected a model file's path, its content as bytes, or an InferenceSession, found "
            f"{type(model).__name__}"
        )
    factory = SessionFactory.of(model, execution)
    inference = factory.create()
    interface = read_interface(
        inference,
        factory.source,
        classes,
        factory.graph,
        path=None if isinstance(factory.content, bytes) else Path(factory.content),
        stacklevel=_OPENERS,
    )
    if execution.sess_options is not None:
        # Pinning needs changed options; the user's are not changed, and cannot be copied.
        interface = replace(interface, free_dimensions=())
    if timeout_s is None and factory.graph is not None and factory.graph.has_loop:
        timeout_s = LOOP_TIMEOUT_S
        warnings.warn(
            f"{factory.source} has a loop in its graph, which need not have an end: an image gets "
            f"{timeout_s:g} s, unless a timeout says otherwise",
            MetadataWarning,
            stacklevel=_OPENERS,
        )
    lazy = LazySession(factory, inference=inference)
    return Session(interface, lazy, factory.source, execution.device, timeout_s)


def _checked_timeout(timeout: object) -> float | None:
    if timeout is None:
        return None
    # Negated, so that a NaN is refused.
    is_number = isinstance(timeout, float | int) and not isinstance(timeout, bool)
    if not is_number or not 0 < float(timeout) < _LONGEST_S:  # type: ignore[arg-type]
        raise UsageError(f"expected a timeout of more than 0 seconds, found {brief(timeout)}")
    return float(timeout)  # type: ignore[arg-type]
