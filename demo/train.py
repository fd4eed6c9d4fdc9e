"""Train PP-MobileSeg-Tiny on drawn scenes and store the checkpoint in float16.

Run it from the root of the repository: ``python -m demo.train``.
"""

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from ppmobileseg_deploy.checkpoints import build_model, load_checkpoint
from ppmobileseg_deploy.evaluation import ConfusionMatrix
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import TINY, PPMobileSeg, labels_image, labels_off

from .evaluation import HELD_OUT, evaluate
from .scenes import draw_scene
from .scenes.canvas import UInt8Array

CHECKPOINT: Final = Path(__file__).parent / "ppmobileseg_tiny_demo.pth"
SEED: Final = 2304
BATCHES: Final[tuple[tuple[int, tuple[int, int]], ...]] = (
    (8, (256, 256)),
    (2, (512, 512)),
    (5, (256, 384)),
    (4, (384, 384)),
    (2, (512, 512)),
    (3, (480, 320)),
)
"""Number and size of the pictures of one step after the other; about equally many pixels."""
LOSS_STEP: Final = 4
"""The loss looks at every fourth pixel of every fourth row, at a random phase."""


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Freshly drawn batches: an item's index is the training step, and decides all of it.

    Args:
        steps: Number of batches.
        only_hw: One size for all, instead of `BATCHES`.
    """

    def __init__(self, steps: int, only_hw: tuple[int, int] | None = None) -> None:
        self.steps = steps
        self.only_hw = only_hw

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        cv2.setNumThreads(0)
        count, size_hw = BATCHES[step % len(BATCHES)]
        if self.only_hw is not None:
            count, size_hw = 4, self.only_hw
        seeds = np.random.default_rng((SEED, step)).integers(HELD_OUT.stop, 2**31, count)
        scenes = [draw_scene(seed, size_hw) for seed in seeds.tolist()]
        images = torch.from_numpy(np.stack([scene.image_bgr for scene in scenes]))
        return images, torch.from_numpy(np.stack([scene.labels for scene in scenes]))


def normalise(images_bgr: Tensor) -> Tensor:
    """Turn uint8 BGR (batch, h, w, 3) into the network's float32 RGB (batch, 3, h, w)."""
    metadata = ModelMetadata()
    images = images_bgr.flip(3).permute(0, 3, 1, 2).float()
    mean = torch.tensor(metadata.mean_rgb).view(1, 3, 1, 1)
    std = torch.tensor(metadata.std_rgb).view(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def loss_at(logits: Tensor, labels: Tensor, phase_yx: tuple[int, int]) -> Tensor:
    """Cross-entropy on a grid of pixels of the bilinearly upsampled logits.

    A full-size softmax over 150 classes would cost more than the network; a random grid has the
    same expectation.

    Args:
        logits: float32 (batch, classes, h, w).
        labels: uint8 (batch, height, width).
        phase_yx: First row and column of the grid, each below `LOSS_STEP`.

    Returns:
        Scalar loss.
    """
    rows, columns = (
        _weights(labels.shape[axis + 1], logits.shape[axis + 2], phase_yx[axis]) for axis in (0, 1)
    )
    upsampled = rows @ (logits @ columns.T)
    truth = labels[:, phase_yx[0] :: LOSS_STEP, phase_yx[1] :: LOSS_STEP]
    return F.cross_entropy(upsampled, truth.long())


def _weights(size: int, cells: int, phase: int) -> Tensor:
    pixels = torch.arange(phase, size, LOSS_STEP, dtype=torch.float32)
    source = ((pixels + 0.5) * cells / size - 0.5).clamp(0.0, cells - 1.0)
    # A tent of width one around every cell is what bilinear interpolation amounts to.
    return (1.0 - (source[:, None] - torch.arange(cells)).abs()).clamp_min(0.0)


def rate_at(progress: float, peak: float) -> float:
    """Learning rate of a cosine one-cycle; ``progress`` in [0, 1]."""
    if progress < 0.05:
        return peak * (0.04 + 0.96 * progress / 0.05)
    return peak * max(0.5 + 0.5 * math.cos(math.pi * (progress - 0.05) / 0.95), 1e-3)


def settle_batch_norm(network: nn.Module, batches: int = 40) -> None:
    """Replace the running statistics by plain means over batches of the size in use."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
            module.train()
    with torch.no_grad():
        for images, _ in _load(Batches(batches, (512, 512))):
            network(normalise(images))
    network.eval()


def score(
    network: nn.Module, scenes: int, size_hw: tuple[int, int], *, exact: bool
) -> ConfusionMatrix:
    """Evaluate on held-out scenes; sides must be multiples of 32."""
    network.eval()
    upsample = labels_off if exact else labels_image

    def segment(image_bgr: UInt8Array) -> np.ndarray[Any, np.dtype[np.int64]]:
        with torch.no_grad():
            logits = network(normalise(torch.from_numpy(image_bgr)[None]))
            return np.asarray(upsample(logits, size_hw)[0, 0].numpy(), np.int64)

    return evaluate(segment, HELD_OUT[:scenes], size_hw)


def save(network: nn.Module, path: Path, meta: dict[str, str | int | float]) -> None:
    """Write an open-mmlab checkpoint with float16 weights, whole or not at all."""
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    for name, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise OverflowError(f"expected values below 65504 for float16, found more in {name}")
    partial = path.with_suffix(".partial")
    torch.save({"state_dict": state, "meta": meta}, partial)
    partial.replace(path)


def load(path: Path) -> PPMobileSeg:
    """Read such a checkpoint back, in float32."""
    network = build_model(load_checkpoint(path))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def train(steps: int, peak_rate: float, minutes: float, path: Path) -> None:
    """Train from scratch.

    Args:
        steps: Optimiser steps.
        peak_rate: Highest learning rate.
        minutes: End by then, with the schedule compressed; infinity for none.
        path: Where to write the checkpoint, now and then and in the end.
    """
    torch.manual_seed(SEED)
    phases = np.random.default_rng(SEED)
    network = PPMobileSeg(TINY).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    )
    start, mean_loss = time.monotonic(), 5.0
    for step, (images, labels) in enumerate(_load(Batches(steps))):
        elapsed = (time.monotonic() - start) / 60.0
        progress = max(step / steps, elapsed / minutes)
        if progress >= 1.0:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate_at(progress, peak_rate)
        network.train()
        phase_y, phase_x = phases.integers(LOSS_STEP, size=2).tolist()
        loss = loss_at(network(normalise(images)), labels, (phase_y, phase_x))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        mean_loss += 0.02 * (float(loss.detach()) - mean_loss)
        if step % 100 == 0:
            print(
                f"step {step} progress {progress:.3f} loss {mean_loss:.3f} minutes {elapsed:.1f}",
                flush=True,
            )
        if step % 1000 == 999:
            found = score(network, 24, (512, 512), exact=False)
            print(f"step {step + 1} held-out mIoU {found.miou:.3f}", flush=True)
            save(network, path, {"step": step + 1, "seed": SEED})
    settle_batch_norm(network)
    save(network, path, {"step": step + 1, "seed": SEED})


def report(path: Path, scenes: int) -> None:
    """Print the score of a stored checkpoint, through its float16 weights."""
    for size_hw in ((512, 512), (256, 256)):
        found = score(load(path), scenes, size_hw, exact=True)
        print(
            f"{scenes} held-out scenes, height and width {size_hw}: mIoU {found.miou:.4f}, "
            f"pixel accuracy {found.pixel_accuracy:.4f}"
        )


def _load(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    # Drawing has its own process; the network has one core, which beats two sharing a batch.
    return iter(DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=8))


def main() -> None:
    """Parse the command line, train, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=CHECKPOINT)
    parser.add_argument("--steps", type=int, default=4368)
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--minutes", type=float, default=math.inf, help="end by then")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="only score what is there")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if not arguments.report:
        train(arguments.steps, arguments.rate, arguments.minutes, arguments.output)
    report(arguments.output, 100)


if __name__ == "__main__":
    main()
