"""One image in a process of its own: what starting costs, and how much memory it takes.

Run by `memory`: ``python -m ppmobileseg_deploy.benchmarking.fresh JSON`` prints one line of JSON.
"""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from ..runtime.segmenter import OrtSegmenter
from .stages import segment_file


def main(job: dict[str, Any]) -> None:
    """Open a model, segment an image, print milliseconds and megabytes.

    Args:
        job: ``model``, ``image`` and ``output``: paths; ``threads`` as `OrtSegmenter` takes them.
    """
    started = perf_counter()
    segmenter = OrtSegmenter(job["model"], threads=job["threads"])
    opened = perf_counter()
    segment_file(segmenter, Path(job["image"]), Path(job["output"]))
    done = perf_counter()
    print(
        json.dumps(
            {
                "session_ms": (opened - started) * 1e3,
                "first_image_ms": (done - opened) * 1e3,
                "peak_mb": peak_mb(),
            }
        )
    )


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


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
