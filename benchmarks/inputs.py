"""Pictures to measure on; the same for everyone."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.jpeg import write_jpeg
from demo.scenes import draw_scene
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.images.files import read_image
from ppmobileseg_deploy.runtime.inference.preprocessing import Preprocessing
from ppmobileseg_deploy.types import ImageBGR

ROOT: Final = Path(__file__).resolve().parents[1]
DEMO_CHECKPOINT: Final = ROOT / "demo" / "ppmobileseg_tiny_demo.pth"
DEMO_IMAGE: Final = ROOT / "demo" / "images" / "avenue.jpg"
_SCENE_SEED: Final = 21
_JPEG_QUALITY: Final = 95


def demo_square(side: int) -> ImageBGR:
    """Return the middle of a demo picture.

    Args:
        side: Height and width in pixels.

    Returns:
        (side, side, 3) uint8, BGR.
    """
    image = read_image(DEMO_IMAGE)
    height, width = image.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = image[top : top + short, left : left + short]
    return cv2.resize(square, (side, side))  # type: ignore[return-value]


def demo_tensor(side: int) -> NDArray[np.float32]:
    """Return the middle of a demo picture as the network takes it.

    Args:
        side: Height and width in pixels, a multiple of 32.

    Returns:
        float32 (1, 3, side, side), normalised RGB.
    """
    preprocess = Preprocessing.from_metadata(ModelMetadata(), input_size_hw=(side, side))
    return preprocess(demo_square(side)).tensor


def write_photograph(path: Path, size_hw: tuple[int, int]) -> None:
    """Write a picture of a camera's size as JPEG.

    It is a drawn scene, with texture everywhere, that the demo model was not trained on: at
    1080x1920 pixels 0.6 MB.

    Args:
        path: The file to write.
        size_hw: Height and width in pixels, the longer at most twice the other.
    """
    picture = draw_scene(_SCENE_SEED, size_hw).image_bgr
    write_jpeg(path, picture, _JPEG_QUALITY)
