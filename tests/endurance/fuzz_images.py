"""Thousands of damaged images: each is segmented, or refused with one of our errors.

    python tests/endurance/fuzz_images.py --count 20000 --seed 0

The images go through a segmenter in a process of their own, so that a crash and a hang are seen
and known by their image. Exit code 1 if there was one, an error that isn't ours, or an image that
took more time or memory than allowed; such images are kept.
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
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from damage import damaged
from memory import forget_highest, highest_mb
from seeds import intact_files
from small_model import write_small_model

RESULT, REFUSED = "a result", "one of our errors"


@dataclass(frozen=True)
class Outcome:
    """What became of one image."""

    kind: str
    message: str
    seconds: float
    memory_mb: float
    noise: tuple[str, ...] = ()


class Worker:
    """The process that segments; it is replaced when it dies or hangs."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._model), daemon=True)
        self._process.start()
        theirs.close()
        self._end.recv()  # it is ready

    def segment(self, content: bytes, seconds_limit: float) -> Outcome:
        """Segment an image file, or say what that did to the process."""
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


def _serve(end: Connection, model: Path) -> None:
    from ppmobileseg_deploy import OrtSegmenter, PPMobileSegError
    from ppmobileseg_deploy.runtime.images import decode_image

    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))  # other programs live here too
    segmenter = OrtSegmenter(model, threads=1, input_size_hw=(128, 128))
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
                image = decode_image(content, "image")
                result = segmenter(image)
                fits = result.labels.shape == image.shape[:2] and result.labels.max() < 3
                kind, message = (
                    (RESULT, "") if fits else ("labels that do not fit", str(image.shape))
                )
            except PPMobileSegError as error:
                message = str(error)
                kind = REFUSED if "\n" not in message else "an error of several lines"
            except BaseException as error:
                kind, message = "another error", f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - start
        noise = {f"a {each.category.__name__}" for each in heard}
        if os.fstat(2).st_size != before:  # libtiff's and OpenCV's habit
            noise.add("text of a decoder on stderr")
        end.send(Outcome(kind, message, seconds, highest_mb(), tuple(noise)))


def _sort_of(message: str) -> str:
    """What messages that differ in numbers and bytes have in common."""
    return re.sub(r"\d+", "9", re.sub(r"b(['\"]).*\1|: \w+$", "...", message))


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000, help="images to damage")
    parser.add_argument("--seed", type=int, default=0, help="another one damages them otherwise")
    parser.add_argument("--first", type=int, default=0, help="number of the first image")
    parser.add_argument("--seconds-limit", type=float, default=5)
    parser.add_argument("--memory-limit-gb", type=float, default=1)
    parser.add_argument("--keep", type=Path, help="folder for images that break the promise")
    parser.add_argument("--show-errors", action="store_true", help="print which errors there were")
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))

    files = intact_files()
    kinds: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    noises: Counter[str] = Counter()
    slowest, largest = (0.0, ""), (0.0, "")
    broken = 0
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(write_small_model(Path(folder) / "small.onnx"))
        for number in range(options.first, options.first + options.count):
            what, content = damaged(files, options.seed, number)
            outcome = worker.segment(content, options.seconds_limit)
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
                path = keep / f"{options.seed}_{number}.{what.split()[0].rstrip(':')}"
                path.write_bytes(content)
                print(
                    f"{kind}: {path} ({what}; {outcome.seconds:.2f} s, "
                    f"{outcome.memory_mb:.0f} MiB): {outcome.message}",
                    flush=True,
                )
            slowest = max(slowest, (outcome.seconds, f"image {number}, {what}"))
            largest = max(largest, (outcome.memory_mb, f"image {number}, {what}"))
            if (number + 1) % 1000 == 0:
                seconds = time.perf_counter() - start
                print(f"{number + 1} images, {seconds:.0f} s: {dict(kinds)}", flush=True)
        worker.stop()

    print(f"{options.count} damaged images of {len(files)} kinds, seed {options.seed}, ", end="")
    print(f"{time.perf_counter() - start:.0f} s")
    for kind, count in kinds.most_common():
        print(f"  {count:6} ended in {kind}")
    print(f"  slowest {slowest[0]:.2f} s ({slowest[1]})")
    print(f"  largest {largest[0]:.0f} MiB, all of the process ({largest[1]})")
    for noise, count in noises.most_common():
        print(f"  {count:6} times {noise} besides")
    if options.show_errors:
        for message, count in errors.most_common():
            print(f"  {count:6} times {message}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
