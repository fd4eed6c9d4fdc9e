"""How the runtime would enlarge a network's coarse scores, found out by running it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...metadata import NETWORK_MULTIPLE, ModelMetadata, Upsampling
from ...runtime.inference.enlarging import Enlarging
from .ends import End
from .proof import Observed

_MAX_STRIDE: Final = 256


@dataclass(frozen=True)
class Found:
    """A rule that the runtime knows.

    Attributes:
        enlarging: The rule.
        multiple: What the sides of an input have to be multiples of for it to hold.
    """

    enlarging: Enlarging
    multiple: int

    def holds_for(self, metadata: ModelMetadata) -> bool:
        """Return whether images come in such sizes."""
        return metadata.size_multiple % self.multiple == 0


def find_enlarging(end: End, observed: Sequence[Observed]) -> Found | None:
    """Compare what a network did with what the runtime would do.

    Args:
        end: The network's end.
        observed: The network on images of several sizes.

    Returns:
        The rule; None where none fits: the runtime knows one enlargement of several classes to
        the size of the input.
    """
    (resize, *more) = end.resizes
    if more or end.threshold is not None:
        return None
    rule: Upsampling = resize.rule.removeprefix("pytorch_")  # type: ignore[assignment]
    stride = -(-observed[0].input_hw[0] // observed[0].grid_hw[0])
    if not 1 < stride <= _MAX_STRIDE:
        return None
    candidates = [Enlarging(stride, rule)]
    if rule == "half_pixel" and NETWORK_MULTIPLE % stride == 0:
        candidates.insert(0, Enlarging(stride))
    usual = [each for each in observed if _in_multiples(each, NETWORK_MULTIPLE)]
    any_size = len(observed) == 1 or len(usual) < len(observed)
    for seen, multiple in ((observed if any_size else [], 1), (usual, stride)):
        for each in candidates:
            if seen and all(_fits(each, one) for one in seen):
                return Found(each, multiple)
    return None


def _fits(enlarging: Enlarging, seen: Observed) -> bool:
    grid_hw, covered_hw = enlarging.grid_hw(seen.input_hw), enlarging.covered_hw(seen.input_hw)
    return (grid_hw, covered_hw) == (seen.grid_hw, seen.sizes_hw[0])


def _in_multiples(seen: Observed, multiple: int) -> bool:
    return all(side % multiple == 0 for side in seen.input_hw)
