"""Thousands of damaged videos: each gives frames, or one of our errors after them.

    python tests/endurance/fuzz_videos.py --count 20000 --seed 0

The videos are read in a process of their own, so that a crash and a hang are seen and known by
their video. Exit code 1 if there was one, an error that isn't ours, or a video that took more time
or memory than allowed; such videos are kept.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from damage import damaged
from memory import forget_highest, highest_mb
from video_seeds import intact_videos

FRAMES, REFUSED = "frames", "one of our errors"


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

    def read(self, path: Path, seconds_limit: float) -> tuple[str, str, float, float]:
        """Read a video; return the kind of outcome, a message, seconds, and MiB."""
        self._end.send(path)
        start = time.perf_counter()
        # Some seconds more, so that slow and endless are told apart.
        kind = "a crash"
        if not self._end.poll(seconds_limit * 2 + 5):
            self._process.kill()
            kind = "a hang"
        else:
            try:
                return self._end.recv()
            except EOFError:
                pass
        self._process.join()
        code = self._process.exitcode
        self._start()
        return kind, f"exit code {code}", time.perf_counter() - start, 0.0

    def stop(self) -> None:
        """End the process."""
        self._end.close()
        self._process.join()


def _serve(end: Connection) -> None:
    from ppmobileseg_deploy import ImageError, VideoWarning
    from ppmobileseg_deploy.runtime.sources import Source, read_frames

    warnings.simplefilter("error")
    warnings.simplefilter("ignore", VideoWarning)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
    end.send("ready")
    while True:
        try:
            path = end.recv()
        except EOFError:
            return
        before = os.fstat(2).st_size
        forget_highest()
        start = time.perf_counter()
        kind, message = FRAMES, ""
        try:
            for frame in read_frames(Source("a video", path, path, "video")):
                if frame.image_bgr.ndim != 3 or frame.image_bgr.shape[2] != 3:
                    kind, message = "no image", str(frame.image_bgr.shape)
        except ImageError as error:
            message = str(error)
            kind = REFUSED if "\n" not in message else "an error of several lines"
        except BaseException as error:
            kind, message = "another error", f"{type(error).__name__}: {error}"
        if os.fstat(2).st_size != before:
            kind = "text on stderr"
        end.send((kind, message, time.perf_counter() - start, highest_mb()))


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000, help="videos to damage")
    parser.add_argument("--seed", type=int, default=0, help="another one damages them otherwise")
    parser.add_argument("--first", type=int, default=0, help="number of the first video")
    parser.add_argument("--seconds-limit", type=float, default=5)
    parser.add_argument("--memory-limit-gb", type=float, default=1)
    parser.add_argument("--keep", type=Path, help="folder for videos that break the promise")
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))

    files = intact_videos()
    kinds: Counter[str] = Counter()
    slowest, largest = (0.0, ""), (0.0, "")
    broken = 0
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader()
        for number in range(options.first, options.first + options.count):
            what, content = damaged(files, options.seed, number)
            path = Path(folder) / f"damaged.{what.partition(':')[0]}"
            path.write_bytes(content)
            kind, message, seconds, memory_mb = reader.read(path, options.seconds_limit)
            path.unlink()
            if memory_mb > options.memory_limit_gb * 1024:
                kind = "too much memory"
            elif kind in (FRAMES, REFUSED) and seconds > options.seconds_limit:
                kind = "too slow"
            kinds[kind] += 1
            if kind not in (FRAMES, REFUSED):
                broken += 1
                keep.mkdir(parents=True, exist_ok=True)
                kept = keep / f"{options.seed}_{number}_{path.name}"
                kept.write_bytes(content)
                print(f"{kind}: {kept} ({what}; {seconds:.2f} s, {memory_mb:.0f} MiB): {message}")
            slowest = max(slowest, (seconds, f"video {number}, {what}"))
            largest = max(largest, (memory_mb, f"video {number}, {what}"))
        reader.stop()

    print(f"{options.count} damaged videos of {len(files)} kinds, seed {options.seed}, ", end="")
    print(f"{time.perf_counter() - start:.0f} s")
    for kind, count in kinds.most_common():
        print(f"  {count:6} ended in {kind}")
    print(f"  slowest {slowest[0]:.2f} s ({slowest[1]})")
    print(f"  largest {largest[0]:.0f} MiB, all of the process ({largest[1]})")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
