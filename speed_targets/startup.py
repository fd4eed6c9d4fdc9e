"""What it costs to start: commands, imports, sessions, memory. Each in a fresh process."""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rich.table import Table

from ppmobileseg_deploy.benchmarking import Spread, first_image
from ppmobileseg_deploy.benchmarking.fresh_process import Start
from ppmobileseg_deploy.runtime.images.files import write_image

from .inputs import ROOT, demo_square
from .targets import Target


@dataclass(frozen=True)
class StartupRow:
    """One cost.

    Attributes:
        what: What was measured.
        value: How much of it.
        unit: ``"ms"`` or ``"MB"`` (10^6 bytes).
    """

    what: str
    value: Spread
    unit: str


_HELP = "ppms-infer --help"
_IMPORT = "import ppmobileseg_deploy"
_IMPORT_SEGMENTER = "from ppmobileseg_deploy import OrtSegmenter"
_PEAK = "peak memory"
_PACKAGES = 8


def measure_startup(model: Path, processes: int, side: int = 512) -> list[StartupRow]:
    """Start processes one after the other and ask each what it took.

    Args:
        model: ONNX file to open.
        processes: How many of each kind; one more of each warms the disk's cache.
        side: Height and width of the picture, a multiple of 32.
    """
    bare, help_text, imports, with_segmenter, segmented = [], [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "square.png"
        write_image(image, demo_square(side))
        for _ in range(processes + 1):
            bare.append(_wall_ms([sys.executable, "-c", ""]))
            help_text.append(_wall_ms([str(Path(sys.executable).parent / "ppms-infer"), "--help"]))
            imports.append(import_ms(_IMPORT))
            with_segmenter.append(import_ms(_IMPORT_SEGMENTER))
            segmented.append(first_image(model, image))
    start = Start.of(segmented[1:])
    rows = [
        StartupRow("Python alone", Spread.of(bare[1:]), "ms"),
        StartupRow(_HELP, Spread.of(help_text[1:]), "ms"),
        StartupRow(_IMPORT, Spread.of(imports[1:]), "ms"),
        StartupRow(_IMPORT_SEGMENTER, Spread.of(with_segmenter[1:]), "ms"),
        StartupRow("opening tiny", start.session_ms, "ms"),
        StartupRow("first image", start.first_image_ms, "ms"),
    ]
    if start.peak_mb is not None:
        rows.append(StartupRow(_PEAK, Spread.of([start.peak_mb]), "MB"))
    return rows


def import_ms(statement: str) -> float:
    """Return how long an import takes in a fresh process, in milliseconds.

    Args:
        statement: The import statement.
    """
    timed = f"import time; start = time.perf_counter(); {statement}"
    code = f"{timed}; print((time.perf_counter() - start) * 1e3)"
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)


@dataclass(frozen=True)
class ImportRow:
    """A package that importing the runtime loads.

    Attributes:
        package: Its name.
        milliseconds: Time of all its modules, without what they import of other packages.
    """

    package: str
    milliseconds: float


def measure_imports(statement: str = _IMPORT_SEGMENTER) -> list[ImportRow]:
    """Ask ``python -X importtime`` what an import spends its time on, the slowest first.

    Args:
        statement: The import statement.
    """
    command = [sys.executable, "-X", "importtime", "-c", statement]
    told = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, text=True).stderr
    packages: Counter[str] = Counter()
    for line in told.splitlines():
        # "import time:       121 |        240 |   numpy.core"
        own, _, module = (part.strip() for part in line.removeprefix("import time:").split("|"))
        if own.isdigit():
            packages[module.split(".")[0]] += int(own)
    return [ImportRow(name, own_us / 1e3) for name, own_us in packages.most_common(_PACKAGES)]


def imports_table(rows: Sequence[ImportRow]) -> Table:
    """Lay out what an import spends its time on."""
    table = Table(
        title=f"python -X importtime: {_IMPORT_SEGMENTER} (half as long without -X)",
        title_justify="left",
    )
    table.add_column("package")
    table.add_column("own ms", justify="right")
    for row in rows:
        table.add_row(row.package, f"{row.milliseconds:.1f}")
    return table


def _wall_ms(command: Sequence[str]) -> float:
    started = perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return (perf_counter() - started) * 1e3


def startup_table(rows: Sequence[StartupRow], side: int = 512) -> Table:
    """Lay out the measurements for printing."""
    table = Table(
        title=f"fresh processes; tiny, one image of {side}x{side}, all cores",
        title_justify="left",
    )
    for heading in ("what", "median", "p5 to p95"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        value = row.value
        table.add_row(
            row.what, f"{value.median:.0f} {row.unit}", f"{value.p5:.0f} to {value.p95:.0f}"
        )
    return table


def startup_targets(rows: Sequence[StartupRow]) -> list[Target]:
    """Hold the measurements to what was promised."""
    medians = {row.what: row.value.median for row in rows}
    return [
        Target(_HELP, medians[_HELP] / 1e3, 0.12, at_least=False, unit="s"),
        Target(_IMPORT, medians[_IMPORT] / 1e3, 0.1, at_least=False, unit="s"),
        Target(_IMPORT_SEGMENTER, medians[_IMPORT_SEGMENTER] / 1e3, 0.2, at_least=False, unit="s"),
        Target("peak memory, tiny", medians.get(_PEAK), 250.0, at_least=False, unit="MB"),
    ]
