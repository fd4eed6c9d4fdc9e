"""Deciding which network a set of tensors belongs to, and that it is that network exactly."""

import functools
from collections.abc import Mapping
from itertools import islice
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import CheckpointError
from ..metadata import MAX_CLASSES
from ..model import CONFIGS, PPMobileSeg, PPMobileSegConfig
from ..quoting import brief, shortened
from .formats import FLOATS, StoredTensor

_COUNTER: Final = "num_batches_tracked"  # of training steps: it changes no output
_MAX_SPREAD_BYTES: Final = 1 << 30  # of the file, to pick all weights from
_MAX_LISTED: Final = 1000  # names in a message: more than other networks of this size have

Shapes = dict[str, tuple[int, ...]]


def fit(
    tensors: Mapping[str, StoredTensor], file_name: str
) -> tuple[PPMobileSegConfig, int, dict[str, Tensor]]:
    """Find the variant and number of classes, check every tensor, and read the values.

    Args:
        tensors: Weights by open-mmlab's keys.
        file_name: How messages call the file.

    Returns:
        The variant, the number of classes, and all weights in the network's order as contiguous
        float32 tensors, without ``num_batches_tracked``.

    Raises:
        CheckpointError: Tensors are missing, left over, of another shape, no floating-point
            numbers, or not finite in float32. All of them are listed.
        FormatError: The values are not where the file says.
    """
    found = {key: t for key, t in tensors.items() if not key.endswith(_COUNTER)}
    num_classes = _num_classes(found, file_name)
    config, expected = _closest(found, num_classes, file_name)
    # Before shapes: a tensor of a strange kind may have none.
    unusable = [
        f"{key} ({shortened(found[key].dtype)})"
        for key in expected
        if key in found and found[key].dtype not in FLOATS
    ]
    if unusable:
        raise CheckpointError(
            f"{file_name} has weights that are not floating-point numbers: {', '.join(unusable)}"
        )
    if problems := _misfits(expected, {key: t.shape for key, t in found.items()}):
        raise CheckpointError(
            f"{file_name} does not fit PP-MobileSeg {config.name} with {num_classes} "
            f"class{'es' * (num_classes != 1)}: {problems}"
        )
    if sum(t.span_bytes for t in found.values()) > _MAX_SPREAD_BYTES:
        raise CheckpointError(
            f"{file_name} spreads its weights over more than {_MAX_SPREAD_BYTES} bytes"
        )
    weights = {key: _as_float32(found[key]) for key in expected}
    # In numpy: on hundreds of small tensors PyTorch's threads cost twenty times the work.
    infinite = [key for key, weight in weights.items() if not np.isfinite(weight).all()]
    if infinite:
        raise CheckpointError(
            f"{file_name} has weights that are infinite or not a number in float32: "
            f"{_compact(infinite)}"
        )
    return config, num_classes, {key: torch.from_numpy(weight) for key, weight in weights.items()}


def network_names() -> list[frozenset[str]]:
    """Return, for each variant, the names of its weights; they do not depend on the classes."""
    return [frozenset(_shapes(config, 1)) for config in CONFIGS.values()]


def _as_float32(tensor: StoredTensor) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
        return tensor.read().astype(np.float32, copy=False)


def _num_classes(tensors: Mapping[str, StoredTensor], file_name: str) -> int:
    for key in ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias"):
        tensor = tensors.get(key)
        if tensor is not None and tensor.shape:
            if not 1 <= tensor.shape[0] <= MAX_CLASSES:
                raise CheckpointError(
                    f"{file_name} has {tensor.shape[0]} classes, expected 1 to {MAX_CLASSES}"
                )
            return tensor.shape[0]
    return 150  # the last layer is missing; the error will list it whatever its size


def _closest(
    tensors: Mapping[str, StoredTensor], num_classes: int, file_name: str
) -> tuple[PPMobileSegConfig, Shapes]:
    """Return the variant that has most tensors in common, so that an error lists the fewest."""
    candidates = [(config, _shapes(config, num_classes)) for config in CONFIGS.values()]
    common = [
        sum(key in tensors and tensors[key].shape == shape for key, shape in shapes.items())
        for _, shapes in candidates
    ]
    if not any(common):
        expected = next(iter(candidates[0][1]))
        found = ", ".join(map(shortened, islice(tensors, 3))) or "none"
        raise CheckpointError(
            f"{file_name} is no PP-MobileSeg checkpoint: none of its {len(tensors)} tensors "
            f"belongs to one (expected names such as {expected}, found {found})"
        )
    return candidates[common.index(max(common))]


@functools.lru_cache(maxsize=8)
def _shapes(config: PPMobileSegConfig, num_classes: int) -> Shapes:
    with torch.device("meta"):  # shapes alone: no memory, no random numbers
        state = PPMobileSeg(config, num_classes).state_dict()
    return {
        key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith(_COUNTER)
    }


def _misfits(expected: Shapes, found: Shapes) -> str:
    missing = [key for key in expected if key not in found]
    unexpected = [key for key in found if key not in expected]
    wrong = [
        f"{key} (expected {shape}, found {brief(found[key])})"
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


def _compact(keys: list[str]) -> str:
    """List the keys, those of one layer together: ``a.bn.{weight, bias}``."""
    layers: dict[str, list[str]] = {}
    for key in map(shortened, keys[:_MAX_LISTED]):
        layer, dot, leaf = key.rpartition(".")
        layers.setdefault(layer + dot, []).append(leaf)
    listed = [
        layer + (f"{{{', '.join(leaves)}}}" if layer and len(leaves) > 1 else ", ".join(leaves))
        for layer, leaves in layers.items()
    ]
    more = len(keys) - _MAX_LISTED
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "")
