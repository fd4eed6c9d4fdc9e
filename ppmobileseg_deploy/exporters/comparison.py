"""Comparison of another form of a file with the file that it was made from.

What `parity` proves of a float32 file against PyTorch, this proves of fp16 weights, embedded
preprocessing and ORT format against that file, by their labels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..agreement import ComparisonSession, LabelAgreement, noisy_images
from ..errors import ModelError, ParityError
from ..metadata import COARSE_LOGITS, ModelMetadata
from ..runtime.inference.preprocessing import Preprocessing
from ..types import SizeHW
from .parity import parity_errors
from .trace import INPUT, LOGITS, OUTPUT

_SIZES_HW: Final = ((64, 96), (97, 131), (160, 128), (256, 320))


@dataclass(frozen=True)
class Comparison:
    """Agreement of the labels of a form of a file with those of the file that it was made from.

    Attributes:
        form: What was compared, such as ``"fp16"``.
        images: Number of images.
        equal_labels: Share of pixels with the same class over all of them, in [0, 1].
        least_equal_labels: The same for the image where it is least.
        min_equal_labels: What was asked for.
    """

    form: str
    images: int
    equal_labels: float
    least_equal_labels: float
    min_equal_labels: float


def compare(
    form: str,
    reference: bytes | Path,
    variant: bytes | Path,
    images_bgr: Iterable[NDArray[np.uint8]],
    min_equal_labels: float,
    optimization: ort.GraphOptimizationLevel = ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
) -> Comparison:
    """Run two files on the same pixels and compare their labels.

    Args:
        form: What the variant is, for the report and the message.
        reference: Content or path of a file.
        variant: Content or path of another; either may take bytes or normalised numbers.
        images_bgr: At least one image of (height, width, 3), at the size that the files take.
        min_equal_labels: Least share of equal labels over all images.
        optimization: How far ONNX Runtime may change the graphs before it runs them.

    Returns:
        The measurements.

    Raises:
        ParityError: The labels agree less than that, or ONNX Runtime cannot run a file.
    """
    first, second = (_Labeller(each, optimization) for each in (reference, variant))
    agreement = LabelAgreement()
    for image_bgr in images_bgr:
        expected, found = first(image_bgr), second(image_bgr)
        if expected.shape != found.shape:
            raise ParityError(
                f"expected labels of {expected.shape} from {form}, found {found.shape}"
            )
        agreement.update(expected, found)
    # Negated, so that a NaN fails.
    if not agreement.equal >= min_equal_labels:
        raise ParityError(
            f"expected at least {min_equal_labels:.4%} of the labels unchanged by {form}, "
            f"found {agreement.equal:.4%} on {agreement.images} images"
        )
    return Comparison(
        form=form,
        images=agreement.images,
        equal_labels=agreement.equal,
        least_equal_labels=agreement.least_equal,
        min_equal_labels=min_equal_labels,
    )


def synthetic_images(shape_hw: SizeHW | None) -> Iterator[NDArray[np.uint8]]:
    """Make images to compare on that need no file.

    Args:
        shape_hw: Their size; None for several sizes.

    Returns:
        (height, width, 3) uint8, BGR.
    """
    return noisy_images((shape_hw,) * len(_SIZES_HW) if shape_hw else _SIZES_HW)


class _Labeller:
    """A file that labels pixels, whether it takes bytes or normalised numbers."""

    def __init__(self, model: bytes | Path, optimization: ort.GraphOptimizationLevel) -> None:
        with parity_errors("load the file"):
            self.session = ComparisonSession(model, optimization=optimization)
        inference = self.session.inference
        metadata = ModelMetadata.from_props(inference.get_modelmeta().custom_metadata_map)
        if metadata is None:
            raise ModelError("expected a file of this package, found one without its metadata")
        self.metadata = metadata
        self.takes_bytes = inference.get_inputs()[0].type == "tensor(uint8)"

    def __call__(self, image_bgr: NDArray[np.uint8]) -> NDArray[Any]:
        name = LOGITS if self.metadata.output == COARSE_LOGITS else OUTPUT
        with parity_errors("run the file"):
            (output,) = self.session.run([name], {INPUT: self._input(image_bgr)})
        return output if self.metadata.output == "labels" else output.argmax(1, keepdims=True)

    def _input(self, image_bgr: NDArray[np.uint8]) -> NDArray[Any]:
        size_hw = image_bgr.shape[0], image_bgr.shape[1]
        preprocess = Preprocessing.from_metadata(self.metadata, takes_bytes=self.takes_bytes)
        return replace(preprocess, fit_hw=size_hw, padded_hw=size_hw)(image_bgr).tensor
