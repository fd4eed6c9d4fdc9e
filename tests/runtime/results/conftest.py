from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.palettes import distinct_palette
from ppmobileseg_deploy.runtime.results.result import SegmentationResult

NAMES = ("sky", "road", "tree", "car", "pole")


@pytest.fixture(scope="session")
def result_of() -> Callable[..., SegmentationResult]:
    """Make the result of an image with these labels."""

    def make(
        labels: Sequence[Sequence[int]] | NDArray[np.uint8],
        names: tuple[str, ...] = NAMES,
        path: Path | None = None,
        **more: Any,
    ) -> SegmentationResult:
        plane = np.array(labels, np.uint8)
        return SegmentationResult(
            labels=plane,
            names=names,
            palette_rgb=distinct_palette(len(names)),
            image_bgr=np.full((*plane.shape, 3), 100, np.uint8),
            path=path,
            speed={"preprocess": 1.0, "inference": 2.0, "postprocess": 0.5},
            **more,
        )

    return make


@pytest.fixture(scope="session")
def noise() -> Callable[[int, int, int, int], NDArray[np.uint8]]:
    """``noise(height, width, classes, seed)``: labels of one pixel each."""

    def make(height: int, width: int, classes: int, seed: int) -> NDArray[np.uint8]:
        rng = np.random.Generator(np.random.PCG64(seed))
        return rng.integers(0, classes, (height, width)).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def scene() -> NDArray[np.uint8]:
    """Labels with smooth borders, islands and a hole, as a network gives them."""
    rng = np.random.Generator(np.random.PCG64(5))
    scores = rng.normal(0, 1, (len(NAMES), 12, 16)).astype(np.float32)
    large = [cv2.resize(each, (320, 240), interpolation=cv2.INTER_CUBIC) for each in scores]
    return np.argmax(large, axis=0).astype(np.uint8)
