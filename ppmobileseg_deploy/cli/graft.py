"""``ppms graft``: labels cell by cell for a segmentation network of any origin."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..quoting import printable
from . import export_options as given
from .checkpoint_options import (
    About,
    ChannelOrder,
    ConfigFile,
    LongSide,
    Mean,
    NoResize,
    RecipeName,
    ResizeRule,
    ShortSide,
    SizeMultiple,
    Std,
    Stretch,
)
from .command import Command
from .console import Version, new_app, plural, print_note, stderr, stdout
from .extras import require_export_extra
from .inputs import check_inputs
from .preparation import filling, sizes
from .reports import JSON, STDOUT, JsonFile, check_report, write_json

if TYPE_CHECKING:
    from ..exporters import GraftReport

_ONNX: Final = (".onnx",)

app = new_app()


@app.command("graft", cls=Command)
def graft_file(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="An ONNX file of any origin.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The ONNX file to write. Without it: NAME.grafted.onnx beside MODEL.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            help="Of a file that gives scores of one class: the probability above which a pixel "
            "is of it. Without it: 0.3.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write the file even if it is no faster.")
    ] = False,
    json_file: JsonFile = None,
    names: given.Names = None,
    palette: given.Palette = None,
    mean: Mean = None,
    std: Std = None,
    channel_order: ChannelOrder = None,
    short_side: ShortSide = None,
    long_side: LongSide = None,
    no_resize: NoResize = False,
    stretch: Stretch = None,
    size_multiple: SizeMultiple = None,
    resize_rule: ResizeRule = None,
    recipe: RecipeName = None,
    config: ConfigFile = None,
    _version: Version = False,
) -> None:
    """Replace the slow end of a segmentation network, which enlarges all classes to the picture.

    Takes an ONNX file of any origin that ends in a bilinear Resize, with or without ArgMax, or in
    coarse scores, and writes one of the same input that gives the same class ids, found cell by
    cell. ppms-infer and the other commands run it like a file of our own.

    The file gets its name only after the labels of both were compared, and if it is faster.
    """
    check_inputs(model)
    require_export_extra("grafting")
    from ..exporters import graft

    target = model.with_name(f"{model.stem}.grafted.onnx") if output is None else output
    check_report("--output", target, _ONNX, [model])
    check_report("--json", json_file, JSON, [model])
    about = About(
        mean=mean,
        std=std,
        channel_order=channel_order,
        short_side=short_side,
        long_side=long_side,
        no_resize=no_resize,
        stretch=stretch,
        size_multiple=size_multiple,
        resize_rule=resize_rule,
        recipe=recipe,
        config=config,
    )
    with stderr.status("reading the file") as status:
        report = graft(
            model,
            target,
            description=about.description(names, palette),
            threshold=threshold,
            force=force,
            on_progress=status.update,
        )
    if json_file != STDOUT:
        stdout.print(_table(report))
    for note in report.notes:
        print_note(note)
    if json_file is not None:
        write_json(report.to_json(), json_file)


def _table(report: "GraftReport") -> Table:
    metadata, proof, origins = report.metadata, report.proof, report.origins
    title = escape(printable(str(report.path)))
    table = Table(show_header=False, title=title, title_justify="left")
    table.add_column(style="dim")
    table.add_column(overflow="fold")

    def row(what: str, text: str) -> None:
        table.add_row(what, Text(printable(text)))

    row("made of", f"{report.source.name}, which gives {report.gave}")
    row("classes", f"{metadata.num_classes}, names {origins.names}")
    mean, std = (
        ", ".join(f"{each:g}" for each in numbers)
        for numbers in (metadata.mean_rgb, metadata.std_rgb)
    )
    row("normalised", f"mean {mean}, std {std} ({origins.normalisation})")
    row("channels", f"{metadata.channel_order} ({origins.channel_order})")
    row("resized", f"{sizes(metadata, report.fixed_hw)} ({origins.resizing})")
    row("filled up", f"{filling(metadata)} ({origins.filling})")
    row("output", "labels" + (f"; logits / {metadata.stride}" if report.has_logits else ""))
    row("size", f"{report.size_bytes / 1e6:.2f} MB")
    table.add_section()
    row("labels", f"{100 * proof.equal_labels:.3f} % equal on {plural(proof.images, 'image')}")
    height, width = proof.timed_hw
    row(f"on a picture of {height}x{width}", _speed(proof.old_ms, proof.new_ms))
    row("its end alone", _speed(proof.old_own_ms, proof.new_own_ms))
    row(f"on {proof.classes_present} drawn classes", _speed(proof.old_end_ms, proof.new_end_ms))
    return table


def _speed(old_ms: float, new_ms: float) -> str:
    return f"{old_ms:.1f} ms before, {new_ms:.1f} ms after: {old_ms / new_ms:.1f} times as fast"
