"""Deciding which network a set of tensors belongs to, and that it is that network exactly."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError
from ..metadata import MAX_CLASSES
from ..model import CONFIGS, PPMobileSeg, PPMobileSegConfig
from ..quoting import printable

Shapes = dict[str, tuple[int, ...]]


def fit(
    tensors: Mapping[str, Tensor], file_name: str
) -> tuple[PPMobileSegConfig, int, dict[str, Tensor]]:
    """Find the variant and number of classes, and check that every tensor has its place.

    Args:
        tensors: Weights by open-mmlab's keys.
        file_name: How messages call the file.

    Returns:
        The variant, the number of classes, and all weights in the network's order as contiguous
        float32 copies, without ``num_batches_tracked``.

    Raises:
        CheckpointError: Tensors are missing, left over, of another shape, no floating-point
            numbers, or not finite in float32. All of them are listed.
    """
    found = {key: t for key, t in tensors.items() if not key.endswith("num_batches_tracked")}
    num_classes = _num_classes(found, file_name)
    config, expected = _closest(found, num_classes, file_name)
    if problems := _misfits(expected, {key: tuple(t.shape) for key, t in found.items()}):
        raise CheckpointError(
            f"{file_name} does not fit PP-MobileSeg {config.name} with {num_classes} "
            f"class{'es' * (num_classes != 1)}: {problems}"
        )
    # Before anything is converted: a tensor may be on no device, or compressed.
    unusable = [f"{printable(key)} ({_kind(t)})" for key, t in found.items() if not _is_usable(t)]
    if unusable:
        raise CheckpointError(
            f"{file_name} has weights that are not floating-point numbers: {', '.join(unusable)}"
        )
    weights = {
        key: found[key].detach().to(torch.float32, copy=True).contiguous() for key in expected
    }
    # In numpy: on hundreds of small tensors PyTorch's threads cost twenty times the work.
    infinite = [key for key, weight in weights.items() if not np.isfinite(weight.numpy()).all()]
    if infinite:
        raise CheckpointError(
            f"{file_name} has weights that are infinite or not a number in float32: "
            f"{_compact(infinite)}"
        )
    return config, num_classes, weights


def _num_classes(tensors: Mapping[str, Tensor], file_name: str) -> int:
    for key in ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias"):
        tensor = tensors.get(key)
        if tensor is not None and tensor.ndim:
            if not 1 <= tensor.shape[0] <= MAX_CLASSES:
                raise CheckpointError(
                    f"{file_name} has {tensor.shape[0]} classes, expected 1 to {MAX_CLASSES}"
                )
            return tensor.shape[0]
    return 150  # the last layer is missing; the error will list it whatever its size


def _closest(
    tensors: Mapping[str, Tensor], num_classes: int, file_name: str
) -> tuple[PPMobileSegConfig, Shapes]:
    """Return the variant that has most tensors in common, so that an error lists the fewest."""
    candidates = [(config, _shapes(config, num_classes)) for config in CONFIGS.values()]
    common = [
        sum(key in tensors and tuple(tensors[key].shape) == shape for key, shape in shapes.items())
        for _, shapes in candidates
    ]
    if not any(common):
        expected = next(iter(candidates[0][1]))
        found = ", ".join(printable(key) for key in list(tensors)[:3]) or "none"
        raise CheckpointError(
            f"{file_name} is no PP-MobileSeg checkpoint: none of its {len(tensors)} tensors "
            f"belongs to one (expected names such as {expected}, found {found})"
        )
    return candidates[common.index(max(common))]


def _shapes(config: PPMobileSegConfig, num_classes: int) -> Shapes:
    with torch.device("meta"):  # shapes alone: no memory, no random numbers
        state = PPMobileSeg(config, num_classes).state_dict()
    return {
        key: tuple(tensor.shape)
        for key, tensor in state.items()
        if not key.endswith("num_batches_tracked")
    }


def _misfits(expected: Shapes, found: Shapes) -> str:
    missing = [key for key in expected if key not in found]
    unexpected = [key for key in found if key not in expected]
    wrong = [
        f"{key} (expected {shape}, found {found[key]})"
        for key, shape in expected.items()
        if key in found and found[key] != shape
    ]
    parts = []
    if missing:
        parts.append(f"{len(missing)} missing: {_compact(missing)}")
    if unexpected:
        parts.append(f"{len(unexpected)} unexpected: {_compact(unexpected)}")
    if wrong:
        parts.append(f"{len(wrong)} of the wrong shape: {', '.join(wrong)}")
    return "; ".join(parts)


def _compact(keys: Iterable[str]) -> str:
    """List every key, those of one layer together: ``a.bn.{weight, bias}``."""
    layers: dict[str, list[str]] = {}
    for key in map(printable, keys):
        layer, dot, leaf = key.rpartition(".")
        layers.setdefault(layer + dot, []).append(leaf)
    return ", ".join(
        layer + (leaves[0] if len(leaves) == 1 else f"{{{', '.join(leaves)}}}")
        for layer, leaves in layers.items()
    )


def _is_usable(tensor: Tensor) -> bool:
    return (
        tensor.is_floating_point()
        and tensor.layout is torch.strided
        and tensor.device.type == "cpu"
    )


def _kind(tensor: Tensor) -> str:
    if tensor.is_floating_point():
        return f"{tensor.layout} on {tensor.device}".removeprefix("torch.")
    return str(tensor.dtype).removeprefix("torch.")
