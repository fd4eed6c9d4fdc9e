"""Checkpoints to export: the golden weights, with any number of classes."""

from collections.abc import Callable

import pytest
import torch

from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.model import CONFIGS


@pytest.fixture(scope="session")
def make_checkpoint(
    golden_state_dict: Callable[[str], dict[str, torch.Tensor]],
) -> Callable[..., Checkpoint]:
    """``make_checkpoint("tiny", num_classes=150)``: golden weights, the first classes only."""

    def make(variant: str, num_classes: int = 150) -> Checkpoint:
        weights = {
            key: tensor
            for key, tensor in golden_state_dict(variant).items()
            if not key.endswith("num_batches_tracked")
        }
        for key in ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias"):
            repeats = -(-num_classes // len(weights[key]))
            weights[key] = torch.cat([weights[key]] * repeats)[:num_classes].clone()
        return Checkpoint(
            config=CONFIGS[variant],
            num_classes=num_classes,
            state_dict=weights,
            file_name=f"golden_{variant}.pth",
            sha256="0" * 64,
        )

    return make
