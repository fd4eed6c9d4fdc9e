"""Results without a model, and sources without files."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask

from ppmobileseg_deploy.runtime.results.result import SegmentationResult
from ppmobileseg_deploy.runtime.sources import Source


@pytest.fixture
def make_source() -> Callable[..., Source]:
    """``make_source("x/a.mp4")``: a source whose kind follows from its name."""

    def make(name: str, relative: str | None = None, *, named: bool = False) -> Source:
        path = None if "://" in name else Path(name)
        kind: Any = "video" if name.endswith((".mp4", ".avi")) else "image"
        place = Path(relative or name.rpartition("/")[2])
        return Source(name, place, path, "web" if path is None else kind, named=named)

    return make


@pytest.fixture
def make_result() -> Callable[..., SegmentationResult]:
    """``make_result((h, w), number)``: three classes in stripes that move with the number."""

    def make(
        size_hw: tuple[int, int] = (48, 64),
        number: int | None = None,
        *,
        classes: int = 3,
        time_s: float | None = None,
    ) -> SegmentationResult:
        height, width = size_hw
        columns = (np.arange(width) + 4 * (number or 0)) // 16 % 3
        dtype = np.uint8 if classes <= 256 else np.uint16
        labels = np.broadcast_to(columns + classes - 3, size_hw).astype(dtype)
        image = np.empty((height, width, 3), np.uint8)
        image[...] = (60, 120, 180)
        palette = [(20 * i % 256, 40 * i % 256, 60 * i % 256) for i in range(classes - 3)]
        return SegmentationResult(
            labels=labels,
            names=tuple(f"class {i}" for i in range(classes)),
            palette_rgb=(*palette, (200, 30, 40), (30, 180, 60), (40, 60, 220)),
            image_bgr=image,
            path=Path("street.mp4"),
            speed={"preprocess": 1.0, "inference": 2.0, "postprocess": 0.5},
            frame_index=number,
            time_s=time_s,
        )

    return make


@pytest.fixture
def decode_coco() -> Callable[[dict[str, Any]], NDArray[np.bool_]]:
    """``decode_coco(annotation)``: its mask, (h, w), as pycocotools reads it."""

    def decode(annotation: dict[str, Any]) -> NDArray[np.bool_]:
        with warnings.catch_warnings():
            # Of pycocotools with NumPy 2. As an error it corrupts memory.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            return mask.decode(annotation["segmentation"]).astype(bool)

    return decode
