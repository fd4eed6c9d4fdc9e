"""Weights for networks that nobody trained here: always the same, and well behaved."""

import zlib

import numpy as np
import torch
from numpy.typing import NDArray

from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.model import CONFIGS, PPMobileSeg


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
