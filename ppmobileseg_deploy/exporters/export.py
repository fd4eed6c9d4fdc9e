"""Export: from a checkpoint to a finished ONNX file."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from onnx import ModelProto

from ..checkpoints import (
    Checkpoint,
    Description,
    Origins,
    build_model,
    describe,
    load_checkpoint,
    with_threshold,
)
from ..errors import UsageError
from ..files import atomic_path, kind_of
from ..metadata import ModelMetadata
from .comparison import Comparison
from .graph import count_operators, finalize, shipped, simplify
from .options import ExportOptions
from .parity import ParityReport, prove
from .precision import Int8Options, Int8Report
from .rewrites import lean
from .trace import EndToEnd, trace
from .variants import make_variant

_UINT8_CLASSES: Final = 256


@dataclass(frozen=True)
class ExportReport:
    """Result of an export, and how well it agrees with PyTorch.

    Attributes:
        path: The finished file.
        metadata: What the file says about itself.
        options: What it was exported with.
        operators: How often each ONNX operator occurs, most frequent first.
        size_bytes: Size of the file.
        sha256: SHA-256 of the file, in hexadecimal.
        seconds: Time from the start of loading to the finished file.
        parity: The measured agreement, or None when the proof was left out.
        channel_order: Order of the channels that the network was trained on.
        origins: Where names, colours and normalisation come from.
        notes: Remarks about the checkpoint, a sentence each.
        official_name: ``"tiny"`` or ``"base"`` if that official checkpoint was exported.
        comparisons: How other forms than the plain float32 file agree with that one.
        int8: How the layers for integers were chosen, or None for other precisions.
    """

    path: Path
    metadata: ModelMetadata
    options: ExportOptions
    operators: Mapping[str, int]
    size_bytes: int
    sha256: str
    seconds: float
    parity: ParityReport | None
    channel_order: str
    origins: Origins
    notes: tuple[str, ...]
    official_name: str | None
    comparisons: tuple[Comparison, ...] = ()
    int8: Int8Report | None = None


def export_onnx(
    checkpoint: Checkpoint | str | Path,
    output: str | Path = "end2end.onnx",
    options: ExportOptions | None = None,
    *,
    classes: str | Path | None = None,
    description: Description | None = None,
    threshold: float | None = None,
    verify: bool = True,
    tolerance: float | None = None,
    atol: float | None = None,
    int8: Int8Options | None = None,
    examine: Callable[[bytes], object] = lambda _: None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> ExportReport:
    """Export a checkpoint to one ONNX file.

    The file gets its name only when everything has succeeded, the parity proof included; on any
    error an existing file of that name is left as it was.

    Args:
        checkpoint: A loaded checkpoint, a path to one of open-mmlab or PaddleSeg, or the name of
            an official one: ``"tiny"`` or ``"base"``.
        output: The file to write; its folder is made if needed.
        options: Form of the file; `ExportOptions` has the defaults.
        classes: File with the class names: short for ``Description(names=classes)``.
        description: Names, colours and normalisation, in place of what the checkpoint says or
            else the defaults, see `Description`.
        threshold: Of a head of one class, see `checkpoints.with_threshold`: the probability
            above which a pixel is of that class; None for 0.3, as in mmsegmentation.
        verify: Whether to prove parity with PyTorch.
        tolerance: Largest difference of the logits that the proof permits, as a share of the
            largest logit; the default is 1e-4 or what rounding takes, see
            `exporters.parity.prove`.
        atol: The same as an absolute difference; not with ``tolerance``.
        int8: Images and limits for ``precision="int8"``, which needs them.
        examine: Called with the content of the float32 file before anything is written or made
            of it; whatever it raises ends the export. `verification.prove_file` is made for it.
        on_progress: Called with a few words at the start of each step.

    Returns:
        The report.

    Raises:
        CheckpointError: The checkpoint cannot be read or does not fit.
        ExportError: The network could not be translated.
        ParityError: The exported graph computes something else than PyTorch, or another form
            something else than the float32 one.
        ImageError: An image to calibrate with cannot be read.
        OutputError: The file could not be written.
        UsageError: Arguments that make no sense together.

    Examples:
        >>> report = export_onnx("my.pth", "end2end.onnx")  # doctest: +SKIP
        >>> report.parity.equal_labels  # doctest: +SKIP
        1.0
    """
    options = options or ExportOptions()
    output = Path(output)
    if kind_of(output) == "folder":
        raise UsageError(f"expected a file name for the ONNX file, found the folder {output}")
    for limit in (tolerance, atol):
        if limit is not None and not limit >= 0:
            raise UsageError(f"expected a tolerance of at least 0, found {limit}")
    if tolerance is not None and atol is not None:
        raise UsageError("expected a tolerance or an atol, found both")
    if (int8 is None) != (options.precision != "int8"):
        raise UsageError(
            "expected images to calibrate with for precision int8, found none"
            if int8 is None
            else f"expected no images to calibrate with for precision {options.precision}"
        )
    if classes is not None and description is not None:
        raise UsageError("expected class names in the description, found them beside it")
    described = description or Description(names=classes)
    started = time.perf_counter()

    on_progress("reading the checkpoint")
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = load_checkpoint(checkpoint)
    checkpoint = with_threshold(checkpoint, threshold)
    if options.label_dtype == "uint8" and checkpoint.num_classes > _UINT8_CLASSES:
        raise UsageError(
            f"expected at most {_UINT8_CLASSES} classes for uint8 labels, "
            f"found {checkpoint.num_classes}"
        )
    plain, origins = describe(checkpoint, described)
    if plain.stretched_hw is not None and options.shape_hw not in (None, plain.stretched_hw):
        stretched, shape = (
            f"{each[0]}x{each[1]}" for each in (plain.stretched_hw, options.shape_hw)
        )
        raise UsageError(
            f"expected a fixed shape of {stretched}, to which images are stretched, found {shape}"
        )
    plain = replace(
        plain,
        output=options.output,
        vim=options.vim if options.output == "labels" else "off",
    )
    metadata = replace(
        plain,
        precision=options.precision,
        channel_order=options.embed_preprocessing or plain.channel_order,
    )
    network = build_model(checkpoint)

    on_progress("tracing the network")
    model = trace(EndToEnd(lean(network), options).eval(), options)
    if options.simplify:
        on_progress("simplifying the graph")
        model = simplify(model)
    model = finalize(model, plain, options.ir_version)

    parity = None
    if verify:
        on_progress("proving parity with PyTorch")
        parity = prove(model, network, options, tolerance=tolerance, atol=atol)
    examine(_serialized(shipped(model, options)))

    variant = make_variant(
        model, plain, metadata, options, int8, verify=verify, on_progress=on_progress
    )
    on_progress("writing the file")
    content = _write(variant.model, output)
    return ExportReport(
        path=output,
        metadata=metadata,
        options=options,
        operators=count_operators(variant.model),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        seconds=time.perf_counter() - started,
        parity=parity,
        channel_order=plain.channel_order,
        origins=origins,
        notes=(*checkpoint.notes, *origins.notes),
        official_name=checkpoint.official_name,
        comparisons=variant.comparisons,
        int8=variant.int8,
    )


def _write(model: ModelProto, output: Path) -> bytes:
    content = _serialized(model)
    with atomic_path(output) as temporary:
        temporary.write_bytes(content)
    return content


def _serialized(model: ModelProto) -> bytes:
    content: bytes = model.SerializeToString(deterministic=True)
    return content
