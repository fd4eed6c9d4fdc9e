"""``ppms-export``: from a checkpoint to ``end2end.onnx``."""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from ..cache import official_model_path
from ..errors import UsageError
from ..files import atomic_path, kind_of
from ..metadata import RGB
from ..quoting import printable
from .console import new_app, parse_size_hw, run, stderr, stdout, version_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..exporters import ExportReport, ParityCase

_FILE_NAME: Final = "end2end.onnx"
_NEEDED: Final = ("torch", "onnx", "onnxsim")
_INSTALL: Final = "pip install torch onnx onnxsim (without a GPU: PyTorch's CPU build first)"

app = new_app()


@app.command()
def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A .pth of open-mmlab, a .pdparams of PaddleSeg, "
            "or the name of an official model: tiny, base.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The ONNX file to write, or a folder for end2end.onnx.",
        ),
    ] = _FILE_NAME,
    work_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the file; --output then names no other."),
    ] = None,
    vim: Annotated[
        str | None,
        typer.Option(
            metavar="cell|image|off",
            help="How labels are upsampled: exactly and fast (cell, the default), the paper's "
            "way, only the classes that are present (image), or all classes (off).",
        ),
    ] = None,
    logits: Annotated[
        bool, typer.Option("--logits", help="Give float logits of all classes, not labels.")
    ] = False,
    opset: Annotated[int, typer.Option(metavar="N", help="ONNX opset version, 15 to 20.")] = 17,
    shape: Annotated[
        str | None,
        typer.Option(metavar="HxW", help="Fix the input size; the default is any size."),
    ] = None,
    label_dtype: Annotated[
        str | None,
        typer.Option(
            metavar="int64|int32|uint8", help="Integer type of the labels, by default int64."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Class names: a text file with one a line, JSON ([name, ...], or {name: "
            "[r, g, b], ...} with colours), or the word ade20k or cityscapes. Without it: "
            "ADE20K's for 150 classes, else numbers.",
        ),
    ] = None,
    no_simplify: Annotated[
        bool, typer.Option("--no-simplify", help="Keep the graph as it was traced.")
    ] = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Leave out the parity proof.")
    ] = False,
    atol: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Largest logit difference that the proof permits; by default 1e-4 of the "
            "largest logit, or more where PyTorch itself rounds by more.",
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Show the labels of PyTorch and of the file in a window."),
    ] = False,
    _version: Annotated[bool, version_option("ppms-export")] = False,
) -> None:
    """Export a PP-MobileSeg checkpoint to one ONNX file, and prove that it computes the same.

    The file runs in ONNX Runtime 1.15 and newer, takes images of any size, and carries its class
    names, colours and preprocessing along. Segment images with it by ppms-infer.
    """
    _require_extra()
    from ..exporters import ExportOptions, export_onnx
    from ..runtime.sinks import Window

    if logits and (vim is not None or label_dtype is not None):
        raise UsageError("--logits gives no labels: leave out --vim and --label-dtype")
    options = ExportOptions(
        vim=vim or "cell",  # type: ignore[arg-type]  # checked by ExportOptions
        logits=logits,
        opset=opset,
        shape_hw=None if shape is None else parse_size_hw(shape),
        label_dtype=label_dtype or "int64",  # type: ignore[arg-type]
        simplify=not no_simplify,
    )
    if show and no_verify:
        raise UsageError("--show shows the parity proof, which --no-verify leaves out")
    target = _target(output, work_dir)
    window = Window("ppms-export") if show else None
    with stderr.status("starting") as status:
        report = export_onnx(
            checkpoint,
            target,
            options,
            classes=classes,
            verify=not no_verify,
            atol=atol,
            on_progress=status.update,
        )
    stdout.print(_table(report))
    if window is not None and report.parity is not None:
        window.show(_side_by_side(report.parity.cases[-1], report.metadata.palette_rgb))
    plain = options == ExportOptions() and classes is None and report.parity is not None
    if report.official_name is not None and plain:
        _publish(report, report.official_name)


def _target(output: str, work_dir: Path | None) -> Path:
    """Return the file to write."""
    if not output:  # as a path it would mean the current folder
        raise UsageError("expected a file or a folder for --output, found an empty name")
    path = Path(output)
    if work_dir is None:
        # "out/" is meant as a folder, whether there is one or not; a Path forgets the slash.
        is_folder = output.endswith(("/", os.sep)) or kind_of(path) == "folder"
        return path / _FILE_NAME if is_folder else path
    if path.name != output:
        raise UsageError(f"expected --output without a folder beside --work-dir, found {output}")
    return work_dir / path


def _require_extra() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"exporting needs {', '.join(missing)}; install with: {_INSTALL}")


def _table(report: "ExportReport") -> Table:
    metadata, options, parity = report.metadata, report.options, report.parity
    table = Table(
        show_header=False, title=escape(printable(str(report.path))), title_justify="left"
    )
    table.add_column(style="dim")
    table.add_column()
    table.add_row("variant", metadata.variant)
    table.add_row("classes", str(metadata.num_classes))
    table.add_row(
        "output",
        "logits, float32"
        if options.logits
        else f"labels, {options.label_dtype}, VIM {metadata.vim}",
    )
    table.add_row("operators", f"{sum(report.operators.values())} ({len(report.operators)} kinds)")
    table.add_row("size", f"{report.size_bytes / 1e6:.2f} MB")
    table.add_row("time", f"{report.seconds:.1f} s")
    if parity is None:
        table.add_row("parity", "not checked")
    else:
        sizes = ", ".join(f"{c.batch}x3x{c.size_hw[0]}x{c.size_hw[1]}" for c in parity.cases)
        table.add_row(
            "parity",
            f"logits differ by {parity.max_logit_difference:.1e} at most "
            f"({parity.max_relative_difference:.1e} of the largest), "
            f"{100 * parity.equal_labels:.6g} % of labels equal",
        )
        table.add_row("on inputs", sizes)
    return table


def _side_by_side(case: "ParityCase", palette_rgb: tuple[RGB, ...]) -> "NDArray[np.uint8]":
    import numpy as np

    from ..runtime.drawing import colorize

    return np.hstack(
        [colorize(labels[0, 0], palette_rgb) for labels in (case.labels_pytorch, case.labels_onnx)]
    )


def _publish(report: "ExportReport", name: str) -> None:
    """Keep a copy of an official model where ppms-infer looks for one."""
    target = official_model_path(name)
    with atomic_path(target) as temporary:
        shutil.copyfile(report.path, temporary)
    stderr.print(f"ppms-infer finds this model from any folder now ({target})", soft_wrap=True)


def main() -> None:
    """Entry point of ``ppms-export``."""
    run(app)
