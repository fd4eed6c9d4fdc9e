"""``python -m benchmarks [--only NAME,...] [--work-dir DIR]``: networks before and after a graft.

Prints a table in Markdown. Times are of one thread, 512x512, from the normalised picture to class
ids; memory is the peak of a process that opens the file and runs it three times.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort

from ppmobileseg_deploy.agreement import equal_share
from ppmobileseg_deploy.errors import ExportError
from ppmobileseg_deploy.exporters import export_onnx, graft
from ppmobileseg_deploy.exporters.grafting.source import read_source
from ppmobileseg_deploy.exporters.options import ExportOptions

from .networks import NETWORKS
from .running import opened, picture

_DEMO: Final = Path(__file__).parents[1] / "demo" / "ppmobileseg_tiny_demo.pth"
_OURS: Final = "mmdeploy"
_TURNS: Final = 5


@dataclass(frozen=True)
class Row:
    """One network.

    Attributes:
        label: What it is.
        classes: Number of its classes.
        present: How many of them are to be seen in the picture.
        before_ms: Time of its file, to class ids.
        after_ms: Time of the grafted one.
        before_mb: Peak memory.
        after_mb: Likewise.
        equal: Share of equal labels, in [0, 1].
    """

    label: str
    classes: int
    present: int
    before_ms: float
    after_ms: float
    before_mb: float
    after_mb: float
    equal: float


def measure(name: str, folder: Path) -> Row:
    """Export a network, graft it, and measure both files.

    Args:
        name: A key of `NETWORKS`, or ``"mmdeploy"`` for PP-MobileSeg as that exports it.
        folder: For the files.

    Raises:
        ExportError: There is nothing to be grafted.
    """
    path = folder / f"{name}.onnx"
    if name == _OURS:
        label, classes = "PP-MobileSeg tiny, as mmdeploy exports it", 150
        export_onnx(_DEMO, path, ExportOptions(vim="off", logits_output=False), verify=False)
    else:
        label, classes = NETWORKS[name].label, NETWORKS[name].classes
        if not path.exists():
            NETWORKS[name].export(path)
    report = graft(path, force=True)
    before = folder / f"{name}.before.onnx"
    source = read_source(path, None)  # with what makes class ids of its scores
    onnx.save_model(source.model, before)
    files = {before: [source.output], report.path: [source.output]}
    image = picture()
    runs: list[tuple[ort.InferenceSession, list[str], dict[str, Any]]] = []
    for file, outputs in files.items():
        session = opened(file)
        runs.append((session, outputs, {session.get_inputs()[0].name: image}))
    times: list[list[float]] = [[], []]
    for turn in range(_TURNS + 1):
        for (session, outputs, feeds), taken in zip(runs, times, strict=True):
            start = process_time()
            session.run(outputs, feeds)
            if turn:
                taken.append(process_time() - start)
    first, second = (session.run(outputs, feeds)[0] for session, outputs, feeds in runs)
    del runs
    before_ms, after_ms = (1e3 * float(np.median(each)) for each in times)
    before_mb, after_mb = map(_peak_mb, files)
    return Row(
        label=label,
        classes=classes,
        present=len(np.unique(first)),
        before_ms=before_ms,
        after_ms=after_ms,
        before_mb=before_mb,
        after_mb=after_mb,
        equal=equal_share(first, second),
    )


def _peak_mb(path: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.running", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    every = [_OURS, *NETWORKS]
    parser.add_argument("--only", default=",".join(every), help=f"of {', '.join(every)}")
    parser.add_argument("--work-dir", type=Path, help="folder for the files")
    given = parser.parse_args(arguments)
    names = given.only.split(",")
    if unknown := [name for name in names if name not in every]:
        parser.error(f"expected {', '.join(every)}, found {', '.join(unknown)}")
    print("| network | classes, in the picture | before | after | | peak memory | labels equal |")
    print("|---|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.work_dir or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            try:
                row = measure(name, folder)
            except ExportError as error:
                label = NETWORKS[name].label
                print(f"| {label} | {NETWORKS[name].classes} | | | left alone: {error} | | |")
                continue
            print(
                f"| {row.label} | {row.classes}, {row.present} | {row.before_ms:.0f} ms | "
                f"{row.after_ms:.0f} ms | {row.before_ms / row.after_ms:.2f} times | "
                f"{row.before_mb:.0f} to {row.after_mb:.0f} MB | {100 * row.equal:.3f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main()
