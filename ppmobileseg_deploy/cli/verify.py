"""``ppms verify``: whether two forms of a model compute the same."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..errors import UsageError
from ..quoting import printable
from .checkpoint_options import About, ChannelOrder, Weights, note_other_input
from .command import Command
from .console import Version, new_app, print_note, run, stderr, stdout
from .extras import require_export_extra, require_onnx
from .inputs import check_inputs, check_models
from .reports import JSON, STDOUT, JsonFile, check_report, write_json

if TYPE_CHECKING:
    from ..verification import Verification


class _Verify(Command):
    renamed: ClassVar[Mapping[str, str]] = {"--agreement": "--min-agreement"}


app = new_app()


@app.command(cls=_Verify)
def verify_models(
    first: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="The reference: a checkpoint, an ONNX file of any origin, or what --store wrote "
            "(.npz).",
            show_default=False,
        ),
    ],
    second: Annotated[
        str | None,
        typer.Argument(
            metavar="B",
            help="The model to compare with it, in any of these forms. Not needed with --store.",
            show_default=False,
        ),
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Compare on this image, too; may be given several times. Synthetic pictures of "
            "three sizes are compared anyway.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Largest difference of the logits, as a share of the largest one, and likewise "
            "of the layers, when the first that differs is looked for.",
        ),
    ] = 1e-3,
    min_agreement: Annotated[
        float, typer.Option(metavar="0..1", help="Least share of equal labels on each input.")
    ] = 0.999,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            help="Of heads of one class: the probability above which a pixel is of it. Without "
            "it: that of the file, or 0.3.",
        ),
    ] = None,
    json_file: JsonFile = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the inputs, and A's outputs, into a .npz file, to compare with elsewhere.",
        ),
    ] = None,
    weights: Weights = None,
    channel_order: ChannelOrder = None,
    _version: Version = False,
) -> int:
    """Compare any two of checkpoint, ONNX file and stored outputs.

    Shows how far logits and labels agree and, if they do not, the first layer where the two
    part. The exit code is 0 if they agree, 1 if they do not.
    """
    if second is None and store is None:
        raise UsageError("expected two models to compare, or --store, found one model")
    if not tolerance >= 0:
        raise UsageError(f"expected a tolerance of at least 0, found {tolerance}")
    if not 0 <= min_agreement <= 1:
        raise UsageError(f"expected an agreement in [0, 1], found {min_agreement}")
    names = [name for name in (first, second) if name is not None]
    check_models(*names)
    check_inputs(*(image or ()))
    check_report("--json", json_file, JSON, (*names, *(image or ())))
    check_report("--store", store, (".npz",), (*names, *(image or ())))
    require_onnx("verifying")
    from ..verification import choose_examples, is_checkpoint, open_model, store_outputs, verify

    description = None
    if any(map(is_checkpoint, names)):
        require_export_extra("verifying a checkpoint")
        description = About(channel_order=channel_order).description()
    else:
        for option, value in (("--weights", weights), ("--channel-order", channel_order)):
            if value is not None:
                raise UsageError(f"{option} is for checkpoints, found none among the models")
    reference, *others = models = [
        open_model(name, threshold, weights=weights, description=description) for name in names
    ]
    other = others[0] if others else None
    for note in (note for each in models for note in each.notes):
        print_note(note)
    note_other_input({each.name: each.normalisation for each in models if each.normalisation})
    examples = choose_examples(models, image or ())
    if store is not None:
        store_outputs(reference, examples, store)
        stdout.print(f"wrote {printable(str(store))}", markup=False, soft_wrap=True)
    if other is None:
        return 0
    with stderr.status("comparing"):
        found = verify(
            reference,
            other,
            examples,
            logit_tolerance=tolerance,
            min_equal_labels=min_agreement,
        )
    if json_file != STDOUT:
        stdout.print(_report(found))
    if json_file is not None:
        write_json(asdict(found), json_file)
    return 0 if found.agreed else 1


def _report(found: "Verification") -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("input", overflow="fold")
    columns = ["size", "max logit", "max diff", "equal", "off edges"]
    has_photographs = any(each.equal_photograph_labels is not None for each in found.examples)
    for column in (*columns, *(["photograph"] if has_photographs else [])):
        table.add_column(column, justify="right", no_wrap=True)
    for each in found.examples:
        at_size = [_percent(each.equal_photograph_labels)] if has_photographs else []
        table.add_row(
            Text(printable(each.name)),
            f"{each.size_hw[0]}x{each.size_hw[1]}",
            _number(each.max_logit, ".3g"),
            _number(each.max_logit_difference, ".1e"),
            _percent(each.equal_labels),
            _percent(each.equal_labels_inside),
            *at_size,
        )
    legend = "logits and how far they differ; share of labels equal, and away from A's edges"
    legend += ", and at the photograph's own size" if has_photographs else ""
    return Group(table, Text(legend, style="dim"), Text(), *map(Text, _verdict(found)))


def _verdict(found: "Verification") -> list[str]:
    first, second = printable(found.first), printable(found.second)
    if found.agreed:
        hint = [printable(found.hint)] if found.hint else []
        return [f"{first} and {second} agree", *hint]
    lines = [f"{first} and {second} do not agree"]
    if found.divergence is not None:
        after = found.divergence.after
        lines.append(f"the first layer that differs: {printable(found.divergence.layer)}")
        lines.append(f"the last equal one before it: {printable(after) if after else 'none'}")
    if found.hint:
        lines.append(printable(found.hint))
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.3f} %"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def main() -> None:
    """Entry point of ``ppms-verify``."""
    run(app)
