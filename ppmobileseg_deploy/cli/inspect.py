"""``ppms inspect``: what an ONNX file is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..quoting import printable
from .command import Command
from .console import Version, new_app, stdout
from .extras import require_onnx
from .inputs import check_inputs
from .reports import JSON, STDOUT, JsonFile, check_report, write_json

if TYPE_CHECKING:
    from ..accelerators import Placement
    from ..inspection import Inspection, Tensor

_SHOWN: Final = 12
_VALUE_WIDTH: Final = 200
_OPERATORS_SHOWN: Final = 5
_PARTS: Final = {"file": "whole file", "network": "up to the logits"}

app = new_app()


@app.command("inspect", cls=Command)
def inspect_file(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="An ONNX file of any origin.", show_default=False),
    ],
    json_file: JsonFile = None,
    _version: Version = False,
) -> None:
    """Show what an ONNX file is: inputs, outputs, operators, size, and what can run it.

    Also which nodes accelerators leave to the CPU, by the lists of operators that they publish.

    Nothing in the file is run.
    """
    check_inputs(file)
    check_report("--json", json_file, JSON, [file])
    require_onnx("inspecting")
    from ..inspection import inspect

    found = inspect(file)
    if json_file != STDOUT:
        stdout.print(_table(found))
        stdout.print(_accelerators(found.placements))
    if json_file is not None:
        write_json(asdict(found) | {"path": str(found.path)}, json_file)


def _table(found: "Inspection") -> Table:
    title = escape(printable(str(found.path)))
    table = Table(show_header=False, title=title, title_justify="left")
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    size = f"{found.size_bytes / 1e6:.2f} MB, {found.parameters:,} stored numbers"
    table.add_row("size", size)
    opsets = ", ".join(f"{name} {version}" for name, version in found.opsets.items())
    table.add_row("opset", Text(printable(opsets)))
    table.add_row("IR version", str(found.ir_version))
    if found.producer:
        table.add_row("producer", Text(printable(found.producer)))
    for what, tensors in (("input", found.inputs), ("output", found.outputs)):
        for tensor in tensors:
            table.add_row(what, Text(_line(tensor)))
    table.add_row("runs in", Text("\n".join(map(printable, found.runtimes))))
    table.add_section()
    operators = [f"{count} {name}" for name, count in found.operators.items()]
    table.add_row(
        f"{sum(found.operators.values())} operators", Text(printable(", ".join(operators)))
    )
    table.add_row("bytes by part", _sizes(found.bytes_by_part))
    table.add_row("bytes by type", _sizes(found.bytes_by_dtype))
    table.add_section()
    for key, value in found.properties.items():
        short = value if len(value) <= _VALUE_WIDTH else value[:_VALUE_WIDTH] + "..."
        table.add_row(Text(printable(key)), Text(printable(short)))
    return table


def _accelerators(placements: "Sequence[Placement]") -> Table:
    """Return how many nodes of each part stay on the CPU, accelerators below each other."""
    parts = {each.part: each.nodes for each in placements}
    table = Table(title="Nodes that stay on the CPU, by published lists", title_justify="left")
    table.add_column("", style="dim")
    for part, nodes in parts.items():
        table.add_column(f"{_PARTS[part]}, {nodes} nodes", overflow="fold")
    rows: dict[str, list[Text]] = {}
    for each in placements:
        rows.setdefault(each.accelerator, []).append(Text(_on_cpu(each)))
    for accelerator, cells in rows.items():
        table.add_row(accelerator, *cells)
    return table


def _on_cpu(placement: "Placement") -> str:
    names = [f"{count} {name}" for name, count in placement.on_cpu.items()]
    if not names:
        return "none"
    shown = ", ".join(names[:_OPERATORS_SHOWN])
    more = ", ..." if len(names) > _OPERATORS_SHOWN else ""
    return printable(f"{sum(placement.on_cpu.values())}: {shown}{more}")


def _line(tensor: "Tensor") -> str:
    shape = "any shape" if tensor.shape is None else f"({', '.join(map(str, tensor.shape))})"
    return printable(
        f"{tensor.name}: {tensor.dtype} {shape}{', optional' if tensor.optional else ''}"
    )


def _sizes(sizes: Mapping[str, int]) -> Text:
    lines = [f"{size:11,}  {printable(name)}" for name, size in islice(sizes.items(), _SHOWN)]
    if len(sizes) > _SHOWN:
        lines.append(f"{len(sizes) - _SHOWN} more (--json lists them)")
    return Text("\n".join(lines))
