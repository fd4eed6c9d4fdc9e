"""A run over a folder is killed again and again, and resumed: nothing half, twice or missing.

    python tests/endurance/kill_resume.py --images 200 --kills 8

``ppms-infer`` is killed by SIGKILL, which no program can prepare for, at moments drawn by chance.
After each kill every file that has its final name must be whole, and the next run must leave it
alone; after the last run there are the files of a run that was never killed, with its labels,
and no others. Exit code 1 otherwise.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from commands import fault_of, results_in, start_infer, temporaries_in
from demo_files import demo_model, write_photographs

SIZES_WH = [(320, 240), (240, 320), (640, 360)]
ROUNDING = 1e-3  # share of pixels: sessions that are pinned to a size round in another way


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--frames", type=int, default=80, help="of a video among them; 0 for none")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--model", type=Path, help="an ONNX file instead of the demo's")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_photographs(folder / "in", options.images, SIZES_WH)
        if options.frames:
            # Named so that it comes in the middle.
            _write_video(paths[len(paths) // 3].with_suffix(".moving.mp4"), paths, options.frames)
        model = demo_model(folder, options.model)
        faults = _torment(folder, model, options)
    for fault in faults:
        print(f"  {fault}")
    return int(bool(faults))


def _torment(folder: Path, model: Path, options: argparse.Namespace) -> list[str]:
    common = [folder / "in", "--model", model, "--save", "overlay,labels,json", "--output"]
    start = time.perf_counter()
    _, errors = (whole := start_infer(*common, folder / "whole")).communicate()
    seconds = time.perf_counter() - start
    if whole.returncode != 0:
        return [f"the run that was not killed: {errors.strip()}"]
    expected = results_in(folder / "whole")
    print(f"{len(expected)} files, {seconds:.0f} s in one go")

    rng = random.Random(options.seed)
    out = folder / "killed"
    out.mkdir()
    faults: list[str] = []
    command = [*common, out, "--resume"]
    for kill in range(options.kills + 1):
        before = {place: _identity(path) for place, path in results_in(out).items()}
        process = start_infer(*command)
        if kill < options.kills:
            # Into the work, not into the start, and never so far that nothing is left to do.
            share = len(expected) // (options.kills + 2)
            _wait_for_files(process, out, len(before) + rng.randrange(share // 4, share))
            time.sleep(rng.uniform(0, 0.05))
            process.kill()
        _, errors = process.communicate()
        if process.returncode > 0:
            faults.append(f"run {kill + 1}: exit code {process.returncode}: {errors.strip()}")
        after = results_in(out)
        faults += [f"run {kill + 1} lost {place}" for place in before.keys() - after.keys()]
        faults += [
            f"run {kill + 1} made {place} again"
            for place in before.keys() & after.keys()
            if before[place] != _identity(after[place])
        ]
        faults += [fault for path in after.values() if (fault := fault_of(path))]
        print(
            f"run {kill + 1}: {'killed' if process.returncode < 0 else 'done'} with {len(after)} "
            f"files whole, {len(temporaries_in(out))} abandoned",
            flush=True,
        )
    return faults + _differences(expected, results_in(out), out)


def _differences(expected: dict[str, Path], found: dict[str, Path], out: Path) -> list[str]:
    faults = [f"missing: {place}" for place in expected.keys() - found.keys()]
    faults += [f"not expected: {place}" for place in found.keys() - expected.keys()]
    faults += [f"still there: {path.name}" for path in temporaries_in(out)]
    for place in expected.keys() & found.keys():
        if place.endswith(".png"):
            right, labels = (cv2.imread(str(files[place]), -1) for files in (expected, found))
            if right.shape != labels.shape or np.mean(right != labels) > ROUNDING:
                faults.append(f"other labels: {place}")
    return faults


def _wait_for_files(process: "subprocess.Popen[str]", out: Path, count: int) -> None:
    while process.poll() is None and len(results_in(out)) < count:
        time.sleep(0.01)


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _write_video(path: Path, photographs: list[Path], frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, SIZES_WH[0])
    for number in range(frames):
        image = cv2.imread(str(photographs[number % len(photographs)]))
        writer.write(cv2.resize(image, SIZES_WH[0]))
    writer.release()


if __name__ == "__main__":
    sys.exit(main())
