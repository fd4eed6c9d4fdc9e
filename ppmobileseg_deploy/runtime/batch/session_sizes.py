"""Sizes of a run's pictures for which the model gets sessions of their own, before it begins."""

import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from ...errors import ImageError
from ...types import SizeHW
from ..images.files import stated_size_hw
from ..inference.session_pool import MAX_PINNED
from ..segmenter import OrtSegmenter
from ..sources import Source
from .planning import PlannedSource
from .reading import Reading

_LOOKED_AT: Final = 256
_FREQUENT: Final = 64
"""Images of a size, among those looked at: opening a session takes as long as it saves over 25 to
40 of them."""

_VIDEOS_LOOKED_AT: Final = 8
"""Of each the first frame is decoded."""


def expect_sizes(
    segmenter: OrtSegmenter, plans: Sequence[PlannedSource], reading: Reading
) -> None:
    """Open sessions for the sizes of a run's videos, and for those that many of its images have.

    Once the run has begun, none is opened any more: which session a picture gets would depend on
    how far the others are, and so would, now and then, the class of a pixel. A run with a camera,
    whose pictures are never the same, is left alone.

    Args:
        segmenter: The model.
        plans: The run's sources.
        reading: How they are read.
    """
    sources = [plan.source for plan in plans]
    if any(source.kind == "camera" for source in sources):
        return
    videos = [source for source in sources if source.is_video]
    images = [source for source in sources if not source.is_video]
    sizes_hw = (*_sizes_of_videos_hw(videos, reading), *_frequent_sizes_hw(images))
    segmenter.expect(list(dict.fromkeys(sizes_hw))[:MAX_PINNED])


def _sizes_of_videos_hw(videos: Sequence[Source], reading: Reading) -> list[SizeHW]:
    sizes_hw: list[SizeHW] = []
    for video in videos[:_VIDEOS_LOOKED_AT]:
        if len(set(sizes_hw)) == MAX_PINNED:  # no more are kept
            break
        with warnings.catch_warnings(), closing(reading.frames(video)) as frames:
            warnings.simplefilter("ignore")  # the run itself tells of them, and of errors
            try:
                sizes_hw.append(next(frames).image_bgr.shape[:2])
            except (ImageError, MemoryError, StopIteration):
                continue
    return sizes_hw


def _frequent_sizes_hw(images: Sequence[Source]) -> list[SizeHW]:
    """Return the sizes for which a session of their own pays, by the files' headers."""
    if len(images) < _FREQUENT:
        return []
    paths = [image.path for image in images[:_LOOKED_AT] if image.path is not None]
    sizes_hw = Counter(stated_size_hw(path) for path in paths)
    return [
        size_hw
        for size_hw, count in sizes_hw.most_common(MAX_PINNED)
        if size_hw is not None and count >= _FREQUENT
    ]
