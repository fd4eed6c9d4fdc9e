"""Calibration images for int8: some to find ranges, others held out to score the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader

from ...errors import UsageError
from ...evaluation.datasets import LabelledImage, find_images, find_labelled_images
from ...runtime.images.files import read_image
from ...runtime.inference.preprocessing import Preprocessing
from ..trace import INPUT

MAX_IMAGES: Final = 200
"""More images than this make the ranges hardly better and the search slower."""

_EVERY: Final = 4  # one image of so many is held out


@dataclass(frozen=True)
class CalibrationSet:
    """Images of the kind that the model will see, split in two.

    Attributes:
        calibrating: Images whose activations give the ranges.
        held_out: Images that agreement and mIoU are measured on.
        held_out_labels: Their true labels, PNG files of class ids; empty if there are none.
        reduce_zero_label: Whether id 0 of the true labels means "other", as in ADE20K.

    Raises:
        UsageError: One of the two has no image, an image is in both, or held-out images and
            labels do not pair up.
    """

    calibrating: tuple[Path, ...]
    held_out: tuple[Path, ...]
    held_out_labels: tuple[Path, ...] = ()
    reduce_zero_label: bool = False

    def __post_init__(self) -> None:
        if not self.calibrating or not self.held_out:
            raise UsageError(
                f"expected images to calibrate with and images held out, "
                f"found {len(self.calibrating)} and {len(self.held_out)}"
            )
        shared = set(self.calibrating) & set(self.held_out)
        if shared:
            raise UsageError(f"expected held-out images to be held out, found {min(shared)} twice")
        if len(self.held_out_labels) not in (0, len(self.held_out)):
            raise UsageError(
                f"expected labels for none or all of {len(self.held_out)} held-out images, "
                f"found {len(self.held_out_labels)}"
            )

    @classmethod
    def find(
        cls, images: Path, labels: Path | None = None, *, reduce_zero_label: bool = False
    ) -> "CalibrationSet":
        """Take the images of a folder and of the folders below it.

        Every fourth image, in the order of the names, is held out. Of more than `MAX_IMAGES`,
        as many are taken at even distances. Frames of one video look alike: held-out ones tell
        little that their neighbours do not.

        Args:
            images: The folder.
            labels: Folder of true labels, see `evaluation.find_labelled_images`.
            reduce_zero_label: Whether id 0 of the true labels means "other".

        Raises:
            UsageError: There is no such folder, there are fewer than two images in it, or an
                image has no labels.
        """
        if labels is not None:
            pairs = find_labelled_images(images, labels)
        else:
            pairs = tuple(LabelledImage(path, path) for path in find_images(images))
        if len(pairs) < 2:
            raise UsageError(
                f"expected at least 2 images to calibrate with, better 50, found {len(pairs)} "
                f"in {images}"
            )
        step = max(1.0, len(pairs) / MAX_IMAGES)
        pairs = tuple(pairs[int(i * step)] for i in range(min(len(pairs), MAX_IMAGES)))
        held_out = [i for i in range(len(pairs)) if i % _EVERY == 1]
        return cls(
            calibrating=tuple(p.image for i, p in enumerate(pairs) if i % _EVERY != 1),
            held_out=tuple(pairs[i].image for i in held_out),
            held_out_labels=tuple(pairs[i].labels for i in held_out) if labels else (),
            reduce_zero_label=reduce_zero_label,
        )


class CalibrationReader(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """Hands the calibrating images over as ONNX Runtime's calibration wants them.

    Args:
        images: Files to read, one at a time.
        preprocess: How the runtime prepares images for the model.
    """

    def __init__(self, images: Sequence[Path], preprocess: Preprocessing) -> None:
        self._feeds = ({INPUT: preprocess(read_image(path)).tensor} for path in images)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """Return the next input by name, or None at the end."""
        return next(self._feeds, None)
