"""Divergence of two networks: their intermediate outputs, compared in order."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

TOLERANCE: Final = 1e-3
"""Largest difference of two equal layers, as a share of the layer's largest value."""

Layers = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Divergence:
    """The first layer of a network that another one has no equal of.

    Attributes:
        layer: Its name in the first network.
        after: The last layer that both have, in order of computation; None if they have none.
        closest: Relative difference of the closest output of the second network that has the
            same shape; None if none has.
        compared: How many layers of the first network were looked for.
        found: How many were found in the second one.
    """

    layer: str
    after: str | None
    closest: float | None
    compared: int
    found: int


def first_divergence(
    first: Layers, second: Layers, tolerance: float = TOLERANCE
) -> Divergence | None:
    """Find the first layer that the second network has no equal of.

    Layers are matched by what they compute, not by name, so that a checkpoint can be compared
    with a graph whose operators were renamed, fused or rewritten: a layer counts as found if any
    output of the second network with the same shape is equal to it.

    Fused layers are missing in an equal network too. What is computed from them is found again,
    though: so a missing layer is passed over if a module around it is found, or a later layer of
    the module that it belongs to.

    Args:
        first: Outputs of the first network by layer, in order of computation; the last one is
            what the network gives. Names tell modules by dots or slashes: ``stage.block.conv``.
        second: Outputs of the second network on the same input.
        tolerance: Largest difference of equal layers, as a share of the layer's largest value.

    Returns:
        None if the last layer was found.
    """
    by_shape: dict[tuple[int, ...], list[NDArray[np.float32]]] = defaultdict(list)
    for output in second.values():
        by_shape[output.shape].append(output)
    # Constant layers, such as saturated gates, are equal by chance.
    telling = {name: output for name, output in first.items() if output.size and np.ptp(output)}
    closest = {name: _closest(output, by_shape[output.shape]) for name, output in telling.items()}
    names = list(telling)
    found = [_within(closest[name], tolerance) for name in names]
    if not names or found[-1]:
        return None
    missing = _first_missing(names, found)
    earlier = [name for name, there in zip(names[:missing], found, strict=False) if there]
    return Divergence(
        layer=names[missing],
        after=earlier[-1] if earlier else None,
        closest=closest[names[missing]],
        compared=len(names),
        found=sum(found),
    )


def _first_missing(names: list[str], found: list[bool]) -> int:
    there = {name for name, is_there in zip(names, found, strict=True) if is_there}
    last_in: dict[str, int] = {}  # where the last found layer of each module is
    for i, name in enumerate(names):
        if found[i]:
            last_in.update(dict.fromkeys(_modules(name), i))
    for i, name in enumerate(names):
        modules = _modules(name)
        passed_over = there.intersection(modules) or last_in.get(modules[0], -1) > i
        if not found[i] and not passed_over:
            return i
    return max((i for i, is_there in enumerate(found) if is_there), default=-1) + 1


def _modules(name: str) -> list[str]:
    """Return the modules around a layer, the innermost first, the whole network last."""
    separator = "/" if "/" in name else "."
    parts = name.split(separator)
    return [separator.join(parts[:end]) for end in range(len(parts) - 1, -1, -1)]


def _closest(output: NDArray[np.float32], candidates: list[NDArray[np.float32]]) -> float | None:
    scale = float(np.abs(output).max())
    gaps = [float(np.abs(output - candidate).max()) / scale for candidate in candidates]
    return min(gaps, default=None)


def _within(gap: float | None, tolerance: float) -> bool:
    return gap is not None and gap <= tolerance
