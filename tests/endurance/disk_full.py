"""The disk fills up in the middle of a run: one clear error, and what was finished stays whole.

    python tests/endurance/disk_full.py

``ppms-infer`` writes into a file system in memory that is too small, mounted where only this run
sees it (Linux, ``unshare`` of util-linux; needs no rights where user namespaces are allowed).
Then there is space again, and ``--resume`` does the rest. Exit code 1 if the full disk ends the
run otherwise than with exit code 1 and one line, if a file is not whole, or if the rest isn't
done; 2 where nothing can be mounted.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from commands import fault_of, results_in, start_infer, temporaries_in
from demo_files import demo_model, write_photographs

DISKS_KB = {
    "overlay": 3000,
    "labels": 200,
    "overlay,labels,json": 3000,
    "color,indexed,rle,legend": 3000,
}
INSIDE = "DISK_FULL_INSIDE"


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=120)
    parser.add_argument("--model", type=Path, help="an ONNX file instead of the demo's")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        command = ["unshare", "--map-root-user", "--mount", sys.executable, *sys.argv]
        try:
            return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode
        except FileNotFoundError:
            print("expected unshare, of util-linux, found none")
            return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photographs(folder / "in", options.images, [(640, 480), (1280, 720)])
        model = demo_model(folder, options.model)
        faults = [
            f"{kinds}: {fault}"
            for number, (kinds, size_kb) in enumerate(DISKS_KB.items())
            for fault in _fill(folder, model, kinds, folder / f"disk{number}", size_kb)
        ]
    for fault in faults:
        print(f"  {fault}")
    return int(bool(faults))


def _fill(folder: Path, model: Path, kinds: str, disk: Path, size_kb: int) -> list[str]:
    disk.mkdir()
    _mount(disk, f"size={size_kb}k")
    try:
        command = [folder / "in", "--model", model, "--save", kinds, "--output", disk]
        process = start_infer(*command)
        _, errors = process.communicate(timeout=600)
        files = results_in(disk)
        lines = errors.strip().splitlines()
        print(f"{kinds}: exit code {process.returncode}, {len(files)} files, {len(lines)} lines:")
        print("".join(f"    {line}\n" for line in lines), end="", flush=True)
        faults = [fault for path in files.values() if (fault := fault_of(path))]
        if process.returncode != 1:
            faults.append(f"expected exit code 1, found {process.returncode}")
        if len(lines) != 1 or "No space left" not in lines[0]:
            faults.append("expected one line that says that no space is left")
        faults += [f"still there: {path.name}" for path in temporaries_in(disk)]

        _mount(disk, "remount,size=1g")
        before = {place: path.stat().st_mtime_ns for place, path in files.items()}
        process = start_infer(*command, "--resume")
        _, errors = process.communicate(timeout=600)
        files = results_in(disk)
        print(f"    space again: exit code {process.returncode}, {len(files)} files")
        expected = len(list((folder / "in").iterdir())) * len(kinds.split(","))
        if process.returncode != 0 or len(files) != expected:
            faults.append(
                f"expected {expected} files with space again, found {len(files)}: {errors}"
            )
        faults += [
            f"made again: {place}"
            for place, modified in before.items()
            if files[place].stat().st_mtime_ns != modified
        ]
        return faults
    finally:
        subprocess.run(["umount", disk], check=True)


def _mount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)


if __name__ == "__main__":
    sys.exit(main())
