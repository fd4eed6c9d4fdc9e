"""Ten thousand images in one run: memory stays where it was after the first two hundred.

    python tests/endurance/many_images.py --count 10000

Each image is read, segmented, drawn and written, by one segmenter in one process, in sizes that
take turns in two ways: a few in a row, so that sessions are pinned to them, and all mixed. Exit
code 1 if the process grew by more than ``--limit`` after the first ``--settled`` images.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from demo_files import demo_model, write_photographs
from memory import forget_highest, highest_mb, resident_mb

SIZES_WH = [(640, 480), (480, 640), (1920, 1080), (500, 333)]
IN_A_ROW = 36  # more than pinning.PATIENCE, and few enough for each size to come among the first


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="images to segment")
    parser.add_argument("--settled", type=int, default=200, help="images that may take memory")
    parser.add_argument("--limit", type=float, default=0.05, help="growth allowed after these")
    parser.add_argument("--model", type=Path, help="an ONNX file instead of the demo's")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        photographs = write_photographs(Path(folder) / "in", 10 * len(SIZES_WH), SIZES_WH)
        model = demo_model(Path(folder), options.model)
        return _measure(model, photographs, Path(folder) / "out", options)


def _measure(model: Path, photographs: list[Path], out: Path, options: argparse.Namespace) -> int:
    from ppmobileseg_deploy import OrtSegmenter

    segmenter = OrtSegmenter(model)
    block = options.settled
    marks: list[tuple[float, float]] = []
    start = time.perf_counter()
    print(f"{'images':>7} {'resident':>9} {'highest':>9} {'threads':>8} {'files':>6}")
    forget_highest()
    for number, photograph in zip(range(1, options.count + 1), _turns(photographs), strict=False):
        # One file for a photograph: they are replaced, as a camera's last picture would be.
        segmenter(photograph).save(out / photograph.name)
        if number % block == 0:
            marks.append((resident_mb(), highest_mb()))
            forget_highest()
            if number // block in (1, 2, 5) or number % (10 * block) == 0:
                threads = len(list(Path("/proc/self/task").iterdir()))
                files = len(list(Path("/proc/self/fd").iterdir()))
                print(
                    f"{number:7} {marks[-1][0]:6.0f} MiB {marks[-1][1]:6.0f} MiB "
                    f"{threads:8} {files:6}",
                    flush=True,
                )
    seconds = time.perf_counter() - start
    if len(marks) < 2:
        print(f"expected a count of at least {2 * block}, found {options.count}")
        return 2
    growth = [max(each[kind] for each in marks[1:]) / marks[0][kind] - 1 for kind in (0, 1)]
    print(
        f"{options.count} images in {seconds:.0f} s, {seconds / options.count * 1e3:.0f} ms each; "
        f"growth after the first {block}: {growth[0]:+.1%} of what was resident, "
        f"{growth[1]:+.1%} of the peak"
    )
    return int(max(growth) > options.limit)


def _turns(photographs: list[Path]) -> Iterator[Path]:
    # Size by size first, all mixed next, and so on; both within the first images.
    groups = [photographs[first :: len(SIZES_WH)] for first in range(len(SIZES_WH))]
    for turn in itertools.count():
        group = itertools.cycle(groups[turn % len(groups)])
        yield from itertools.islice(group, IN_A_ROW)
        yield from photographs[: len(SIZES_WH) * 2]


if __name__ == "__main__":
    sys.exit(main())
