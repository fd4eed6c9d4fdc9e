"""Photographs to class ids: the one class that applications need."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import ModelError
from ..metadata import ModelMetadata
from .images import as_image_bgr, read_image
from .label_grid import labels_per_cell
from .postprocessing import Labels, SizeHW, labels_from_ids, labels_from_logits
from .preprocessing import Preprocessed, Preprocessing
from .result import SegmentationResult
from .session import Session, open_session
from .sessions import Sessions

ImageSource = str | Path | Image.Image | NDArray[np.uint8]
"""What can be segmented: a file's path, a PIL image, or an array (BGR or gray)."""


class OrtSegmenter:
    """A segmentation model, ready to be called from any number of threads.

    Args:
        model: Path of an ONNX file, or its content.
        device: ``"cpu"``, ``"cuda"``, ``"coreml"``, ``"dml"`` or ``"openvino"``; there is no
            silent fall back to another one.
        threads: Threads within an operator; None lets ONNX Runtime take all cores.
        input_size_hw: Scale images to fit inside this size in place of the model's resize rule:
            smaller is faster, larger shows finer things.
        fixed_size: Height and width of the network's input, multiples of 32: images are scaled
            to fit inside and padded to exactly this. For streams: 5 to 10 % faster than
            leaving it open, from the first image on. Without it, the same happens by itself
            after `sessions.PATIENCE` images whose input size is the same.
        fine_labels: Ask the model for labels as fine as the original image, which costs little.
            Otherwise, and with files that cannot do it, there is one label for each pixel of
            the scaled image, and edges in large photographs look like stairs.

    Raises:
        ModelError: The file is missing, damaged, or no segmentation model.
        DeviceError: The device is not available here.
        UsageError: An argument has no meaning for this model.

    Example:
        >>> segmenter = OrtSegmenter("end2end.onnx")
        >>> result = segmenter("street.jpg")
        >>> result.areas()
        {'sky': 0.31, 'road': 0.22, ...}
        >>> result.save("street_overlay.png")
    """

    def __init__(
        self,
        model: str | Path | bytes,
        device: str = "cpu",
        threads: int | None = None,
        *,
        input_size_hw: SizeHW | None = None,
        fixed_size: SizeHW | None = None,
        fine_labels: bool = True,
    ) -> None:
        session = open_session(model, device, threads)
        self._preprocess = Preprocessing.from_metadata(
            session.metadata,
            input_size_hw=input_size_hw,
            fixed_size_hw=fixed_size,
            static_size_hw=session.static_size_hw,
        )
        if fixed_size is not None and session.static_size_hw is None:
            session = session.pinned((int(fixed_size[0]), int(fixed_size[1])))
        self._session: Session = session
        self._sessions = Sessions(session)
        self._fine_labels = fine_labels and self._session.finer_labels

    @property
    def metadata(self) -> ModelMetadata:
        """What the model file says about itself."""
        return self._session.metadata

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class id."""
        return self.metadata.class_names

    @property
    def device(self) -> str:
        """Where the model runs."""
        return self._session.device

    def __call__(self, image: ImageSource) -> SegmentationResult:
        """Segment one image.

        Args:
            image: Path of an image file, a PIL image, or an array: (height, width, 3) uint8 in
                BGR order, or (height, width) uint8 (gray).

        Raises:
            ImageError: The image cannot be read, or has an unusable shape or type.
            ModelError: The model fails on it.
        """
        path = Path(image) if isinstance(image, str | Path) else None
        image_bgr = as_image_bgr(image) if path is None else read_image(path)
        start = perf_counter()
        prepared = self._preprocess(image_bgr)
        prepared_at = perf_counter()
        fineness = self._labels_per_cell(prepared)
        output = self._sessions.for_size(prepared.padded_hw).run(prepared.tensor, fineness)
        inferred_at = perf_counter()
        labels = self._labels(output, prepared, fineness)
        done_at = perf_counter()
        return SegmentationResult(
            labels=labels,
            names=self.names,
            palette_rgb=self.metadata.palette_rgb,
            image_bgr=image_bgr,
            path=path,
            speed=MappingProxyType(
                {
                    "preprocess": (prepared_at - start) * 1e3,
                    "inference": (inferred_at - prepared_at) * 1e3,
                    "postprocess": (done_at - inferred_at) * 1e3,
                }
            ),
        )

    def batch(self, images: Iterable[ImageSource]) -> list[SegmentationResult]:
        """Segment several images, which may differ in size.

        They run one by one. On a CPU a stacked batch is no faster, it would pad every image to
        the largest, and with VIM its labels could depend on the neighbours.

        Args:
            images: Anything that a single call takes, in any mixture.

        Returns:
            What single calls return, in the same order.

        Raises:
            ImageError: An image cannot be read; call one by one to keep the others.
            ModelError: The model fails on an image.
        """
        return [self(image) for image in images]

    def __repr__(self) -> str:
        session = self._session
        return (
            f"OrtSegmenter({session.source}, {self.metadata.variant}, {len(self.names)} classes, "
            f"{session.output}, device={self.device!r})"
        )

    def _labels_per_cell(self, prepared: Preprocessed) -> int | None:
        if not self._fine_labels:
            return None
        return labels_per_cell(
            prepared.original_hw,
            prepared.resized_hw,
            prepared.padded_hw,
            self.metadata.stride,
        )

    def _labels(
        self, output: NDArray[Any], prepared: Preprocessed, fineness: int | None
    ) -> Labels:
        height, width = prepared.resized_hw
        if self._session.output == "logits":
            return labels_from_logits(output[:, :height, :width], prepared.original_hw)
        scale = Fraction(fineness, self.metadata.stride) if fineness else Fraction(1)
        shown_hw = height * scale, width * scale
        try:
            return labels_from_ids(output, prepared.original_hw, len(self.names), shown_hw)
        except ValueError as error:
            raise ModelError(f"{self._session.source}: {error}") from error
