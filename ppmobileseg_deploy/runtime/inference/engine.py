"""ONNX Runtime's session, started again where it cannot be taken along."""

from collections.abc import Callable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any

import onnxruntime as ort

from ...errors import UsageError
from .forks import never_free, watch
from .ort_session import Starter


class Engine:
    """A session of ONNX Runtime, in whatever process it is asked for.

    Its threads and its memory stay where they are when this object is pickled, or when the
    process forks. It is then started anew, when it is first needed. May be used by several
    threads.

    Args:
        starter: Starts the session; None for one that was handed in, which can only be used in
            the process where it was made.
        lengths: Lengths of named dimensions that are the session's only ones.
        inference: The session, if it has been started already.
    """

    def __init__(
        self,
        starter: Starter | None,
        lengths: Mapping[str, int] = MappingProxyType({}),
        inference: ort.InferenceSession | None = None,
    ) -> None:
        self.starter = starter
        self._lengths = dict(lengths)
        self._inference = inference
        self._lock = Lock()
        watch(self)

    @property
    def inference(self) -> ort.InferenceSession:
        """ONNX Runtime's session.

        Raises:
            ModelError: It has to be started again, and the file is gone or has changed.
            UsageError: It was handed in, and this is another process.
        """
        inference = self._inference
        if inference is None:
            with self._lock:
                inference = self._inference
                if inference is None:
                    inference = self._inference = self._started()
        return inference

    def release(self) -> None:
        """Let go of the session until it is needed again; runs that go on finish."""
        if self.starter is not None:
            self._inference = None

    def after_fork(self) -> None:
        """Forget the session, whose threads are in the parent."""
        self._lock = Lock()
        if self._inference is not None:
            never_free(self._inference)  # it would wait for its threads
            self._inference = None

    def __reduce__(self) -> tuple[Callable[..., "Engine"], tuple[Any, ...]]:
        if self.starter is None:
            raise UsageError(
                "cannot pickle a segmenter of an InferenceSession: make it from the model's path "
                "or content"
            )
        if self.starter.execution.sess_options is not None:
            raise UsageError(
                "cannot pickle a segmenter with sess_options, as ONNX Runtime cannot pickle them: "
                "make it in the other process"
            )
        return Engine, (self.starter, self._lengths)

    def _started(self) -> ort.InferenceSession:
        if self.starter is None:
            raise UsageError(
                "expected the process that made the InferenceSession, found a fork of it: make "
                "the segmenter there, or from the model's path or content"
            )
        return self.starter.start(self._lengths)
