"""How well labels agree with the truth: mean intersection over union on scenes held out.

Run it from the root of the repository: ``python -m demo.evaluation end2end.onnx``.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ppmobileseg_deploy import OrtSegmenter, ade20k

from .scenes import draw_scene
from .scenes.canvas import UInt8Array

HELD_OUT: Final = range(10_000)
"""Seeds that training never draws."""

_NUM_CLASSES: Final = len(ade20k.NAMES)


@dataclass(frozen=True)
class Score:
    """Agreement over a set of scenes.

    Attributes:
        iou: Intersection over union by class name, for every class that occurs in the truth.
        accuracy: Share of pixels with the right label.
    """

    iou: dict[str, float]
    accuracy: float

    @property
    def miou(self) -> float:
        """Mean of the intersections over union, every class counted once."""
        return float(np.mean(list(self.iou.values())))

    def table(self) -> str:
        """Return the classes, worst first, and the means, one a line."""
        rows = [f"  {name:10} {iou:.3f}" for name, iou in sorted(self.iou.items(), key=_by_iou)]
        return "\n".join([*rows, f"mIoU {self.miou:.4f}, pixel accuracy {self.accuracy:.4f}"])


def evaluate(
    segment: Callable[[UInt8Array], NDArray[np.integer]],
    seeds: Sequence[int],
    size_hw: tuple[int, int],
) -> Score:
    """Segment drawn scenes and compare with what was drawn.

    Args:
        segment: Maps an image, uint8 BGR (height, width, 3), to ADE20K ids (height, width).
        seeds: Which scenes.
        size_hw: Size at which they are drawn.

    Returns:
        The score over all pixels of all scenes together.
    """
    confusion = np.zeros((_NUM_CLASSES, _NUM_CLASSES), np.int64)
    for seed in seeds:
        scene = draw_scene(seed, size_hw)
        pairs = scene.labels.astype(np.int64) * _NUM_CLASSES + segment(scene.image_bgr)
        confusion += np.bincount(pairs.ravel(), minlength=_NUM_CLASSES**2).reshape(
            _NUM_CLASSES, _NUM_CLASSES
        )
    right = np.diag(confusion)
    truth, found = confusion.sum(1), confusion.sum(0)
    iou = {
        ade20k.NAMES[index]: float(right[index] / (truth[index] + found[index] - right[index]))
        for index in np.flatnonzero(truth).tolist()
    }
    return Score(iou, float(right.sum() / confusion.sum()))


def _by_iou(item: tuple[str, float]) -> float:
    return item[1]


def main() -> None:
    """Score an exported model through the runtime that users have."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--width", type=int, default=512)
    arguments = parser.parse_args()
    segmenter = OrtSegmenter(arguments.model)
    size_hw = (arguments.height, arguments.width)
    found = evaluate(
        lambda image_bgr: segmenter(image_bgr).labels, HELD_OUT[: arguments.scenes], size_hw
    )
    print(f"{arguments.scenes} held-out scenes, height and width {size_hw}")
    print(found.table())


if __name__ == "__main__":
    main()
