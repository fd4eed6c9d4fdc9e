"""Engine of one machine: a process for each worker."""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from .plan import Plan
from .work import FileDone, Worker

ATTEMPTS: Final = 3
"""How often a file is begun whose worker dies, which an image may be the cause of."""

_worker: Worker | None = None  # of a process


def make_files(
    plan: Plan, numbers: Sequence[int], model: bytes, workers: int, threads: int
) -> Iterator[FileDone]:
    """Make files of results in so many processes.

    A process that dies is replaced, and what it was at begun anew. Closing the iterator ends all
    of them at once.

    Args:
        plan: The batch.
        numbers: The files to make.
        model: Content of the ONNX file.
        workers: How many processes.
        threads: CPU threads of each.

    Yields:
        What became of each file, in the order in which they are done.
    """
    waiting = list(reversed(numbers))
    begun: Counter[int] = Counter()
    while waiting:
        pool = ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(plan, model, threads),
        )
        running: dict[Future[FileDone], int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    number = waiting.pop()
                    begun[number] += 1
                    running[pool.submit(_make, number)] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done = future.result()
                    del running[future]
                    yield done
        except BrokenProcessPool:
            lost = sorted(running.values(), reverse=True)
            waiting += [number for number in lost if begun[number] < ATTEMPTS]
            for number in lost:
                if begun[number] >= ATTEMPTS:
                    yield FileDone(number, None, f"the worker died {ATTEMPTS} times")
        finally:
            _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the processes, whatever they are at."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()
    pool.shutdown(cancel_futures=True)


def _begin(plan: Plan, model: bytes, threads: int) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends without a word
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = Worker(plan, model, threads)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(number: int) -> FileDone:
    assert _worker is not None  # noqa: S101  set as the process began
    return _worker.make(number)
