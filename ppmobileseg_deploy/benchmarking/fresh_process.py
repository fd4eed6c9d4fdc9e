"""What starting costs, and how much memory an image takes: only a fresh process can tell."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from ..errors import ModelError
from ..runtime.segmenter import OrtSegmenter
from .stages import segment_file
from .timing import Spread

_CODE: Final = f"import sys; from {__name__} import report_first_image as run; run(*sys.argv[1:])"


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
        given = str(model.absolute()), str(image.absolute()), json.dumps(threads)
        done = subprocess.run(
            [sys.executable, "-c", _CODE, *given],
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


def report_first_image(model: str, image: str, threads: str) -> None:
    """Open a model, segment an image, and print a `FirstImage` as JSON.

    Args:
        model: ONNX file.
        image: Image file. The overlay goes to the current folder.
        threads: What `OrtSegmenter` takes, as JSON.
    """
    started = perf_counter()
    segmenter = OrtSegmenter(model, threads=json.loads(threads))
    opened = perf_counter()
    segment_file(segmenter, Path(image), Path("overlay.jpg"))
    done = perf_counter()
    found = FirstImage((opened - started) * 1e3, (done - opened) * 1e3, peak_mb())
    print(json.dumps(asdict(found)))


def peak_mb() -> float | None:
    """Return the most memory that this process had in use, in units of 10^6 bytes.

    Returns:
        None on Windows, where nothing in Python's library tells.
    """
    # On Linux getrusage counts what the parent had in use when it started this process.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
