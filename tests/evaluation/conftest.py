"""Label images and models whose answers are known."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest


@dataclass(frozen=True)
class Labelled:
    labels: np.ndarray


@dataclass(frozen=True)
class BlueIsTheClass:
    """A model that reads a pixel's class off its blue channel, plus a shift."""

    names: tuple[str, ...] = ("a", "b", "c")
    shift: int = 0

    def __call__(self, image: np.ndarray) -> Labelled:
        return Labelled(((image[:, :, 0] + self.shift) % len(self.names)).astype(np.uint8))


@pytest.fixture
def blue_model() -> type[BlueIsTheClass]:
    return BlueIsTheClass


@pytest.fixture
def write_pair(tmp_path) -> Callable[..., None]:
    """``write_pair(image, labels, ids)``: an image, ``ids`` in its blue, and its truth."""

    def write(image: str, labels: str, ids: np.ndarray, truth: np.ndarray | None = None) -> None:
        picture = np.zeros((*ids.shape, 3), np.uint8)
        picture[:, :, 0] = ids
        for name, pixels in ((image, picture), (labels, ids if truth is None else truth)):
            path: Path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())

    return write
