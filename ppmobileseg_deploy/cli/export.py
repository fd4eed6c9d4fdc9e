"""``ppms export``: from a checkpoint to ``end2end.onnx``."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from ..cache import official_model_path
from ..errors import UsageError
from ..files import atomic_path, check_file, check_folder, kind_of
from ..quoting import printable
from ..sidecar import sidecar_path
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
    Weights,
)
from .command import Command
from .console import Version, new_app, parse_size_hw, print_note, run, stderr, stdout
from .export_report import export_table, int8_table, ort_line, side_by_side, slower_note
from .extras import require_export_extra
from .graft import app as graft_app
from .inputs import check_inputs, check_models
from .inspect import app as inspect_app
from .reports import check_report

if TYPE_CHECKING:
    from ..exporters import ExportOptions, ExportReport, Int8Options
    from ..verification import Verification

_FILE_NAME: Final = "end2end.onnx"
_GRAFT: Final = "graft"
_INSPECT: Final = "inspect"
_VERIFY: Final = ("quick", "full", "off")


class _Export(Command):
    renamed: ClassVar[Mapping[str, str]] = {"--classes": "--names", "--verify-image": "--image"}


app = new_app()


@app.command(help=given.HELP, cls=_Export)
def export(
    checkpoint: given.Checkpoint,
    output: given.Output = _FILE_NAME,
    work_dir: given.WorkDir = None,
    web: given.Web = None,
    triton: given.Triton = None,
    weights: Weights = None,
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
    threshold: given.Threshold = None,
    vim: given.Vim = None,
    logits: given.Logits = False,
    coarse_logits: given.CoarseLogits = False,
    no_logits_output: given.NoLogitsOutput = False,
    label_dtype: given.LabelDtype = None,
    embed_preprocessing: given.EmbedPreprocessing = None,
    shape: given.Shape = None,
    opset: given.Opset = 17,
    no_simplify: given.NoSimplify = False,
    precision: given.Precision = "fp32",
    calibrate: given.Calibrate = None,
    calibrate_labels: given.CalibrateLabels = None,
    reduce_zero_label: given.ReduceZeroLabel = False,
    min_agreement: given.MinAgreement = None,
    max_miou_loss: given.MaxMiouLoss = None,
    ort: given.Ort = False,
    label_head: given.LabelHead = False,
    sidecar: given.Sidecar = False,
    golden: given.Golden = None,
    dump_info: given.DumpInfo = False,
    verify: given.Verify = "quick",
    image: given.Image = None,
    tolerance: given.Tolerance = None,
    atol: given.Atol = None,
    show: given.Show = False,
    _version: Version = False,
) -> None:
    """Compose an export of what was asked for."""
    check_models(checkpoint)
    require_export_extra("exporting")
    from ..checkpoints import load_checkpoint, with_threshold
    from ..exporters import (
        Description,
        ExportOptions,
        check_sdk_options,
        convert_to_ort,
        export_label_head,
        export_onnx,
        write_golden,
        write_sidecar,
        write_triton,
    )
    from ..exporters import dump_info as write_info
    from ..runtime.drawing.window import Window
    from ..runtime.images.files import read_image
    from ..verification import prove_file
    from ..web import runtime_files, write_page

    runtime = None
    if web is not None:
        _check_web(
            web,
            {
                "--output": output != _FILE_NAME,
                "--work-dir": work_dir is not None,
                "--vim": vim is not None,
                "--logits": logits,
                "--coarse-logits": coarse_logits,
                "--no-logits-output": no_logits_output,
                "--label-dtype": label_dtype is not None,
                "--embed-preprocessing": embed_preprocessing is not None,
                "--shape": shape is not None,
                "--dump-info": dump_info,
            },
        )
        with stderr.status("fetching ONNX Runtime for browsers"):
            runtime = runtime_files()
        work_dir, embed_preprocessing = web, "rgba"
        coarse_logits = label_head = sidecar = True
    _check_output(
        {"--logits": logits, "--coarse-logits": coarse_logits},
        {
            "--vim": vim is not None,
            "--label-dtype": label_dtype is not None,
            "--no-logits-output": no_logits_output,
        },
    )
    options = ExportOptions(
        vim=vim or "cell",  # type: ignore[arg-type]  # checked by ExportOptions
        logits=logits,
        coarse_logits=coarse_logits,
        logits_output=not no_logits_output,
        opset=opset,
        shape_hw=None if shape is None else parse_size_hw(shape),
        label_dtype=label_dtype or "int64",  # type: ignore[arg-type]
        simplify=not no_simplify,
        precision=precision,  # type: ignore[arg-type]
        embed_preprocessing=embed_preprocessing,  # type: ignore[arg-type]
    )
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
    description = about.description(names, palette)
    target = _target(output, work_dir)
    if target.suffix.lower() == ".ort":
        raise UsageError(
            f"expected the name of an ONNX file, found {target}: ONNX Runtime goes by the "
            "suffix; --ort writes the ORT format beside it"
        )
    check_report("--output", target, (".onnx",), [checkpoint])
    if ort and precision == "fp16":
        raise UsageError("--ort would store the weights as float32 again: leave out fp16")
    if label_head and not (options.second_output or coarse_logits):
        raise UsageError("--label-head takes the logits of a file of labels and logits")
    if sidecar:
        _check_sidecar(sidecar_path(target), dump_info=dump_info)
    if golden is not None:
        check_folder(golden)
    if triton is not None:
        check_folder(triton)
    if dump_info:
        check_sdk_options(options)
    if atol is not None:
        print_note(
            "--atol, an absolute difference, goes with the next release: --tolerance is a share "
            "of the largest logit"
        )
    _check_validation(verify, image, tolerance if atol is None else atol, show=show)
    check_inputs(*(image or ()))
    int8 = _int8_options(
        options,
        calibrate,
        calibrate_labels,
        reduce_zero_label=reduce_zero_label,
        min_agreement=min_agreement,
        max_miou_loss=max_miou_loss,
    )
    for each in image or ():  # before the work, rather than in its midst
        read_image(each)
    window = Window("ppms-export") if show else None
    full: list[Verification] = []
    with stderr.status("reading the checkpoint") as status:
        loaded = with_threshold(load_checkpoint(checkpoint, weights), threshold)

        def examine(content: bytes) -> None:
            if verify == "full":
                status.update("comparing with PyTorch on pictures")
                full.append(prove_file(loaded, content, target.name, image or ()))

        report = export_onnx(
            loaded,
            target,
            options,
            description=description,
            verify=verify != "off",
            tolerance=tolerance,
            atol=atol,
            int8=int8,
            examine=examine,
            on_progress=status.update,
        )
    stdout.print(export_table(report, full[0] if full else None))
    for note in report.notes:
        print_note(note)
    if report.int8 is not None:
        stdout.print(int8_table(report.int8))
        if report.int8.slower:
            print_note(slower_note(report.int8))
    if ort:
        with stderr.status("converting to ORT format"):
            converted = convert_to_ort(target)
        stdout.print(ort_line(converted), markup=False, soft_wrap=True)
    if label_head:
        head = target.with_suffix(".labels.onnx")
        export_label_head(head, report.metadata.num_classes, report.metadata.stride)
        stdout.print(f"label head: {printable(str(head))}", markup=False, soft_wrap=True)
    if sidecar:
        beside = printable(str(write_sidecar(target)))
        stdout.print(f"sidecar: {beside}", markup=False, soft_wrap=True)
    if web is not None and runtime is not None:
        write_page(web, runtime)
        stdout.print(f"page: ppms web {printable(str(web))}", markup=False, soft_wrap=True)
    if triton is not None:
        repository = printable(str(write_triton(target, triton)))
        stdout.print(f"model of Triton: {repository}", markup=False, soft_wrap=True)
    if golden is not None:
        with stderr.status("running the file on a picture"):
            manifest = write_golden(target, golden)
        stdout.print(f"golden files: {printable(str(manifest))}", markup=False, soft_wrap=True)
    if dump_info:
        names = ", ".join(path.name for path in write_info(target, report.metadata, options))
        stdout.print(f"for mmdeploy's SDK: {names}", markup=False, soft_wrap=True)
    if window is not None and report.parity is not None:
        window.show(side_by_side(report.parity.cases[-1], report.metadata.palette_rgb))
    plain = (options, description, weights) == (ExportOptions(), Description(), None)
    if report.official_name is not None and plain and report.parity is not None:
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


def _check_web(folder: Path, others: Mapping[str, bool]) -> None:
    """Refuse what decides on the form or place of the file, which the page does."""
    for option, is_given in others.items():
        if is_given:
            raise UsageError(
                f"--web decides on the form and the place of the file: leave out {option}"
            )
    check_folder(folder)


def _check_output(of_logits: Mapping[str, bool], of_labels: Mapping[str, bool]) -> None:
    """Refuse two forms of logits at once, and options of labels beside them."""
    chosen = [option for option, is_given in of_logits.items() if is_given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} are two outputs: choose one")
    for option, is_given in of_labels.items():
        if chosen and is_given:
            raise UsageError(f"{chosen[0]} gives no labels: leave out {option}")


def _check_sidecar(path: Path, *, dump_info: bool) -> None:
    """Refuse a sidecar that a file of mmdeploy's SDK would take the place of."""
    from ..exporters.mmdeploy_info import FILE_NAMES

    if dump_info and path.name in FILE_NAMES:
        raise UsageError(
            f"expected another name for the ONNX file: its sidecar and --dump-info would both "
            f"write {path.name}"
        )
    check_file(path)


def _check_validation(
    verify: str, images: list[Path] | None, tolerance: float | None, *, show: bool
) -> None:
    if verify not in _VERIFY:
        raise UsageError(f"expected --verify to be one of {', '.join(_VERIFY)}, found {verify!r}")
    if images and verify != "full":
        raise UsageError(f"--image needs --verify full, found {verify}")
    if verify == "off":
        for option, is_given in (
            ("--show shows", show),
            ("--tolerance is for", tolerance is not None),
        ):
            if is_given:
                raise UsageError(f"{option} the validation, which --verify off leaves out")


def _int8_options(
    options: "ExportOptions",
    images: Path | None,
    labels: Path | None,
    *,
    reduce_zero_label: bool,
    min_agreement: float | None,
    max_miou_loss: float | None,
) -> "Int8Options | None":
    from ..exporters import CalibrationSet, Int8Options

    of_labels = {
        "--reduce-zero-label": reduce_zero_label,
        "--max-miou-loss": max_miou_loss is not None,
    }
    if options.precision != "int8":
        of_int8 = {
            "--calibrate": images is not None,
            "--calibrate-labels": labels is not None,
            **of_labels,
            "--min-agreement": min_agreement is not None,
        }
        for option, is_given in of_int8.items():
            if is_given:
                raise UsageError(f"{option} is for --precision int8, found {options.precision}")
        return None
    if images is None:
        raise UsageError("--precision int8 needs images: --calibrate DIR")
    for option, is_given in of_labels.items():
        if is_given and labels is None:
            raise UsageError(f"{option} is about true labels: give --calibrate-labels DIR too")
    limits = {"min_equal_labels": min_agreement, "max_miou_loss": max_miou_loss}
    return Int8Options(
        CalibrationSet.find(images, labels, reduce_zero_label=reduce_zero_label),
        **{name: limit for name, limit in limits.items() if limit is not None},
    )


def _publish(report: "ExportReport", name: str) -> None:
    """Keep a copy of an official model where ppms-infer looks for one."""
    target = official_model_path(name)
    with atomic_path(target) as temporary:
        shutil.copyfile(report.path, temporary)
    stderr.print(f"ppms-infer finds this model from any folder now ({target})", soft_wrap=True)


def main() -> None:
    """Entry point of ``ppms-export``, of ``ppms-export graft`` and ``ppms-export inspect``.

    The last is the former name of ``ppms inspect``.
    """
    if sys.argv[1:2] == [_GRAFT]:  # a checkpoint of that name is ./graft
        sys.argv[:2] = [f"{sys.argv[0]} {_GRAFT}"]
        run(graft_app)
    if sys.argv[1:2] == [_INSPECT]:  # a checkpoint of that name is ./inspect
        print_note("this is called `ppms inspect` now; the former name goes with the next release")
        sys.argv[:2] = [f"{sys.argv[0]} {_INSPECT}"]
        sys.argv = ["--json=-" if each == "--json" else each for each in sys.argv]
        run(inspect_app)
    run(app)
