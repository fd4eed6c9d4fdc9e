"""One image in a process of its own: what starting costs, and how much memory it takes.

Run by `startup`: ``python -m benchmarks.fresh MODEL IMAGE SIDE`` prints one line of JSON.
Nothing but the standard library is imported before the clock runs.
"""

import json
import resource
import sys
from pathlib import Path
from time import perf_counter


def main(model: str, image: str, side: str) -> None:
    """Import, open, segment; print milliseconds and megabytes."""
    started = perf_counter()
    import ppmobileseg_deploy

    imported = perf_counter()
    segmenter_type = ppmobileseg_deploy.OrtSegmenter
    imported_all = perf_counter()
    segmenter = segmenter_type(model, input_size_hw=(int(side), int(side)))
    opened = perf_counter()
    segmenter(image)
    done = perf_counter()
    print(
        json.dumps(
            {
                "import_ms": (imported - started) * 1e3,
                "import_segmenter_ms": (imported_all - started) * 1e3,
                "session_ms": (opened - imported_all) * 1e3,
                "first_image_ms": (done - opened) * 1e3,
                "peak_mb": peak_mb(),
            }
        )
    )


def peak_mb() -> float:
    """Return the largest amount of memory that this process had in use, in units of 10^6 bytes."""
    # On Linux getrusage counts what the parent had in use when it started this process.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
