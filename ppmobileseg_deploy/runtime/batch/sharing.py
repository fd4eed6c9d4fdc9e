"""Sharing of the cores among the pictures of a run, settled by a short measurement."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Final

from ...errors import ImageError
from ...types import ImageBGR
from ..inference.workers import Workers, share_cores
from ..segmenter import OrtSegmenter
from ..sources import Source
from .planning import PlannedSource
from .reading import Reading

MEASURED_FROM: Final = 400
"""Images of a run from which measuring pays: it takes as long as some 15 of them."""

_ROUNDS: Final = 2
_CLEARLY: Final = 1.1

_logger = logging.getLogger(__name__)


def open_for_run(
    opened: Callable[[Workers], OrtSegmenter],
    plans: Sequence[PlannedSource],
    reading: Reading,
    *,
    workers: int | None = None,
    threads: int | None = None,
) -> tuple[OrtSegmenter, Workers]:
    """Share the cores out among the pictures of a run, and open the model for that.

    Where nothing is asked for, a run of many images begins with a measurement: the first one is
    segmented with a thread for each image, and with fewer images at a time on several threads.

    Args:
        opened: Opens the model for a way of sharing.
        plans: The run's sources.
        reading: How they are read.
        workers: Images at a time, where the user has chosen; None for a plan.
        threads: Threads for each image, where the user has chosen.

    Returns:
        The open model, and how many images it is to segment at a time.

    Raises:
        PPMobileSegError: The model cannot be opened, or fails.
        UsageError: A number makes no sense.
    """
    images = [plan.source for plan in plans if not plan.source.is_video]
    count = len(plans) if len(images) == len(plans) else None
    shared = share_cores(count, workers=workers, threads=threads)
    segmenter = opened(shared)
    unasked = workers is None and threads is None
    if unasked and shared.count > 1 and len(images) >= MEASURED_FROM:
        image_bgr = _picture(images[0], reading)
        if image_bgr is not None:
            others = {way: opened(way) for way in _other_ways(shared)}
            segmenter, shared = _fastest({shared: segmenter, **others}, image_bgr)
    _logger.info("segmenting %s", shared)
    return segmenter, shared


def _other_ways(workers: Workers) -> list[Workers]:
    """Return what may be faster than a thread for each image: fewer images, on several threads."""
    cores = workers.count * (workers.threads or 1)
    halves = [Workers(cores // 2, 2)] if cores >= 4 else []
    return [*halves, Workers(1, None)]


def _picture(source: Source, reading: Reading) -> ImageBGR | None:
    """Return an image; None where it cannot be read, which the run itself reports."""
    try:
        return next(reading.frames(source)).image_bgr
    except (ImageError, MemoryError):
        return None


def _fastest(
    segmenters: dict[Workers, OrtSegmenter], image_bgr: ImageBGR
) -> tuple[OrtSegmenter, Workers]:
    """Take the first way, unless another one is clearly faster."""
    rates = {way: _rate(way.count, each, image_bgr) for way, each in segmenters.items()}
    _logger.info(
        "measured %s", ", ".join(f"{rate:.0f} pictures/s {way}" for way, rate in rates.items())
    )
    usual, best = next(iter(rates)), max(rates, key=lambda way: rates[way])
    if rates[best] < _CLEARLY * rates[usual]:
        best = usual
    return segmenters[best], best


def _rate(count: int, segmenter: OrtSegmenter, image_bgr: ImageBGR) -> float:
    """Return the best of some rounds: whatever else the machine does makes them longer."""
    segmenter.expect(())  # none opens a session on the way, which the run might not have
    segmenter.segment_bgr(image_bgr)  # the first one takes memory
    rates = []
    with ThreadPoolExecutor(count) as pool:
        for _ in range(_ROUNDS):
            start = perf_counter()
            list(pool.map(segmenter.segment_bgr, [image_bgr] * (2 * count)))
            rates.append(2 * count / (perf_counter() - start))
    return max(rates)
