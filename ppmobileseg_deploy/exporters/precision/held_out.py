"""Scores of quantized models on images that they were not calibrated with."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ...agreement import LabelAgreement
from ...errors import ImageError, UsageError
from ...evaluation.confusion import ConfusionMatrix
from ...evaluation.label_coding import IGNORE, LabelCoding
from ...evaluation.label_images import read_labels
from ...runtime.images.files import read_image
from ...runtime.segmenter import OrtSegmenter
from .calibration import CalibrationSet

_NO_CLASS: Final = -1
_RUNS: Final = 15
_THREADS: Final = 1  # so that the result does not depend on how many cores there are


@dataclass(frozen=True)
class Score:
    """Labels of one model on the held-out images, at the images' size.

    Attributes:
        equal_labels: Share of pixels with the float32 model's class, in [0, 1].
        least_equal_labels: The same for the image where it is least.
        miou: Mean intersection over union, in [0, 1]: with the true labels or, where there are
            none, with the float32 model's.
    """

    equal_labels: float
    least_equal_labels: float
    miou: float


class HeldOutScorer:
    """Scores models against the float32 one on the same held-out images.

    Args:
        model: The float32 model as it ships.
        calibration: The images. The float32 model's labels for them are kept in memory,
            compressed: 50 photographs of 24 million pixels would take more than a gigabyte.

    Attributes:
        reference: The float32 model's own score.

    Raises:
        ImageError: An image or its labels cannot be read, or no label counts.
        ModelError: The model does not run.
        UsageError: True labels cannot name all classes of the model.
    """

    def __init__(self, model: ModelProto, calibration: CalibrationSet) -> None:
        self._calibration = calibration
        self._content = model.SerializeToString()
        segmenter = _start(self._content)
        self._num_classes = len(segmenter.names)
        if calibration.held_out_labels and self._num_classes > IGNORE:
            raise UsageError(
                f"expected at most {IGNORE} classes for true labels, of which {IGNORE} does not "
                f"count, found {self._num_classes}"
            )
        self._labels = tuple(
            PackedLabels.of(segmenter(read_image(path)).labels) for path in calibration.held_out
        )
        self.reference = self._score(each.labels for each in self._labels)
        if not self.reference.miou >= 0:
            raise ImageError(
                f"expected true labels that count, found only others for "
                f"{len(calibration.held_out)} held-out images"
            )

    def score(self, model: ModelProto) -> Score:
        """Measure a model.

        Args:
            model: Another form of the same model.

        Raises:
            ImageError: An image or its labels cannot be read.
            ModelError: The model does not run.
        """
        segmenter = _start(model.SerializeToString())
        return self._score(
            segmenter(read_image(path)).labels for path in self._calibration.held_out
        )

    def latency_ms(self, model: ModelProto) -> tuple[float, float]:
        """Time the float32 model and another one, turn by turn, on the first held-out image.

        Args:
            model: The other one.

        Returns:
            Median time of an inference by the float32 model, and by the other one.
        """
        image_bgr = read_image(self._calibration.held_out[0])
        segmenters = _start(self._content), _start(model.SerializeToString())
        times_ms: tuple[list[float], list[float]] = ([], [])
        for run in range(_RUNS + 1):
            for segmenter, times in zip(segmenters, times_ms, strict=True):
                latency_ms = segmenter(image_bgr).speed["inference"]
                if run:  # the first one allocates
                    times.append(latency_ms)
        return median(times_ms[0]), median(times_ms[1])

    def _score(self, found: Iterable[NDArray[Any]]) -> Score:
        confusion = ConfusionMatrix(self._num_classes)
        agreement = LabelAgreement()
        for index, (labels, packed) in enumerate(zip(found, self._labels, strict=True)):
            reference = packed.labels
            agreement.update(reference, labels)
            self._count(confusion, index, reference, labels)
        return Score(agreement.equal, agreement.least_equal, confusion.miou)

    def _count(
        self,
        confusion: ConfusionMatrix,
        index: int,
        reference: NDArray[Any],
        labels: NDArray[Any],
    ) -> None:
        if not self._calibration.held_out_labels:
            confusion.update(reference, labels, ignore=_NO_CLASS)
            return
        path = self._calibration.held_out_labels[index]
        coding = LabelCoding(reduce_zero_label=self._calibration.reduce_zero_label)
        truth = read_labels(path, (labels.shape[0], labels.shape[1]), coding)
        if problem := coding.beyond(truth, self._num_classes):
            raise ImageError(f"cannot use labels {path}: {problem}")
        confusion.update(truth, labels, coding.ignore)


@dataclass(frozen=True)
class PackedLabels:
    """Labels of one image, in about a hundredth of their size.

    Attributes:
        content: The class ids, compressed.
        dtype: The narrowest type that holds them.
        shape: Height and width.
    """

    content: bytes
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, labels: NDArray[Any]) -> "PackedLabels":
        """Compress (height, width) class ids of any integer type."""
        narrow = labels.astype(np.min_scalar_type(labels.max()))
        return cls(zlib.compress(narrow.tobytes(), level=1), narrow.dtype, narrow.shape)

    @property
    def labels(self) -> NDArray[Any]:
        """(height, width) class ids, read-only."""
        return np.frombuffer(zlib.decompress(self.content), self.dtype).reshape(self.shape)


def _start(content: bytes) -> OrtSegmenter:
    return OrtSegmenter(content, threads=_THREADS)
