"""Pictures and weights to measure with; the same for everyone."""

import zlib
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from demo.jpeg import write_jpeg
from demo.scenes import draw_scene
from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import CONFIGS, PPMobileSeg
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


def drawn_checkpoint(variant: str, num_classes: int = 150) -> Checkpoint:
    """Return a checkpoint whose numbers follow from the names and shapes of its tensors.

    With 150 classes these are the weights that the tests compare with the public
    implementations. Convolutions are drawn as He et al. initialise them (arXiv 1502.01852), so
    that activations keep their size through all layers.

    Args:
        variant: ``"tiny"`` or ``"base"``.
        num_classes: Number of classes.
    """
    config = CONFIGS[variant]
    weights = PPMobileSeg(config, num_classes).state_dict()
    return Checkpoint(
        config=config,
        num_classes=num_classes,
        state_dict={
            key: torch.from_numpy(_draw(key, tuple(tensor.shape)))
            for key, tensor in weights.items()
            if not key.endswith("num_batches_tracked")
        },
        file_name=f"drawn_{variant}.pth",
        sha256="0" * 64,
    )


def _draw(key: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    if key.endswith("pos_embed"):
        return rng.normal(0, 1, shape).astype(np.float32)
    if len(shape) == 4:  # convolution: (out, in / groups, height, width)
        fan_in = int(np.prod(shape[1:]))
        return (rng.normal(0, 1, shape) * np.sqrt(2 / fan_in)).astype(np.float32)
    if key.endswith(("bias", "running_mean")):
        return rng.normal(0, 0.1, shape).astype(np.float32)
    return rng.uniform(0.5, 1.5, shape).astype(np.float32)  # scale or variance of a batch norm
