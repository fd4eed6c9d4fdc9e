"""Graft: a file of any origin with our end in place of its slow one."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from onnx import ModelProto, helper

from ...checkpoints import Description, Origins, describe
from ...errors import ExportError, UsageError
from ...files import atomic_path, kind_of
from ...metadata import ModelMetadata, checked_threshold
from ...types import SizeHW
from .ends import find_end
from .head import graft_head
from .origins import ForeignNetwork, what_is_said
from .proof import Proof, observe, prove
from .source import Source, read_source
from .surgery import attach
from .upsampling import find_enlarging

_SUFFIX: Final = ".grafted.onnx"
_OURS: Final = "ppms."


@dataclass(frozen=True)
class GraftReport:
    """Result of a graft.

    Attributes:
        path: The file.
        source: The file that it was made of.
        gave: What that gives: ``"labels"``, ``"scores"`` or ``"coarse scores"``.
        fixed_hw: The only height and width that it takes; None for any.
        metadata: What the new file says about itself.
        has_logits: Whether it has the coarse scores as its second output, so that the runtime
            labels photographs at their own size.
        proof: Agreement with the old end, and times.
        origins: Where names, colours and normalisation come from.
        notes: Remarks, a sentence each.
        old_bytes: Size of the file that it was made of, without external data.
        size_bytes: Size of the new one.
        sha256: SHA-256 of the new one, in hexadecimal.
        seconds: Time from the start to the finished file.
    """

    path: Path
    source: Path
    gave: str
    fixed_hw: SizeHW | None
    metadata: ModelMetadata
    has_logits: bool
    proof: Proof
    origins: Origins
    notes: tuple[str, ...]
    old_bytes: int
    size_bytes: int
    sha256: str
    seconds: float

    @property
    def pays(self) -> bool:
        """Whether the new end is faster, on drawn scores and on the network's own."""
        proof = self.proof
        return proof.new_end_ms < proof.old_end_ms and proof.new_own_ms < proof.old_own_ms

    def to_json(self) -> dict[str, Any]:
        """Return all of it as json can write it."""
        return asdict(self) | {"path": str(self.path), "source": str(self.source)}


def graft(
    model: str | Path,
    output: str | Path | None = None,
    *,
    description: Description | None = None,
    threshold: float | None = None,
    force: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> GraftReport:
    """Replace the end of any segmentation network by labels cell by cell.

    The end must be a bilinear Resize of all classes, or two in a row, and ArgMax; or only scores,
    of full size or coarse, of which class ids are then made at the size of the input. The file
    keeps its input and the names, types and shapes of its class ids.

    Args:
        model: An ONNX file of any origin.
        output: The file to write; None for ``NAME.grafted.onnx`` beside it.
        description: Names, colours, normalisation and sizes, where the file does not say them.
        threshold: Of a file that gives scores of one class: the probability above which a pixel
            is of it.
        force: Write the file even where the new end is slower than the old one.
        on_progress: Called with a few words at the start of each step.

    Returns:
        The report.

    Raises:
        ModelError: The file cannot be read.
        ExportError: The network ends in another way, or cannot be translated; or the new end is
            slower.
        ParityError: The new end gives other labels.
        OutputError: The file could not be written.
        UsageError: Arguments that make no sense.

    Examples:
        >>> report = graft("segformer.onnx", "fast.onnx")  # doctest: +SKIP
        >>> report.proof.equal_labels  # doctest: +SKIP
        1.0
    """
    path = Path(model)
    target = path.with_name(path.stem + _SUFFIX) if output is None else Path(output)
    _check_target(target, path)
    if threshold is not None:
        threshold = checked_threshold(threshold)
    started = time.perf_counter()
    on_progress("reading the file")
    source = read_source(path, threshold)
    _check_end(source.model)
    end = find_end(source.model, source.output)

    on_progress("running it")
    observed = observe(source, end)

    on_progress("building the new end")
    fixed = (observed[0].grid_hw, *observed[0].sizes_hw) if source.image.fixed_hw else None
    channels = observed[0].channels
    head = graft_head(end, channels, source.opset, fixed, source.image.batch)
    network = ForeignNetwork(
        file_name=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        num_classes=channels,
        stride=0,
        said=what_is_said(path, source.model),
    )
    metadata, origins = describe(network, description)
    found = find_enlarging(end, observed)
    metadata = replace(metadata, output="labels", vim="cell")
    has_logits = found is not None and found.holds_for(metadata)
    if found is not None and has_logits:
        enlarging = found.enlarging
        metadata = replace(metadata, stride=enlarging.stride, upsampling=enlarging.upsampling)
    grafted = attach(source, end, head, logits=has_logits)
    _describe(grafted, metadata)

    on_progress("comparing the two")
    proof = prove(source, end, head, grafted, observed)
    try:
        content = grafted.SerializeToString(deterministic=True)
    except ValueError as error:
        raise ExportError(f"expected a file below 2 GB: {error}") from error
    report = GraftReport(
        path=target,
        source=path,
        gave=source.gave,
        fixed_hw=source.image.fixed_hw,
        metadata=metadata,
        has_logits=has_logits,
        proof=proof,
        origins=origins,
        notes=(*source.notes, *origins.notes, *_notes(source, has_logits=has_logits)),
        old_bytes=path.stat().st_size,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        seconds=time.perf_counter() - started,
    )
    if not report.pays and not force:
        raise ExportError(
            f"expected the new end to be faster, found {proof.new_end_ms:.1f} ms against "
            f"{proof.old_end_ms:.1f} on drawn scores, {proof.new_own_ms:.1f} against "
            f"{proof.old_own_ms:.1f} on the network's own of a picture: nothing was written",
            parameter="force",
        )
    on_progress("writing the file")
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)
    return report


def _check_target(target: Path, path: Path) -> None:
    if kind_of(target) == "folder":
        raise UsageError(f"expected a file name for the ONNX file, found the folder {target}")
    if target.suffix.lower() != ".onnx":
        raise UsageError(f"expected the name of an ONNX file, found {target}")
    if kind_of(target) is not None and kind_of(path) is not None and target.samefile(path):
        raise UsageError(f"{target} is the file that is to be grafted: expected another name")


def _check_end(model: ModelProto) -> None:
    """Refuse a file that was grafted, or exported, with labels cell by cell."""
    said = {each.key: each.value for each in model.metadata_props}
    if said.get(_OURS + "output") == "labels" and said.get(_OURS + "vim") == "cell":
        raise ExportError(
            "expected an end that enlarges the scores of all classes, found labels cell by cell: "
            "the file is as fast as a graft makes it"
        )


def _describe(model: ModelProto, metadata: ModelMetadata) -> None:
    """Write our entries beside what a file says about itself."""
    others = {
        each.key: each.value for each in model.metadata_props if not each.key.startswith(_OURS)
    }
    del model.metadata_props[:]
    helper.set_model_props(model, others | metadata.to_props())


def _notes(source: Source, *, has_logits: bool) -> list[str]:
    notes = []
    if source.gave == "coarse scores":
        notes.append(
            "the file gives coarse scores: labels are made of them at the size of the input, "
            "enlarged with pixel centres aligned, as PyTorch's align_corners=False"
        )
    if not has_logits:
        notes.append(
            "the coarse scores do not lie on the input in a way that the runtime knows: the file "
            "gives labels only, which the runtime resizes to the photograph by nearest neighbour"
        )
    return notes
