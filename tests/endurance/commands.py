"""``ppms-infer`` in a process of its own, and what lies in its folder of results."""

import json
import subprocess
import sys
from pathlib import Path

import cv2

INFER = Path(sys.executable).with_name("ppms-infer")
TEMPORARY = ".ppms-"


def start_infer(*arguments: str | Path, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a run; its output goes to pipes."""
    return subprocess.Popen(
        [*launcher, str(INFER), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def results_in(folder: Path) -> dict[str, Path]:
    """Every file below a folder that has its final name, by its place in there."""
    return {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and TEMPORARY not in str(path.relative_to(folder))
    }


def temporaries_in(folder: Path) -> list[Path]:
    """What a run leaves that is killed."""
    return [path for path in folder.rglob("*") if path.name.startswith(TEMPORARY)]


def fault_of(path: Path) -> str | None:
    """Say what is wrong with a file of results; None if it is whole."""
    if path.suffix == ".json":
        try:
            json.loads(path.read_text())
        except ValueError as error:
            return f"{path.name}: {error}"
    elif path.suffix == ".jsonl":
        return fault_of_lines(path)
    elif path.suffix == ".mp4":
        capture = cv2.VideoCapture(str(path))
        whole = capture.read()[0]
        capture.release()
        return None if whole else f"{path.name}: no frame can be read"
    else:
        content = path.read_bytes()
        end = b"IEND\xae\x42\x60\x82" if path.suffix == ".png" else b"\xff\xd9"
        if not content.endswith(end):
            return f"{path.name}: its end is missing"
        if cv2.imread(str(path), cv2.IMREAD_UNCHANGED) is None:
            return f"{path.name}: it cannot be decoded"
    return None


def fault_of_lines(path: Path) -> str | None:
    """Say what is wrong with a file of JSON lines; None if it is whole."""
    text = path.read_text()
    try:
        for line in text.splitlines():
            json.loads(line)
    except ValueError as error:
        return f"{path.name}: {error}"
    return None if text.endswith("\n") else f"{path.name}: its last line is not ended"
