"""A batch on a cluster whose workers, nodes and driver are killed: every image once.

    .venv-cluster/bin/python tests/cluster_ray/kill_cluster.py --images 2000 --kills 10

Kills come at moments drawn by chance, by SIGKILL. Afterwards the files of results have to be those
of a run on this machine that was never killed, byte for byte, and memory no more than it was
in the first third of the run. Exit code 1 otherwise.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import cv2
from nodes import PPMS, Nodes

from ppmobileseg_deploy.cluster.verifying import verify_batch

DEMO = Path(__file__).parents[2] / "demo"
SIZES_HW = ((96, 128), (128, 96), (120, 120))
ROWS_PER_FILE = 20
KINDS = ("a worker", "a node", "the driver")
MOST_GROWTH = 0.05
DEADLINE_S = 1800


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder / "in", options.images)
        common = ("-m", DEMO / "ppmobileseg_tiny_demo.onnx", "--rows-per-file", ROWS_PER_FILE)
        start = time.monotonic()
        command = [PPMS, "batch", folder / "in", folder / "whole", *common, "--workers", 2]
        subprocess.run([str(each) for each in command], check=True, capture_output=True)
        print(f"never killed, two processes: {time.monotonic() - start:.0f} s", flush=True)
        with Nodes(2) as nodes:
            torment = _Torment(nodes, folder, [str(each) for each in common], options)
            start = time.monotonic()
            torment.run()
            print(f"on the cluster, with kills: {time.monotonic() - start:.0f} s")
        checked = verify_batch(str(folder / "out"))
        faults = [*torment.faults, *checked.faults]
        whole, found = _files(folder / "whole"), _files(folder / "out")
        faults += [f"other bytes: {name}" for name in whole if found.get(name) != whole[name]]
        faults += [f"not expected: {name}" for name in found.keys() - whole.keys()]
        left = [path for path in (folder / "out").rglob("*") if path.name.startswith(".")]
    for fault in faults:
        print(f"  {fault}")
    print(f"{options.images} images, {len(found)} files, {len(faults)} faults")
    print(f"half-written files of killed processes beside them, which nothing reads: {len(left)}")
    return int(bool(faults))


class _Torment:
    """The run that is killed, and its memory meanwhile."""

    def __init__(
        self, nodes: Nodes, folder: Path, common: list[str], options: argparse.Namespace
    ) -> None:
        self.faults: list[str] = []
        self._nodes, self._options = nodes, options
        self._out = folder / "out"
        resume = ("--resume", "--workers", "2")
        self._arguments = (str(folder / "in"), str(self._out), *common, *resume)
        self._process = nodes.start(*self._arguments)
        self._driver_mb: list[float] = []
        self._worker_mb: list[float] = []
        self._done = threading.Event()

    def run(self) -> None:
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            self._kill_all()
            self._finish()
        finally:
            self._done.set()
            watcher.join()
            self._process.kill()
        self._judge_memory("driver", self._driver_mb)
        self._judge_memory("worker", self._worker_mb)

    def _kill_all(self) -> None:
        rng = random.Random(self._options.seed)
        between = self._options.images // ROWS_PER_FILE / (self._options.kills + 1)
        for kill in range(self._options.kills):
            wanted = between * (kill + rng.uniform(0.5, 1.5))
            deadline = time.monotonic() + DEADLINE_S / self._options.kills
            while self._process.poll() is None and len(_files(self._out)) < wanted:
                if time.monotonic() > deadline:
                    self.faults.append(f"no progress: {len(_files(self._out))} files")
                    return
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.5))
            what = KINDS[kill % len(KINDS)]
            running = self._process.poll() is None
            if what == "a worker":
                while not self._nodes.kill_worker(rng.randrange(2)):
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        self.faults.append("no worker to kill")
                        return
                    time.sleep(0.02)
            elif what == "a node":
                self._nodes.kill_node(rng.randrange(2))
                self._nodes.add()
            else:
                self._process.kill()
            print(f"killed {what} with {len(_files(self._out))} files there", flush=True)
            if not running:
                self.faults.append("the run had ended before it was killed")
            if what == "the driver":
                self._process.communicate()
                self._process = self._nodes.start(*self._arguments)

    def _finish(self) -> None:
        _, errors = self._process.communicate(timeout=DEADLINE_S)
        if self._process.returncode:
            self.faults.append(f"exit code {self._process.returncode}: {errors[-500:]}")

    def _watch(self) -> None:
        while not self._done.wait(0.5):
            self._driver_mb.append(_resident_mb(self._process.pid))
            self._worker_mb.append(max(map(_resident_mb, self._nodes.workers()), default=0))

    def _judge_memory(self, what: str, mb: list[float]) -> None:
        third = max(1, len(mb) // 3)
        first, last = max(mb[:third], default=0), max(mb[-third:], default=0)
        print(f"largest {what}: {first:.0f} MiB in the first third, {last:.0f} MiB in the last")
        if last > first * (1 + MOST_GROWTH):
            self.faults.append(f"memory of the {what} grew")


def _write_images(folder: Path, count: int) -> None:
    folder.mkdir()
    photographs = [cv2.imread(str(path)) for path in sorted((DEMO / "images").glob("*.jpg"))]
    for number in range(count):
        image = photographs[number % len(photographs)]
        # A part of the photograph that is never quite the same.
        part = image[number * 5 % (image.shape[0] // 4) :, number * 7 % (image.shape[1] // 4) :]
        height, width = SIZES_HW[number % len(SIZES_HW)]
        cv2.imwrite(str(folder / f"{number:05}.jpg"), cv2.resize(part, (width, height)))


def _files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*")}


def _resident_mb(process: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


if __name__ == "__main__":
    sys.exit(main())
