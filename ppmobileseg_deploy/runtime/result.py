"""What segmenting one image gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..metadata import RGB, ModelMetadata
from .drawing import colorize, overlay
from .images import write_image
from .postprocessing import Labels
from .style import distinct_names

_CLASSES_IN_REPR = 3


@dataclass(frozen=True, repr=False, eq=False)
class SegmentationResult:
    """The classes of one image.

    Attributes:
        labels: (height, width) class ids at the size of the original image; uint8, or uint16
            where the model tells more than 256 classes apart.
        names: Name of each class id.
        palette_rgb: Colour of each class id.
        image_bgr: The image itself, (height, width, 3) uint8, upright. When an array was
            segmented, this is that array, not a copy.
        path: Where the image came from, None if it was never a file.
        speed: Milliseconds spent in ``"preprocess"``, ``"inference"`` and ``"postprocess"``.
        metadata: What the model file says about itself.
        model_file: Name of the model file, without its folder; empty where it has none.
        frame_index: Number of the frame in its video, from 0; None for stills.
        time_s: When the frame is shown, in seconds from the start; None for stills.
        confidence: (height, width) float32 in [0, 1], the probability of each pixel's class;
            None unless a model with logits was asked for it.
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

    @property
    def palette(self) -> tuple[RGB, ...]:
        """Colour of each class id, (red, green, blue) in [0, 255]: `palette_rgb`."""
        return self.palette_rgb

    @property
    def orig_shape(self) -> tuple[int, int]:
        """Height and width of the original image, in pixels."""
        return self.labels.shape[0], self.labels.shape[1]

    def areas(self) -> dict[str, float]:
        """Return the share of the image that each class covers.

        Returns:
            Class name to share in (0, 1], largest first, only classes that are present. Where
            several classes have one name, each gets its id appended: ``"screen (130)"``.
        """
        counts = np.bincount(self.labels.ravel(), minlength=len(self.names))
        keys = distinct_names(self.names)
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        return {keys[class_id]: float(counts[class_id] / self.labels.size) for class_id in order}

    def plot(self, opacity: float = 0.5) -> NDArray[np.uint8]:
        """Return the image with the classes' colours laid over it.

        Args:
            opacity: Share of the colour, from 0 (image only) to 1 (colour only).

        Returns:
            A new (height, width, 3) uint8 array, BGR.

        Raises:
            UsageError: The opacity is outside [0, 1].
        """
        return overlay(self.image_bgr, self.labels, self.palette_rgb, opacity)

    def color(self) -> NDArray[np.uint8]:
        """Return the classes' colours alone, (height, width, 3) uint8, BGR."""
        return colorize(self.labels, self.palette_rgb)

    def save(self, path: str | Path, opacity: float = 0.5) -> None:
        """Write the overlay to a file, which appears complete or not at all.

        Args:
            path: Its suffix chooses the format; a missing folder is made.
            opacity: Share of the colour, from 0 to 1.

        Raises:
            UsageError: The suffix names no known format, or the opacity is outside [0, 1].
            OutputError: The file cannot be written.
        """
        write_image(path, self.plot(opacity))

    def __repr__(self) -> str:
        height, width = self.orig_shape
        areas = self.areas()
        parts = [f"{name} {share:.0%}" for name, share in list(areas.items())[:_CLASSES_IN_REPR]]
        parts = [part.replace("%", " %") for part in parts]
        if len(areas) > _CLASSES_IN_REPR:
            parts.append("...")
        origin = [] if self.path is None else [self.path.name]
        return f"SegmentationResult({', '.join([*origin, f'{height}x{width}', *parts])})"
