"""Images of one size through the network together."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from ..errors import UsageError
from ..quoting import brief
from ..types import SizeHW
from .inference.session_pool import SessionPool
from .pipeline import Pipeline, Prepared
from .results.result import SegmentationResult

_CHANNELS: Final = (1, 3, 4)


def check_batch(images: object, batch_size: object) -> None:
    """Make sure that there may be several images, and how many go together.

    Args:
        images: An iterable of images. Arrays of them are fine, one image is not: taken apart, a
            picture is hundreds of gray ones a pixel high, and a path is its letters.
        batch_size: Most images in a stack.

    Raises:
        UsageError: There is one image or none at all, or the size is not a positive number.
    """
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise UsageError(f"expected a batch size of at least 1, found {brief(batch_size)}")
    if isinstance(images, str | Path | Image.Image) or _is_picture(images):
        raise UsageError(
            f"expected several images, such as a list, found one ({type(images).__name__})"
        )
    if not isinstance(images, Iterable):
        raise UsageError(f"expected several images, such as a list, found {brief(images)}")


def _is_picture(images: object) -> bool:
    if not isinstance(images, np.ndarray):
        return False
    return images.ndim == 2 or (images.ndim == 3 and images.shape[2] in _CHANNELS)


def segment_in_stacks(
    pipeline: Pipeline, sessions: SessionPool, images: Iterable[Prepared], most: int
) -> list[SegmentationResult]:
    """Segment images, those alike together.

    Args:
        pipeline: What is done before and after the network.
        sessions: Run the network.
        images: Taken one by one, so that never more than a stack of each size waits.
        most: Most images in a stack, where the model takes more than one.

    Returns:
        Their results, in the same order.

    Raises:
        ModelError: The model fails.
    """
    if not sessions.dynamic.interface.stackable:
        most = 1
    results: dict[int, SegmentationResult] = {}
    waiting: dict[SizeHW, dict[int, Prepared]] = {}

    def run(padded_hw: SizeHW, stack: dict[int, Prepared]) -> None:
        # Sessions that are pinned to a size take one image at a time.
        session = sessions.for_size(padded_hw) if len(stack) == 1 else sessions.dynamic
        found = pipeline.segment(session, list(stack.values()))
        results.update(zip(stack, found, strict=True))

    for number, image in enumerate(images):
        padded_hw = image.network.padded_hw
        stack = waiting.setdefault(padded_hw, {})
        stack[number] = image
        if len(stack) == most:
            run(padded_hw, waiting.pop(padded_hw))
    for padded_hw, stack in waiting.items():
        run(padded_hw, stack)
    return [result for _, result in sorted(results.items())]
