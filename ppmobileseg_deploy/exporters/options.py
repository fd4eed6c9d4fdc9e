"""Export options."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from ..errors import UsageError

Vim = Literal["cell", "image", "off"]
LabelDtype = Literal["int64", "int32", "uint8"]
Precision = Literal["fp32", "fp16", "int8"]
ByteOrder = Literal["bgr", "rgb", "bgra", "rgba"]

OPSETS: Final = range(15, 21)
"""ONNX opsets: from the first whose Shape takes a range, to the last that the tracer knows."""


@dataclass(frozen=True)
class ExportOptions:
    """The form of the exported file.

    Attributes:
        vim: How labels are upsampled: ``"cell"`` (exact, see `model.cell`), ``"image"`` (only
            the classes that are present, the paper's valid interpolate module) or ``"off"``
            (all classes, the reference).
        logits: Give float32 logits (batch, classes, height, width) instead of labels; ``vim``
            then has no effect.
        coarse_logits: Give nothing but the logits before upsampling, float32 (batch, classes,
            height / stride, width / stride), as the only output ``logits``: what accelerators
            take whole. ``vim`` and ``label_dtype`` then have no effect.
        opset: ONNX opset version.
        shape_hw: Fixed input height and width, with a batch of one; None keeps batch, height
            and width dynamic.
        label_dtype: Integer type of the labels.
        logits_output: Whether a file of labels gives the logits before upsampling as well, as its
            second output ``logits``, float32 (batch, classes, height / stride, width / stride).
            The runtime labels photographs at their own size by them.
        simplify: Whether onnxsim folds constants and removes redundant operators.
        precision: ``"fp32"``, ``"fp16"`` (weights of half the size, see `precision.fp16`) or
            ``"int8"`` (integers where they do no harm, which takes images to find out).
        embed_preprocessing: Take uint8 (batch, height, width, 3) with the channels in this
            order, or of ``"rgba"`` and ``"bgra"`` four with the last one unused, and normalise
            inside; None for normalised float32 (batch, 3, height, width).

    Raises:
        UsageError: A value, or a combination, that makes no sense.
    """

    vim: Vim = "cell"
    logits: bool = False
    coarse_logits: bool = False
    opset: int = 17
    shape_hw: tuple[int, int] | None = None
    label_dtype: LabelDtype = "int64"
    logits_output: bool = True
    simplify: bool = True
    precision: Precision = "fp32"
    embed_preprocessing: ByteOrder | None = None

    def __post_init__(self) -> None:
        _check_choice("vim", self.vim, get_args(Vim))
        _check_choice("label dtype", self.label_dtype, get_args(LabelDtype))
        _check_choice("precision", self.precision, get_args(Precision))
        if self.embed_preprocessing is not None:
            _check_choice("channel order", self.embed_preprocessing, get_args(ByteOrder))
        if self.logits and self.coarse_logits:
            raise UsageError("expected logits before upsampling or after it, found both")
        if self.opset not in OPSETS:
            raise UsageError(
                f"expected an opset from {OPSETS.start} to {OPSETS.stop - 1}, found {self.opset!r}"
            )
        if self.shape_hw is not None and min(self.shape_hw) < 1:
            height, width = self.shape_hw
            raise UsageError(f"expected a shape of at least 1x1, found {height}x{width}")

    @property
    def second_output(self) -> bool:
        """Whether the file has the output ``logits`` beside its first one."""
        return self.logits_output and self.output == "labels"

    @property
    def output(self) -> Literal["labels", "logits", "coarse_logits"]:
        """What the first output is, in the words of `ModelMetadata.output`."""
        if self.coarse_logits:
            return "coarse_logits"
        return "logits" if self.logits else "labels"

    @property
    def ir_version(self) -> int:
        """Lowest ONNX IR version that goes with the opset; 8 up to opset 18."""
        return 8 if self.opset <= 18 else 9


def _check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"expected {what} to be one of {', '.join(choices)}, found {value!r}")
