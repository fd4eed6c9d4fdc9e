"""The whole way from an image's file to the overlay's, several models taking turns."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ..runtime.images.files import WRITABLE_SUFFIXES, read_image
from ..runtime.segmenter import OrtSegmenter
from .candidates import Candidate
from .fresh_process import Start, first_image
from .stages import StageSpreads, segment_file
from .timing import Progress, take_turns

_PROCESSES: Final = 3


@dataclass(frozen=True)
class WholeRow:
    """One model with one number of threads, from file to file.

    Attributes:
        model: Path of the file.
        threads: Threads of the network, None for as many as the process may use.
        network_hw: Height and width of the network's input.
        classes_found: Different classes in the labels.
        latency: Milliseconds, all together and stage by stage.
        start: What opening it and its first image take, in fresh processes.
    """

    model: str
    threads: int | None
    network_hw: tuple[int, int]
    classes_found: int
    latency: StageSpreads
    start: Start

    @property
    def images_per_second(self) -> float:
        """How many images one caller gets done in a second."""
        return 1e3 / self.latency.total_ms.median


def measure_whole(
    runners: Sequence[Candidate],
    image: Path,
    turns: int,
    *,
    on_progress: Progress | None = None,
) -> list[WholeRow]:
    """Time what ``ppms-infer`` does with one image of a stream: sessions are open for its size.

    The runners take turns, one image each. Overlays go to a folder that is removed.

    Args:
        runners: From `candidates`.
        image: Image file.
        turns: How often each runner has its turn, at least 1.
        on_progress: Called with how many images are done, and how many there are.

    Returns:
        One row for each runner, in their order.

    Raises:
        ImageError: The image cannot be read.
        ModelError: A model fails on it.
    """
    original = read_image(image)
    image_hw = original.shape[0], original.shape[1]
    sizes_hw = [each.network_hw(image_hw) for each in runners]
    segmenters = [
        OrtSegmenter(each.model, threads=each.threads, fixed_size=size_hw)
        for each, size_hw in zip(runners, sizes_hw, strict=True)
    ]
    classes_found = [len(segmenter(original).counts()) for segmenter in segmenters]
    suffix = image.suffix if image.suffix.lower() in WRITABLE_SUFFIXES else ".png"
    with tempfile.TemporaryDirectory() as folder:
        overlay = Path(folder) / f"overlay{suffix}"
        jobs = {
            number: partial(segment_file, segmenter, image, overlay)
            for number, segmenter in enumerate(segmenters)
        }
        taken = take_turns(jobs, turns, most_runs=1, on_progress=on_progress)
    fresh = {
        number: partial(first_image, each.model, image, each.threads)
        for number, each in enumerate(runners)
    }
    starts = take_turns(fresh, min(turns, _PROCESSES), most_runs=1)
    return [
        WholeRow(
            model=str(each.model),
            threads=each.threads,
            network_hw=sizes_hw[number],
            classes_found=classes_found[number],
            latency=StageSpreads.of(taken[number]),
            start=Start.of(starts[number]),
        )
        for number, each in enumerate(runners)
    ]
