"""Thousands of damaged and made-up checkpoints: each is read, or refused as a `CheckpointError`.

    python tests/endurance/fuzz_checkpoints.py --count 10000 --seed 0

They are read in a process of their own, so that a crash and a hang are seen and known by their
file. Exit code 1 if there was one, an error of another kind, a message of unusual length, or a
file that took more time or memory than allowed; such files are kept.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from checkpoint_damage import DEMO, damaged_checkpoint, intact_checkpoints
from memory import forget_highest, highest_mb, resident_mb

READ, REFUSED = "a checkpoint", "one of our errors"
MAX_MESSAGE = 100_000


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    kind: str
    message: str
    seconds: float
    memory_mb: float


class Reader:
    """The process that reads; it is replaced when it dies or hangs."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._end.recv()  # it is ready

    def read(self, path: Path, seconds_limit: float) -> Outcome:
        """Read a checkpoint, or say what that did to the process."""
        self._end.send(path)
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


def _serve(end: Connection) -> None:
    from ppmobileseg_deploy.checkpoints import Checkpoint, load_checkpoint
    from ppmobileseg_deploy.errors import CheckpointError

    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))  # other programs live here too
    load_checkpoint(DEMO)
    end.send("ready")
    while True:
        try:
            path = end.recv()
        except EOFError:
            return
        forget_highest()
        before = resident_mb()
        start = time.process_time()  # of this process alone, whatever else the machine does
        try:
            found = load_checkpoint(path)
            kind, message = READ, "" if isinstance(found, Checkpoint) else "something else"
        except CheckpointError as error:
            kind, message = REFUSED, str(error)
        except BaseException as error:
            kind, message = "another error", f"{type(error).__name__}: {error}"
        if "\n" in message or len(message) > MAX_MESSAGE:
            kind = "an unwieldy message"
        seconds = time.process_time() - start
        end.send(Outcome(kind, message[:200], seconds, highest_mb() - before))


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="files to make")
    parser.add_argument("--seed", type=int, default=0, help="another one makes others")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--seconds-limit", type=float, default=5)
    parser.add_argument("--memory-limit-mb", type=float, default=400)
    parser.add_argument("--keep", type=Path, help="folder for files that break the promise")
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))

    files = intact_checkpoints()
    kinds: Counter[str] = Counter()
    slowest, largest = (0.0, ""), (0.0, "")
    broken = 0
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.pth"
        reader = Reader()
        for number in range(options.first, options.first + options.count):
            what, content = damaged_checkpoint(files, options.seed, number)
            path.write_bytes(content)
            outcome = reader.read(path, options.seconds_limit)
            kind = outcome.kind
            if outcome.memory_mb > options.memory_limit_mb:
                kind = "too much memory"
            elif kind in (READ, REFUSED) and outcome.seconds > options.seconds_limit:
                kind = "too slow"
            kinds[kind] += 1
            if kind not in (READ, REFUSED):
                broken += 1
                keep.mkdir(parents=True, exist_ok=True)
                kept = keep / f"{options.seed}_{number}.pth"
                kept.write_bytes(content)
                print(
                    f"{kind}: {kept} ({what}; {outcome.seconds:.2f} s, "
                    f"{outcome.memory_mb:.0f} MiB): {outcome.message}",
                    flush=True,
                )
            slowest = max(slowest, (outcome.seconds, f"file {number}, {what}"))
            largest = max(largest, (outcome.memory_mb, f"file {number}, {what}"))
            if (number + 1) % 1000 == 0:
                seconds = time.perf_counter() - start
                print(f"{number + 1} files, {seconds:.0f} s: {dict(kinds)}", flush=True)
        reader.stop()

    print(f"{options.count} files of {len(files)} kinds, seed {options.seed}, ", end="")
    print(f"{time.perf_counter() - start:.0f} s")
    for kind, count in kinds.most_common():
        print(f"  {count:6} ended in {kind}")
    print(f"  slowest {slowest[0]:.2f} s ({slowest[1]})")
    print(f"  largest {largest[0]:.0f} MiB more than before ({largest[1]})")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
