"""Segmentation: the class of every pixel of an image, with the image and where both come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...metadata import RGB, ModelMetadata
from ...types import Labels


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The labels of one image, the image itself, and where both come from.

    Attributes:
        labels: (height, width) class ids at the size of the original image; uint8, or uint16
            where the model tells more than 256 classes apart.
        names: Name of each class id.
        palette_rgb: Colour of each class id, (red, green, blue) in [0, 255].
        image_bgr: The image itself, (height, width, 3) uint8, upright. When an array was
            segmented, this is that array, not a copy.
        path: The image's file, None if it was never a file.
        speed: Milliseconds spent in ``"preprocess"``, ``"inference"`` and ``"postprocess"``.
        metadata: Metadata of the model.
        model_file: Name of the model file, without its folder; empty where it has none.
        frame_index: Number of the frame in its video, from 0; None for images.
        time_s: When the frame is shown, in seconds from the start; None for images.
        confidence: (height, width) float32 in [0, 1], the probability of each pixel's class;
            None unless a model with logits was asked for it.
        source: Where the image came from as a user would write it: a path, an address, a
            camera's number; empty for images in memory.
    """

    labels: Labels
    names: tuple[str, ...]
    palette_rgb: tuple[RGB, ...]
    image_bgr: NDArray[np.uint8]
    path: Path | None
    speed: Mapping[str, float]
    metadata: ModelMetadata = field(default_factory=ModelMetadata)
    model_file: str = ""
    frame_index: int | None = None
    time_s: float | None = None
    confidence: NDArray[np.float32] | None = None
    source: str = ""

    @property
    def orig_shape(self) -> tuple[int, int]:
        """Height and width of the original image, in pixels."""
        return self.labels.shape[0], self.labels.shape[1]
