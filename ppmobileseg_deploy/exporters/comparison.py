"""Two files side by side: do they give the same labels?

What `parity` proves of a float32 file against PyTorch, this proves of its other forms against
that file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import ModelError, ParityError
from ..metadata import ModelMetadata
from ..runtime.inference.ort_session import first_line
from ..runtime.inference.preprocessing import Preprocessing
from .parity import parity_input
from .trace import INPUT, OUTPUT

_SIZES_HW: Final = ((64, 96), (97, 131), (160, 128), (256, 320))
_FATAL: Final = 4  # severity in ONNX Runtime's log; its errors are raised as well


@dataclass(frozen=True)
class Comparison:
    """How well the labels of a form of a file agree with those of the file that it was made from.

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
    equal, pixels = [], []
    for image_bgr in images_bgr:
        expected, found = first(image_bgr), second(image_bgr)
        if expected.shape != found.shape:
            raise ParityError(
                f"expected labels of {expected.shape} from {form}, found {found.shape}"
            )
        same = expected == found
        equal.append(int(same.sum()))
        pixels.append(same.size)
    share = sum(equal) / sum(pixels)
    # Negated, so that a NaN fails.
    if not share >= min_equal_labels:
        raise ParityError(
            f"expected at least {min_equal_labels:.4%} of the labels unchanged by {form}, "
            f"found {share:.4%} on {len(pixels)} images"
        )
    return Comparison(
        form=form,
        images=len(pixels),
        equal_labels=share,
        least_equal_labels=min(part / whole for part, whole in zip(equal, pixels, strict=True)),
        min_equal_labels=min_equal_labels,
    )


def made_up_images(
    metadata: ModelMetadata, shape_hw: tuple[int, int] | None
) -> Iterator[NDArray[np.uint8]]:
    """Yield images that need no file: smooth regions under fine noise, as `parity` takes them.

    Args:
        metadata: Means and standard deviations, which give the images their contrast.
        shape_hw: Their size; None for several sizes.

    Yields:
        (height, width, 3) uint8, BGR.
    """
    sizes_hw = (shape_hw,) * len(_SIZES_HW) if shape_hw else _SIZES_HW
    mean, std = np.array(metadata.mean_rgb), np.array(metadata.std_rgb)
    for seed, size_hw in enumerate(sizes_hw):
        normalized = parity_input(1, *size_hw, seed=seed)[0].numpy()
        rgb = normalized.transpose(1, 2, 0) * std + mean
        yield np.ascontiguousarray(np.clip(rgb + 0.5, 0, 255).astype(np.uint8)[..., ::-1])


class _Labeller:
    """From pixels to labels, whatever a file takes and gives."""

    def __init__(self, model: bytes | Path, optimization: ort.GraphOptimizationLevel) -> None:
        options = ort.SessionOptions()
        options.graph_optimization_level = optimization
        options.log_severity_level = _FATAL
        try:
            self.session = ort.InferenceSession(
                model if isinstance(model, bytes) else str(model),
                options,
                providers=["CPUExecutionProvider"],
            )
        except Exception as error:  # the errors' classes differ between releases
            raise ParityError(f"ONNX Runtime cannot load the file: {first_line(error)}") from error
        props = self.session.get_modelmeta().custom_metadata_map
        metadata = ModelMetadata.from_props(props)
        if metadata is None:
            raise ModelError("expected a file of this package, found one without its metadata")
        self.metadata = metadata
        self.takes_bytes = self.session.get_inputs()[0].type == "tensor(uint8)"

    def __call__(self, image_bgr: NDArray[np.uint8]) -> NDArray[Any]:
        try:
            (output,) = self.session.run([OUTPUT], {INPUT: self._input(image_bgr)})
        except Exception as error:  # as above
            raise ParityError(f"ONNX Runtime cannot run the file: {first_line(error)}") from error
        labels: NDArray[Any] = (
            output.argmax(1, keepdims=True) if self.metadata.output == "logits" else output
        )
        return labels

    def _input(self, image_bgr: NDArray[np.uint8]) -> NDArray[Any]:
        if self.takes_bytes:
            is_bgr = self.metadata.channel_order == "bgr"
            return np.ascontiguousarray(image_bgr if is_bgr else image_bgr[..., ::-1])[None]
        size_hw = image_bgr.shape[0], image_bgr.shape[1]
        as_it_is = replace(
            Preprocessing.from_metadata(self.metadata), fit_hw=size_hw, padded_hw=size_hw
        )
        return as_it_is(image_bgr).tensor
