"""A run over photographs and videos gets Ctrl-C at any moment: nothing half, hidden or hanging.

    python tests/endurance/ctrl_c.py --times 100

``ppms-infer`` with 1, 2 and 5 workers gets SIGINT at moments drawn by chance. It must end by
itself with exit code 130, or with 0 where it was done; every file must be whole, and no temporary
one may be left. Then ``--resume`` must make the images and labels of a run that was never
interrupted, to the byte. Exit code 1 otherwise.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
from commands import fault_of, results_in, start_infer, temporaries_in
from demo_files import demo_model, write_photographs

SIZES_WH = [(320, 240), (240, 320), (640, 360), (1280, 720)]
WORKERS = (1, 2, 5)
LONGEST_S = 30
RESUMED = 0.4
NOTE = ".unfinished"  # of a video that was stopped, for --resume
INTERRUPTED = 130
KILLED = -signal.SIGINT  # by the system, where Python has not yet or no longer a handler


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--frames", type=int, default=24, help="of each of two videos")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--model", type=Path, help="an ONNX file instead of the demo's")
    options = parser.parse_args()
    # Shells let what they start in the background ignore it, which is handed on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_photographs(folder / "in", options.images, SIZES_WH)
        for number in (1, 2):
            place = paths[len(paths) * number // 3]
            _write_video(place.with_suffix(".moving.mp4"), paths, options.frames)
        model = demo_model(folder, options.model)
        faults = _interrupt(folder, model, options)
    for fault in faults:
        print(f"  {fault}")
    return int(bool(faults))


def _interrupt(folder: Path, model: Path, options: argparse.Namespace) -> list[str]:
    common: list[str | Path] = [
        folder / "in",
        "--model",
        model,
        "--save",
        "overlay,labels,json,rle",
        "--output",
    ]
    start = time.perf_counter()
    _, errors = (first := start_infer(*common, folder / "whole")).communicate()
    seconds = time.perf_counter() - start
    if first.returncode != 0:
        return [f"the run that was not interrupted: {errors.strip()}"]
    expected = results_in(folder / "whole")
    print(f"{len(expected)} files, {seconds:.1f} s in one go", flush=True)

    rng = random.Random(options.seed)
    out = folder / "out"
    faults: list[str] = []
    codes: Counter[tuple[int, int]] = Counter()
    longest_s = 0.0
    for number in range(options.times):
        shutil.rmtree(out, ignore_errors=True)
        workers = WORKERS[number % len(WORKERS)]
        resumed = [*common, out, "--resume", "--workers", str(workers)]
        process = start_infer(*resumed)
        moment_s = rng.uniform(0.3, 1.1 * seconds)
        time.sleep(moment_s)
        process.send_signal(signal.SIGINT)
        start = time.perf_counter()
        told = f"{number}: {workers} workers, after {moment_s:.2f} s"
        try:
            _, errors = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            faults.append(f"{told}: it hangs")
            process.kill()
            process.communicate()
            continue
        longest_s = max(longest_s, time.perf_counter() - start)
        codes[workers, process.returncode] += 1
        if process.returncode not in (0, INTERRUPTED, KILLED) or "Traceback" in errors:
            faults.append(f"{told}: exit code {process.returncode}: {errors.strip()}")
        found = results_in(out) if out.exists() else {}
        whole = [path for place, path in found.items() if not place.endswith(NOTE)]
        faults += [f"{told}: {fault}" for path in whole if (fault := fault_of(path))]
        if out.exists():
            faults += [
                f"{told}: code {process.returncode}: left {path.name}"
                for path in temporaries_in(out)
            ]
        if rng.random() < RESUMED:
            _, errors = (last := start_infer(*resumed)).communicate()
            if last.returncode != 0:
                faults.append(f"{told}: resumed, exit code {last.returncode}: {errors.strip()}")
            faults += [f"{told}: {each}" for each in _differences(expected, results_in(out))]
    counts = ", ".join(
        f"{count} times exit code {code} with {workers}"
        for (workers, code), count in sorted(codes.items())
    )
    print(f"{counts} workers; the longest wait for the end was {longest_s:.1f} s")
    return faults


def _differences(expected: dict[str, Path], found: dict[str, Path]) -> list[str]:
    faults = [f"missing: {place}" for place in expected.keys() - found.keys()]
    faults += [f"not expected: {place}" for place in found.keys() - expected.keys()]
    faults += [
        f"other content: {place}"
        for place in expected.keys() & found.keys()
        if expected[place].read_bytes() != found[place].read_bytes()
        # They tell how long it took; and x264 packs the same pixels now and then in another way.
        and not place.endswith((".json", ".jsonl", ".mp4"))
    ]
    return faults


def _write_video(path: Path, photographs: list[Path], frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, SIZES_WH[0])
    for number in range(frames):
        image = cv2.imread(str(photographs[number % len(photographs)]))
        assert image is not None
        writer.write(cv2.resize(image, SIZES_WH[0]))
    writer.release()


if __name__ == "__main__":
    sys.exit(main())
