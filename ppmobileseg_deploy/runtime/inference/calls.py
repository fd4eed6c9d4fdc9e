"""Runs of an ONNX Runtime session, which Ctrl-C and a time limit can end.

While ONNX Runtime computes, Python does not handle signals. Where a run has to be ended, it is
made in a thread of its own: in the main thread, which gets Ctrl-C, and wherever there is a time
limit. ONNX Runtime ends a run between two operators of the graph.
"""

import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from time import monotonic
from typing import Any, Final, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ...errors import ModelError, ModelTimeoutError
from .model_output import ModelOutput
from .ort_session import first_line

Work: TypeAlias = Callable[[ort.RunOptions], Any]

_LOOK_S: Final = 0.2  # on Windows, Ctrl-C does not end waiting
_PATIENCE_S: Final = 0.5  # for the running operator to end after termination was requested

_active: "Final[dict[threading.Thread, _Run]]" = {}
"""Runs in progress, by the thread that waits for them."""


def run_into(
    inference: ort.InferenceSession,
    feeds: Mapping[str, NDArray[Any]],
    output: ModelOutput,
    values: NDArray[Any],
    source: str,
    timeout_s: float | None = None,
) -> None:
    """Compute one output into an array.

    An array of ONNX Runtime's own would be copied, which takes half as long as the network where
    it holds the logits of 150 classes; and it may turn out to be huge.

    Args:
        inference: The session.
        feeds: Inputs by name. Optional inputs are not among them: they cannot be bound.
        output: The output to compute.
        values: Array of the shape and type that the output must have, contiguous; written to.
        source: File name, for messages.
        timeout_s: Most seconds that it may take; None for any number.

    Raises:
        ModelTimeoutError: It takes too long. An operator that does not end goes on in its
            thread.
        ModelError: The model fails, or its output has another shape.
    """
    binding = inference.io_binding()
    # ONNX Runtime accesses these arrays as long as the run's thread lives: it must hold them.
    given = {name: np.ascontiguousarray(array) for name, array in feeds.items()}
    for name, array in given.items():
        binding.bind_cpu_input(name, array)
    binding.bind_output(
        output.name, "cpu", 0, values.dtype.type, list(values.shape), values.ctypes.data
    )

    def work(options: ort.RunOptions) -> tuple[Any, ...]:
        inference.run_with_iobinding(binding, options)
        return given, values

    failure = _ended(work, source, timeout_s).failure
    if failure is None:
        return
    message = str(failure)
    expected = f"expected {output.kind} of shape {values.shape}"
    if "dimensions for output" in message:
        raise ModelError(f"{source} failed: {expected}, found {output.declared}") from failure
    found = _computed_shape(message)
    if found is not None:
        raise ModelError(f"{source}: {expected}, found {found}") from failure
    raise ModelError(f"{source} failed: {first_line(failure)}") from failure


def run_session(
    inference: ort.InferenceSession,
    output_names: Sequence[str],
    feeds: Mapping[str, NDArray[Any]],
    source: str,
    timeout_s: float | None = None,
) -> list[Any]:
    """Compute outputs of any shape.

    Args:
        inference: The session.
        output_names: Names of the outputs.
        feeds: What goes in, by name.
        source: File name, for messages.
        timeout_s: Most seconds that it may take; None for any number.

    Returns:
        The outputs, in this order; those that are no tensors are no arrays.

    Raises:
        ModelTimeoutError: It takes too long.
        ModelError: The model fails.
    """
    names = list(output_names)
    run = _ended(lambda options: inference.run(names, dict(feeds), options), source, timeout_s)
    if run.failure is not None:
        raise ModelError(f"{source} failed: {first_line(run.failure)}") from run.failure
    outputs: list[Any] = run.result
    return outputs


def end_runs(threads: Collection[threading.Thread]) -> None:
    """End the runs that threads wait for, which raises `KeyboardInterrupt` in them.

    Args:
        threads: Those that Ctrl-C is meant for, but which do not get it.
    """
    for thread in threads:
        run = _active.get(thread)
        if run is not None:
            run.interrupt()


def _ended(work: Work, source: str, timeout_s: float | None) -> "_Run":
    run = _Run(work)
    current = threading.current_thread()
    _active[current] = run
    try:
        if timeout_s is None and current is not threading.main_thread():
            run.here()
            done = True
        else:
            done = run.in_a_thread(timeout_s)
    finally:
        del _active[current]
    if run.interrupted and (run.failure is not None or not done):
        raise KeyboardInterrupt
    if not done:
        raise ModelTimeoutError(f"{source}: expected an answer within {timeout_s:g} s, found none")
    return run


def _computed_shape(message: str) -> tuple[int, ...] | None:
    """Find the computed shape in ONNX Runtime's message about an output of another shape."""
    # 1.15: "Current shape:{1,3} Requested shape:{1,4}"; 1.32: "has shape {1,3} but the computed
    # output shape for this run is {1,4}".
    shapes = re.findall(r"shape[^{}]*\{([0-9,]+)\}", message)
    return tuple(map(int, shapes[-1].split(","))) if len(shapes) > 1 else None


class _Run:
    """One run of a session, in this thread or another.

    Args:
        work: Runs it. Its result holds all memory that ONNX Runtime reads and writes.
    """

    def __init__(self, work: Work) -> None:
        self.result: Any = None
        self.failure: Exception | None = None
        self.interrupted = False
        self._work = work
        self._options = ort.RunOptions()
        self._done = threading.Event()

    def here(self) -> None:
        """Run in this thread."""
        try:
            self.result = self._work(self._options)
        except Exception as error:  # the errors' classes differ between releases
            self.failure = error
        finally:
            self._done.set()

    def in_a_thread(self, timeout_s: float | None) -> bool:
        """Run in another thread, and wait for it.

        Args:
            timeout_s: For how long; None for as long as it takes.

        Returns:
            Whether it came to an end.
        """
        end_s = inf if timeout_s is None else monotonic() + timeout_s
        try:
            try:
                threading.Thread(target=self.here, name="onnxruntime", daemon=True).start()
            except RuntimeError:  # too many threads, or the interpreter is shutting down
                self.here()
            while not self._done.wait(min(_LOOK_S, max(end_s - monotonic(), 0))):
                if monotonic() >= end_s or self.interrupted:
                    self._stop()
                    return False
        except BaseException:  # Ctrl-C, or any exception of a signal handler
            self._stop()
            raise
        return True

    def interrupt(self) -> None:
        """End it from another thread."""
        self.interrupted = True
        self._options.terminate = True

    def _stop(self) -> None:
        self._options.terminate = True
        self._done.wait(_PATIENCE_S)
