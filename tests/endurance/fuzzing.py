"""Damaged files by the thousand, tried in a process of its own: what became of each.

A crash and a hang are seen so, and known by their file.
"""

import argparse
import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from memory import forget_highest, highest_mb

RESULT, REFUSED = "a result", "one of our errors"

_LONGEST_LINE = 1000

Try = Callable[[bytes], str]
"""Uses a file, and says what is wrong with the result; nothing, as a rule. May raise anything."""

Prepare = Callable[[], Try]
"""Makes that, in the process in which the files are tried. A function of a module."""

Damaged = Callable[[int], tuple[str, bytes]]
"""Makes a damaged file by its number: what was done to it, and its content."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    kind: str
    message: str
    seconds: float
    memory_mb: float
    noise: tuple[str, ...] = ()


class Worker:
    """The process that tries files; it is replaced when it dies or hangs."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._prepare), daemon=True)
        self._process.start()
        theirs.close()
        self._end.recv()  # it is ready

    def use(self, content: bytes, seconds_limit: float) -> Outcome:
        """Use a file, or say what that did to the process."""
        self._end.send_bytes(b"+" + content)
        start = time.perf_counter()
        # Some seconds more, so that slow and endless are told apart.
        if not self._end.poll(seconds_limit * 2 + 5):
            self._process.kill()
            kind = "a hang"
        else:
            try:
                return self._end.recv()
            except EOFError:
                kind = "a crash"
        self._process.join()
        code = self._process.exitcode
        self._start()
        return Outcome(kind, f"exit code {code}", time.perf_counter() - start, 0)

    def stop(self) -> None:
        """End the process."""
        self._end.close()
        self._process.join()


def _serve(end: Connection, prepare: Prepare) -> None:
    from ppmobileseg_deploy import PPMobileSegError

    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))  # other programs live here too
    attempt = prepare()
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
    end.send("ready")
    while True:
        try:
            content = end.recv_bytes()[1:]
        except EOFError:
            return
        before = os.fstat(2).st_size
        forget_highest()
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            try:
                message = attempt(content)
                kind = "a wrong result" if message else RESULT
            except PPMobileSegError as error:
                message = str(error)
                is_line = message.isprintable() and len(message) <= _LONGEST_LINE
                kind = REFUSED if is_line else "an error of several lines"
            except BaseException as error:
                kind, message = "another error", f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - start
        noise = {f"a {each.category.__name__}" for each in heard}
        if os.fstat(2).st_size != before:  # libtiff's and OpenCV's habit
            noise.add("text of a library on stderr")
        end.send(Outcome(kind, message, seconds, highest_mb(), tuple(noise)))


def _sort_of(message: str) -> str:
    """What messages that differ in numbers and bytes have in common."""
    return re.sub(r"\d+", "9", re.sub(r"b(['\"]).*\1|: \w+$", "...", message))


def run(
    what: str,
    description: str,
    prepare: Prepare,
    damaged: Callable[[int], Damaged],
    *,
    count: int,
    seconds: float,
    memory_gb: float,
) -> int:
    """Try as many files as the command line says, print the figures, and give the exit code.

    Args:
        what: What is damaged, in the plural.
        description: For the help.
        prepare: What is done with them.
        damaged: From the seed of a series to its files.
        count: How many, unless the command line says otherwise.
        seconds: How long one may take, likewise.
        memory_gb: How much memory the process may take, likewise.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--count", type=int, default=count, help=f"{what} to damage")
    parser.add_argument("--seed", type=int, default=0, help="another one damages them otherwise")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seconds-limit", type=float, default=seconds)
    parser.add_argument("--memory-limit-gb", type=float, default=memory_gb)
    parser.add_argument("--keep", type=Path, help=f"folder for {what} that break the promise")
    parser.add_argument("--show-errors", action="store_true", help="print which errors there were")
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))

    kinds: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    noises: Counter[str] = Counter()
    slowest, largest = (0.0, ""), (0.0, "")
    broken = 0
    start = time.perf_counter()
    make = damaged(options.seed)
    worker = Worker(prepare)
    for number in range(options.first, options.first + options.count):
        done, content = make(number)
        outcome = worker.use(content, options.seconds_limit)
        kind = outcome.kind
        if outcome.memory_mb > options.memory_limit_gb * 1024:
            kind = "too much memory"
        elif kind in (RESULT, REFUSED) and outcome.seconds > options.seconds_limit:
            kind = "too slow"
        kinds[kind] += 1
        noises.update(outcome.noise)
        if kind == REFUSED:
            errors[_sort_of(outcome.message)] += 1
        elif kind != RESULT:
            broken += 1
            keep.mkdir(parents=True, exist_ok=True)
            path = keep / f"{options.seed}_{number}.{done.split()[0].rstrip(':')}"
            path.write_bytes(content)
            print(
                f"{kind}: {path} ({done}; {outcome.seconds:.2f} s, "
                f"{outcome.memory_mb:.0f} MiB): {outcome.message[:300]!a}",
                flush=True,
            )
        slowest = max(slowest, (outcome.seconds, f"number {number}, {done}"))
        largest = max(largest, (outcome.memory_mb, f"number {number}, {done}"))
        if (number + 1) % 1000 == 0:
            passed = time.perf_counter() - start
            print(f"{number + 1} {what}, {passed:.0f} s: {dict(kinds)}", flush=True)
    worker.stop()

    print(f"{options.count} damaged {what}, seed {options.seed}, ", end="")
    print(f"{time.perf_counter() - start:.0f} s")
    for kind, times in kinds.most_common():
        print(f"  {times:6} ended in {kind}")
    print(f"  slowest {slowest[0]:.2f} s ({slowest[1]})")
    print(f"  largest {largest[0]:.0f} MiB, all of the process ({largest[1]})")
    for noise, times in noises.most_common():
        print(f"  {times:6} times {noise} besides")
    if options.show_errors:
        for message, times in errors.most_common():
            print(f"  {times:6} times {message!a}")
    sys.stdout.flush()
    return 1 if broken else 0
