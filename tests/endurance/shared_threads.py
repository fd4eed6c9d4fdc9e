"""Eight threads share one segmenter for a minute: what they get is what one thread gets.

    python tests/endurance/shared_threads.py --threads 8 --seconds 60

A segmenter answers from a session for any size, or, where a size has come often in a row, from
one that is pinned to it. Both round float32 in their own way, which decides the pixels where two
classes are equally likely. So there are two right answers for each image, computed beforehand by
one thread alone, and every answer must be one of the two, pixel for pixel. Exit code 1 otherwise.
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from demo_files import demo_model, write_photographs
from numpy.typing import NDArray

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.runtime.images.files import read_image
from ppmobileseg_deploy.runtime.inference.session_pool import PATIENCE

SIZES_WH = [(320, 240), (240, 320), (500, 375), (640, 360)]
PERIOD_S = 3
Image = NDArray[np.uint8]


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the order of the images")
    parser.add_argument("--model", type=Path, help="an ONNX file instead of the demo's")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        paths = write_photographs(Path(folder) / "in", 3 * len(SIZES_WH), SIZES_WH)
        model = demo_model(Path(folder), options.model)
        images = [read_image(path) for path in paths]
        dynamic = [_alone(model, image, warm_up=0) for image in images]
        pinned = [_alone(model, image, warm_up=PATIENCE + 1) for image in images]
        differing = [float((a != b).mean()) for a, b in zip(dynamic, pinned, strict=True)]
        print(
            f"{len(images)} images, each alone twice: the two sessions differ "
            f"in {sum(d > 0 for d in differing)}, by {max(differing):.5%} of the pixels at most"
        )
        segmenter = OrtSegmenter(model)
        crowd = _Crowd(segmenter, images, dynamic, pinned, options.seconds)
        workers = [
            threading.Thread(
                target=crowd.work, args=(random.Random(options.seed * 1000 + number),)
            )
            for number in range(options.threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    total = crowd.answers.total()
    print(
        f"{options.threads} threads, {options.seconds:.0f} s, {os.cpu_count()} cores: "
        f"{total} answers, "
        + ", ".join(f"{count} {kind}" for kind, count in crowd.answers.most_common())
    )
    print(f"sizes with a session of their own at the end: {segmenter._sessions.pinned_sizes_hw}")
    for failure in crowd.failures[:10]:
        print(f"  {failure}")
    wrong = total - sum(crowd.answers[kind] for kind in _Crowd.RIGHT)
    return int(wrong > 0 or total == 0)


def _alone(model: Path, image: Image, *, warm_up: int) -> Image:
    segmenter = OrtSegmenter(model)
    for _ in range(warm_up):
        segmenter(image)
    return segmenter(image).labels


class _Crowd:
    """What the threads have in common."""

    RIGHT = ("equal to either", "equal to the dynamic session's", "equal to the pinned session's")

    def __init__(
        self,
        segmenter: OrtSegmenter,
        images: list[Image],
        dynamic: list[Image],
        pinned: list[Image],
        seconds: float,
    ) -> None:
        self._segmenter = segmenter
        self._images = images
        self._dynamic = dynamic
        self._pinned = pinned
        self._end = time.perf_counter() + seconds
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []

    def work(self, rng: random.Random) -> None:
        while time.perf_counter() < self._end:
            # Now all threads bring images of one size, so that it is pinned; now of any.
            period = int((self._end - time.perf_counter()) / PERIOD_S)
            number = rng.randrange(len(self._images))
            if period % 2:
                number -= number % len(SIZES_WH)
                number += period // 2 % len(SIZES_WH)
            kind = self._answer(number)
            with self._lock:
                self.answers[kind] += 1

    def _answer(self, number: int) -> str:
        try:
            labels = self._segmenter(self._images[number]).labels
        except Exception as error:
            self.failures.append(f"image {number}: {type(error).__name__}: {error}")
            return "an error"
        as_dynamic = np.array_equal(labels, self._dynamic[number])
        as_pinned = np.array_equal(labels, self._pinned[number])
        if as_dynamic and as_pinned:
            return self.RIGHT[0]
        if as_dynamic:
            return self.RIGHT[1]
        if as_pinned:
            return self.RIGHT[2]
        wrong = (labels != self._dynamic[number]).mean()
        self.failures.append(f"image {number}: {wrong:.5%} of the pixels differ")
        return "neither"


if __name__ == "__main__":
    sys.exit(main())
