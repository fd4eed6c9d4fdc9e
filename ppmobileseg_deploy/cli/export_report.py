"""What ``ppms-export`` prints of what it made."""

from math import floor
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..quoting import printable
from .preparation import filling, sizes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..exporters import ExportReport, Int8Report, OrtReport, ParityCase, ParityReport
    from ..exporters.comparison import Comparison
    from ..metadata import RGB, ModelMetadata
    from ..verification import Verification


def export_table(report: "ExportReport", full: "Verification | None") -> Table:
    """Return the file's form and how well it agrees.

    Args:
        report: What was exported.
        full: The comparison on pictures, if there was one.
    """
    metadata, options = report.metadata, report.options
    title = escape(printable(str(report.path)))
    table = Table(show_header=False, title=title, title_justify="left")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("checkpoint", Text(printable(metadata.checkpoint)))
    table.add_row("SHA-256", metadata.checkpoint_sha256)
    table.add_row("variant", metadata.variant)
    table.add_row("classes", _classes(metadata))
    table.add_row("names", Text(printable(report.origins.names)))
    table.add_row("colours", Text(printable(report.origins.palette)))
    table.add_row("input", _input(report))
    table.add_row("normalised", _normalisation(report))
    origin = "--shape" if options.shape_hw else report.origins.resizing
    table.add_row("resized", f"{sizes(metadata, options.shape_hw)} ({escape(printable(origin))})")
    table.add_row(
        "filled up", f"{filling(metadata)} ({escape(printable(report.origins.filling))})"
    )
    table.add_row("output", _outputs(report))
    if options.precision != "fp32":
        table.add_row("precision", options.precision)
    table.add_row("operators", f"{sum(report.operators.values())} ({len(report.operators)} kinds)")
    table.add_row("size", _megabytes(report.size_bytes))
    table.add_row("time", f"{report.seconds:.1f} s")
    # Other forms are compared with the float32 file, below.
    form = "fp32 " if report.comparisons else ""
    _add_parity(table, report.parity, form)
    if full is not None:
        table.add_row(f"{form or 'on '}pictures", Text(_full(full)))
    for comparison in report.comparisons:
        table.add_row(comparison.form, compared(comparison))
    return table


def int8_table(report: "Int8Report") -> Table:
    """Return what integers cost and gain, and how the layers were chosen."""
    before, after = report.before, report.after
    count = f"{report.calibrating_images} images for the ranges, {report.held_out_images} judged"
    table = Table(title=f"int8: {count}", title_justify="left")
    table.add_column("")
    table.add_column("fp32", justify="right")
    table.add_column("int8", justify="right")
    table.add_row("size", _megabytes(before.size_bytes), _megabytes(after.size_bytes))
    times = [f"{each.latency_ms:.1f} ms" for each in (before, after)]
    table.add_row("latency, one thread", *times)
    table.add_row("labels equal to fp32's", "", _percent(after.score.equal_labels))
    table.add_row("the same, worst image", "", _percent(after.score.least_equal_labels))
    miou = "mIoU" if report.has_labels else "mIoU, with fp32's labels"
    table.add_row(miou, _percent(before.score.miou), _percent(after.score.miou))
    table.add_section()
    known: set[str] = set()
    for step in report.steps:
        kept = len(step.float_layers)
        what = f"{kept} of {len(report.layers)} layers in fp32" if kept else "all layers in int8"
        added = [layer for layer in step.float_layers if layer not in known]
        known.update(added)
        table.add_row(
            Text("\n".join([what, *(f"  {printable(layer)}" for layer in added)])),
            "",
            f"{_percent(step.score.equal_labels)} equal\nmIoU {_percent(step.score.miou)}",
        )
    return table


def slower_note(report: "Int8Report") -> str:
    """Return a warning that integers do not pay here."""
    return (
        f"int8 is slower than fp32 on this machine, {report.after.latency_ms:.1f} ms against "
        f"{report.before.latency_ms:.1f} ms (one thread)"
    )


def ort_line(report: "OrtReport") -> str:
    """Return what was written in ORT format."""
    return (
        f"{printable(str(report.path))}: {_megabytes(report.size_bytes)}, "
        f"{compared(report.comparison)}; its operators are in {printable(report.config.name)}"
    )


def side_by_side(case: "ParityCase", palette_rgb: "tuple[RGB, ...]") -> "NDArray[np.uint8]":
    """Draw PyTorch's labels and, on their right, the file's.

    Args:
        case: One input of the proof.
        palette_rgb: Colour of each class id.

    Returns:
        (height, 2 x width, 3) uint8, BGR.
    """
    import numpy as np

    from ..runtime.drawing.overlay import colorize

    return np.hstack(
        [colorize(labels[0, 0], palette_rgb) for labels in (case.labels_pytorch, case.labels_onnx)]
    )


def compared(comparison: "Comparison") -> str:
    """Return how labels of one form agree with those of another."""
    return (
        f"{_percent(comparison.equal_labels)} of labels equal on {comparison.images} images, "
        f"{_percent(comparison.least_equal_labels)} in the worst"
    )


def _input(report: "ExportReport") -> str:
    given, order = report.options.embed_preprocessing, report.channel_order.upper()
    form = f"uint8 {given.upper()} pixels, inside" if given else "float32"
    return f"{form} {order} ({escape(printable(report.origins.channel_order))})"


def _outputs(report: "ExportReport") -> str:
    metadata, options = report.metadata, report.options
    coarse = f"logits / {metadata.stride}"
    if options.output == "labels":
        labels = f"labels, {options.label_dtype}, VIM {metadata.vim}"
        return f"{labels}; {coarse}" if options.second_output else labels
    return "logits, float32" if options.output == "logits" else f"{coarse}, float32"


def _normalisation(report: "ExportReport") -> str:
    mean, std = (
        "/".join(f"{number:g}" for number in numbers)
        for numbers in (report.metadata.mean_rgb, report.metadata.std_rgb)
    )
    origin = escape(printable(report.origins.normalisation))
    return f"mean {mean},\nstd {std} ({origin})"


def _classes(metadata: "ModelMetadata") -> str:
    count = str(metadata.num_classes)
    if metadata.threshold is None:
        return count
    name = escape(printable(metadata.class_names[1]))
    return f"{count} ({name} where its probability is above {metadata.threshold:g})"


def _add_parity(table: Table, parity: "ParityReport | None", form: str) -> None:
    if parity is None:
        table.add_row(f"{form}parity", "not checked")
        return
    sizes = ", ".join(f"{c.batch}x3x{c.size_hw[0]}x{c.size_hw[1]}" for c in parity.cases)
    table.add_row(
        f"{form}parity",
        f"logits differ by {parity.max_logit_difference:.1e} at most "
        f"({parity.max_relative_difference:.1e} of the largest), "
        f"{100 * parity.equal_labels:.6g} % of labels equal",
    )
    table.add_row("on inputs", sizes)
    table.add_row(
        f"{form}float64",
        f"on smooth images of up to 1024x2048 logits differ by {parity.float64_error:.1e}, "
        f"PyTorch's in float32 by {parity.pytorch_float64_error:.1e}",
    )


def _full(found: "Verification") -> str:
    equal = min(each.equal_labels for each in found.examples)
    gaps = [
        each.max_logit_difference / max(each.max_logit, 1e-30)
        for each in found.examples
        if each.max_logit_difference is not None and each.max_logit is not None
    ]
    off = f"logits differ by {max(gaps):.1e} of the largest at most, " if gaps else ""
    names = ", ".join(
        f"{printable(each.name)} ({each.size_hw[0]}x{each.size_hw[1]})" for each in found.examples
    )
    return f"{off}at least {_percent(equal)} of labels equal\n{names}"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.2f} MB"


def _percent(share: float) -> str:
    # Rounded down, so that only what is equal throughout shows as 100 %.
    return f"{floor(share * 1e4) / 100:.2f} %"
