"""Memory and starting time, which only a fresh process can tell."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .timing import Spread


@dataclass(frozen=True)
class FirstImage:
    """What a process took that opened a model and segmented one image.

    Attributes:
        session_ms: Opening the model, imports not included.
        first_image_ms: The first image, from its file to the overlay's.
        peak_mb: The most memory in use, the interpreter and all libraries included, in units of
            10^6 bytes; None where the system does not tell (Windows).
    """

    session_ms: float
    first_image_ms: float
    peak_mb: float | None


@dataclass(frozen=True)
class Start:
    """What starting costs, over several processes.

    Attributes:
        session_ms: Opening the model, imports not included.
        first_image_ms: The first image, from its file to the overlay's.
        peak_mb: The most memory that any of them had in use; None where the system does not tell.
    """

    session_ms: Spread
    first_image_ms: Spread
    peak_mb: float | None

    @classmethod
    def of(cls, processes: Sequence[FirstImage]) -> "Start":
        """Sum up at least one process."""
        peaks = [each.peak_mb for each in processes if each.peak_mb is not None]
        return cls(
            session_ms=Spread.of(each.session_ms for each in processes),
            first_image_ms=Spread.of(each.first_image_ms for each in processes),
            peak_mb=max(peaks, default=None),
        )


def first_image(model: Path, image: Path, threads: int | None = None) -> FirstImage:
    """Open a model and segment one image in a fresh process, as ``ppms-infer`` does.

    Args:
        model: ONNX file.
        image: Image file.
        threads: Threads of the network, None for as many as the process may use.

    Raises:
        ModelError: The process failed, or was killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "model": str(model.absolute()),
            "image": str(image.absolute()),
            "output": str(Path(folder) / "overlay.jpg"),
            "threads": threads,
        }
        done = subprocess.run(
            [sys.executable, "-m", f"{__package__}.fresh", json.dumps(job)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            # Python would import from the current folder first, whatever lies there.
            cwd=folder,
        )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise ModelError(
            f"{model.name}: a process that segments one image ended with code "
            f"{done.returncode} ({said[-1]})"
        )
    return FirstImage(**json.loads(done.stdout))
