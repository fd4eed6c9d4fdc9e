"""``python -m speed_targets [--only head,...] [--turns N] [--json FILE]``, from the root."""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from ppmobileseg_deploy.benchmarking import find_conditions
from ppmobileseg_deploy.exporters.options import Vim
from ppmobileseg_deploy.files import atomic_path, check_folder

from .cores import cores_table, measure_cores
from .head import head_tables, head_targets, measure_heads
from .models import export_forms, measure_model, model_table, model_targets
from .pipeline import measure_pipeline, pipeline_table, pipeline_targets
from .startup import (
    imports_table,
    measure_imports,
    measure_startup,
    startup_table,
    startup_targets,
)
from .targets import Target, target_table
from .throughput import measure_throughput, throughput_table, throughput_targets

PARTS: Final = ("head", "models", "cores", "pipeline", "throughput", "startup")
_PROCESSES: Final = 7
_FEWER: Final = 3  # turns of what takes seconds each


@dataclass(frozen=True)
class Part:
    """One part's results.

    Attributes:
        rows: Dataclasses, as measured.
        tables: The same for reading.
        targets: What they are held to.
    """

    rows: list[Any]
    tables: list[Table] = field(repr=False)
    targets: list[Target]


def measure(part: str, tiny: dict[Vim, Path], folder: Path, turns: int) -> Part:
    """Measure one part.

    Args:
        part: One of `PARTS`.
        tiny: Form to file of the tiny network.
        folder: For files that are only needed meanwhile.
        turns: How often each of the things compared has its turn.
    """
    if part == "head":
        head = measure_heads(turns)
        return Part(head, head_tables(head), head_targets(head))
    if part == "models":
        models = measure_model("tiny", tiny, turns)
        models += measure_model("base", export_forms("base", folder), turns)
        return Part(models, [model_table(models)], model_targets(models))
    if part == "cores":
        cores = measure_cores("tiny", tiny["cell"], turns)
        cores += measure_cores("base", export_forms("base", folder)["cell"], turns)
        return Part(cores, [cores_table(cores)], [])
    if part == "throughput":
        throughput = measure_throughput(tiny, -(-turns // _FEWER))
        return Part(throughput, [throughput_table(throughput)], throughput_targets(throughput))
    if part == "pipeline":
        pipeline = measure_pipeline(tiny, turns)
        return Part(pipeline, [pipeline_table(pipeline)], pipeline_targets(pipeline))
    startup, imports = measure_startup(tiny["cell"], _PROCESSES), measure_imports()
    tables = [startup_table(startup), imports_table(imports)]
    return Part([*startup, *imports], tables, startup_targets(startup))


def main() -> None:
    """Measure, print, and write what was found."""
    parser = argparse.ArgumentParser(prog="python -m speed_targets", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts of {', '.join(PARTS)}")
    parser.add_argument("--turns", type=int, default=15, help="turns of each thing compared")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    if arguments.turns < 1 or not set(chosen) <= set(PARTS):
        parser.error(f"expected at least one turn and parts of {', '.join(PARTS)}")

    if arguments.json:  # before the work, rather than after it
        check_folder(arguments.json.parent)
    console = Console(width=130, highlight=False)
    conditions = find_conditions()
    console.print(str(conditions))
    parts: dict[str, Part] = {}
    with tempfile.TemporaryDirectory() as folder:
        tiny = export_forms("tiny", Path(folder)) if set(chosen) != {"head"} else {}
        for name in chosen:
            parts[name] = measure(name, tiny, Path(folder), arguments.turns)
            for table in parts[name].tables:
                console.print(table)
    targets = [target for part in parts.values() for target in part.targets]
    console.print(target_table(targets))
    if arguments.json:
        report = {
            "conditions": asdict(conditions),
            **{name: [asdict(row) for row in part.rows] for name, part in parts.items()},
            "targets": [asdict(target) | {"met": target.met} for target in targets],
        }
        with atomic_path(arguments.json) as temporary:
            temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
