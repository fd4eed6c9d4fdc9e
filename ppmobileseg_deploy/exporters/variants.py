"""Variants of the proven float32 model: precision and input, each step compared in turn."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from onnx import ModelProto

from ..metadata import ModelMetadata
from .comparison import Comparison, compare, synthetic_images
from .embedding import embed_preprocessing
from .graph import seal, shipped
from .options import ExportOptions
from .precision import Int8Options, Int8Report, halve_weights, quantize_int8

MIN_EQUAL_LABELS_FP16: Final = 0.999
"""Least share of labels that rounding the weights may leave as they are."""

MIN_EQUAL_LABELS_EMBEDDED: Final = 0.9999
"""Least share of labels that normalising inside may leave as they are; measured: all of them."""


@dataclass(frozen=True)
class Variant:
    """A model ready to be written.

    Attributes:
        model: The model, with the outputs that were asked for.
        comparisons: One for each step that was proven by comparing labels.
        int8: How integers were chosen, or None.
    """

    model: ModelProto
    comparisons: tuple[Comparison, ...]
    int8: Int8Report | None


def make_variant(
    model: ModelProto,
    plain: ModelMetadata,
    metadata: ModelMetadata,
    options: ExportOptions,
    int8: Int8Options | None,
    *,
    verify: bool,
    on_progress: Callable[[str], None],
) -> Variant:
    """Change the precision, then the input, as the options say.

    Args:
        model: The float32 model, with the outputs ``output`` and ``logits``.
        plain: What it says about itself.
        metadata: What the finished file shall say about itself.
        options: What was asked for.
        int8: Images and limits for integers; not None if the options ask for those.
        verify: Whether to prove each step. Integers are always measured, that is how they are
            chosen.
        on_progress: Called with a few words at the start of each step.

    Raises:
        ExportError: A step is not possible.
        ParityError: A step changes more labels than it may.
        ImageError: An image to calibrate with cannot be read.
    """
    ship = partial(shipped, options=options)
    final = ship(model)
    comparisons = []
    report = None

    def proven(form: str, before: ModelProto, after: ModelProto, least: float) -> ModelProto:
        if verify:
            on_progress(f"comparing {form} with the file before")
            images = synthetic_images(options.shape_hw)
            first, second = before.SerializeToString(), after.SerializeToString()
            comparisons.append(compare(form, first, second, images, least))
        return after

    normalized = replace(metadata, channel_order=plain.channel_order)
    if options.precision == "fp16":
        halved = seal(halve_weights(final), normalized, model.ir_version)
        final = proven("fp16", final, halved, MIN_EQUAL_LABELS_FP16)
    elif int8 is not None:
        final, report = quantize_int8(model, normalized, int8, options.shape_hw, on_progress, ship)
    if options.embed_preprocessing is not None:
        embedded = embed_preprocessing(final, plain, options.embed_preprocessing)
        embedded = seal(embedded, metadata, model.ir_version)
        form = f"uint8 {options.embed_preprocessing} input"
        final = proven(form, final, embedded, MIN_EQUAL_LABELS_EMBEDDED)
    return Variant(final, tuple(comparisons), report)
