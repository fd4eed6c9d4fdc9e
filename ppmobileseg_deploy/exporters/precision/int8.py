"""Int8 quantization: the search for the layers that must stay in float32."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from onnx import ModelProto

from ...errors import ExportError, UsageError
from ...metadata import ModelMetadata
from ...runtime.inference.preprocessing import Preprocessing
from ..graph import seal
from .calibration import CalibrationReader, CalibrationSet
from .held_out import HeldOutScorer, Score
from .quantizer import Quantizer

MIN_EQUAL_LABELS: Final = 0.99
"""Share of labels on the held-out images that must equal the float32 model's, if no other is
given."""

MAX_MIOU_LOSS: Final = 0.01
"""By how much mIoU may fall, where there are true labels to measure it with."""


@dataclass(frozen=True)
class Int8Options:
    """Calibration images and limits for an int8 model.

    Attributes:
        calibration: The images.
        min_equal_labels: Least share of labels that equal the float32 model's, in (0, 1].
        max_miou_loss: Largest loss of mIoU, in [0, 1]; only where there are true labels.

    Raises:
        UsageError: A limit is out of range.
    """

    calibration: CalibrationSet
    min_equal_labels: float = MIN_EQUAL_LABELS
    max_miou_loss: float = MAX_MIOU_LOSS

    def __post_init__(self) -> None:
        if not 0 < self.min_equal_labels <= 1:
            raise UsageError(
                f"expected a share of equal labels above 0 and up to 1, "
                f"found {self.min_equal_labels}"
            )
        if not 0 <= self.max_miou_loss <= 1:
            raise UsageError(f"expected a loss of mIoU from 0 to 1, found {self.max_miou_loss}")


@dataclass(frozen=True)
class SearchStep:
    """One choice of layers, and how well it did.

    Attributes:
        float_layers: What was left in float32; everything else was in integers.
        score: Labels on the held-out images.
    """

    float_layers: tuple[str, ...]
    score: Score


@dataclass(frozen=True)
class Form:
    """Size, latency and score of one form of the model.

    Attributes:
        size_bytes: Size of the file.
        latency_ms: Median time of an inference with one thread, the two forms turn by turn.
        score: Labels on the held-out images.
    """

    size_bytes: int
    latency_ms: float
    score: Score


@dataclass(frozen=True)
class Int8Report:
    """The search for float32 layers and its result.

    The held-out images gave no ranges, but they do choose the layers that stay in float32. Where
    there are few of them, images that took part in neither tell more: ``ppms-eval`` takes any.

    Attributes:
        calibrating_images: Number of images that gave the ranges.
        held_out_images: Number of images that everything was measured on.
        has_labels: Whether mIoU is with true labels, not with the float32 model's.
        layers: All parts of the network, in the order of execution.
        equal_labels_alone: For each of them the share of equal labels with that part alone in
            integers; empty where the search did not need it.
        steps: The choices tried, the last of which was taken.
        before: The float32 model.
        after: The int8 model.
    """

    calibrating_images: int
    held_out_images: int
    has_labels: bool
    layers: tuple[str, ...]
    equal_labels_alone: Mapping[str, float]
    steps: tuple[SearchStep, ...]
    before: Form
    after: Form

    @property
    def float_layers(self) -> tuple[str, ...]:
        """Parts of the network that stayed in float32."""
        return self.steps[-1].float_layers

    @property
    def slower(self) -> bool:
        """Whether the int8 model takes longer than the float32 model on this machine."""
        return self.after.latency_ms > self.before.latency_ms


def quantize_int8(
    model: ModelProto,
    metadata: ModelMetadata,
    options: Int8Options,
    shape_hw: tuple[int, int] | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
    ship: Callable[[ModelProto], ModelProto] = lambda model: model,
) -> tuple[ModelProto, Int8Report]:
    """Put as much of a model in integers as the limits allow.

    At first everything that leads to the logits is in integers. If that is too coarse, each part
    of the network is measured alone, and those that do most harm go back to float32 one after
    the other, until the limits are met.

    Args:
        model: The exported float32 model, with the outputs ``output`` and ``logits``.
        metadata: What it says about itself; the result says the same, but for its precision.
        options: Images and limits.
        shape_hw: Input size of a model that takes one size only.
        on_progress: Called with a few words at the start of each step.
        ship: Leaves the outputs that the finished file has; all by default.

    Returns:
        A model as it ships, and the report. The same images give the same model on
        the same kind of processor.

    Raises:
        ExportError: The model cannot be quantized, or only by leaving everything in float32.
        ImageError: An image or its labels cannot be read, or no label counts.
        UsageError: ONNX Runtime's quantization is too old, or true labels cannot name all
            classes.
    """
    calibration = options.calibration
    shipped = ship(model)
    on_progress("labelling the held-out images in float32")
    scorer = HeldOutScorer(shipped, calibration)

    with tempfile.TemporaryDirectory() as folder:
        quantizer = Quantizer(model, Path(folder))
        preprocess = Preprocessing.from_metadata(metadata, static_size_hw=shape_hw)
        on_progress(f"measuring ranges on {len(calibration.calibrating)} images")
        quantizer.calibrate(CalibrationReader(calibration.calibrating, preprocess))

        def quantized(float_layers: tuple[str, ...]) -> ModelProto:
            groups = [group for group in quantizer.groups if group not in float_layers]
            return seal(ship(quantizer.quantize(groups)), metadata, model.ir_version)

        on_progress("judging everything in integers")
        steps = [SearchStep((), scorer.score(quantized(())))]
        alone: dict[str, float] = {}
        if not _suffices(steps[-1].score, scorer.reference, options):
            for number, group in enumerate(quantizer.groups, start=1):
                on_progress(f"judging layer {number} of {len(quantizer.groups)} alone")
                others = tuple(other for other in quantizer.groups if other != group)
                alone[group] = scorer.score(quantized(others)).equal_labels
        worst_first = sorted(alone, key=alone.__getitem__)
        while not _suffices(steps[-1].score, scorer.reference, options):
            count = len(steps)
            if count >= len(quantizer.groups):
                raise ExportError(_refusal(steps, scorer.reference, options))
            on_progress(f"judging with {count} layers in float32")
            left = tuple(group for group in quantizer.groups if group in worst_first[:count])
            steps.append(SearchStep(left, scorer.score(quantized(left))))
        result = quantized(steps[-1].float_layers)
        layers = quantizer.groups

    on_progress("timing both")
    before_ms, after_ms = scorer.latency_ms(result)
    report = Int8Report(
        calibrating_images=len(calibration.calibrating),
        held_out_images=len(calibration.held_out),
        has_labels=bool(calibration.held_out_labels),
        layers=layers,
        equal_labels_alone=alone,
        steps=tuple(steps),
        before=Form(shipped.ByteSize(), before_ms, scorer.reference),
        after=Form(result.ByteSize(), after_ms, steps[-1].score),
    )
    return result, report


def _refusal(steps: Sequence[SearchStep], reference: Score, options: Int8Options) -> str:
    best = max((step.score for step in steps), key=lambda score: score.equal_labels)
    asked, given = (
        f"{options.min_equal_labels:.2%} of the labels equal",
        f"{best.equal_labels:.2%}",
    )
    if options.calibration.held_out_labels:
        asked += f" and a loss of mIoU up to {options.max_miou_loss:g}"
        given += f" and {reference.miou - best.miou:.4f}"
    return (
        f"expected some layers to do in integers with {asked}, found none; "
        f"the best choice gives {given}"
    )


def _suffices(score: Score, reference: Score, options: Int8Options) -> bool:
    if not score.equal_labels >= options.min_equal_labels:
        return False
    if not options.calibration.held_out_labels:
        return True
    return score.miou >= reference.miou - options.max_miou_loss
