"""The stages between a file with a photograph and a file with an overlay."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from time import perf_counter
from typing import Final

from ..runtime.images.files import read_image, write_image
from ..runtime.segmenter import OrtSegmenter
from .timing import Spread


@dataclass(frozen=True)
class Stages:
    """How long each stage of one image took, in milliseconds.

    Attributes:
        read: From the file to pixels.
        preprocess: From pixels to the network's input.
        inference: The network.
        postprocess: From its output to labels of the photograph's size.
        draw: Colours over the photograph.
        write: From pixels to the file.
    """

    read: float
    preprocess: float
    inference: float
    postprocess: float
    draw: float
    write: float

    @property
    def total(self) -> float:
        """All stages together."""
        return (
            self.read
            + self.preprocess
            + self.inference
            + self.postprocess
            + self.draw
            + self.write
        )


STAGES: Final = tuple(field.name for field in fields(Stages))
"""Their names, in order."""


@dataclass(frozen=True)
class StageSpreads:
    """How the times of several images, or of several runs on one, are distributed.

    Attributes:
        total_ms: Milliseconds from the start to the written file.
        stages_ms: Name of each stage, as in `STAGES`, to milliseconds.
    """

    total_ms: Spread
    stages_ms: dict[str, Spread]

    @classmethod
    def of(cls, runs: Iterable[Stages]) -> "StageSpreads":
        """Sum up at least one run."""
        runs = list(runs)
        return cls(
            total_ms=Spread.of(stages.total for stages in runs),
            stages_ms={name: Spread.of(getattr(run, name) for run in runs) for name in STAGES},
        )


def segment_file(segmenter: OrtSegmenter, source: Path, output: Path) -> Stages:
    """Do what ``ppms-infer`` does with one image, and time its stages.

    Args:
        segmenter: The model.
        source: Image file.
        output: The overlay to write; its suffix chooses the format.

    Raises:
        ImageError: The image cannot be read.
        ModelError: The model fails on it.
        OutputError: The overlay cannot be written.
    """
    laps = laps_ms()
    next(laps)
    image_bgr = read_image(source)
    read = next(laps)
    result = segmenter(image_bgr)
    segment = next(laps)
    picture = result.plot()
    draw = next(laps)
    write_image(output, picture)
    speed = result.speed
    return Stages(
        read=read,
        preprocess=speed["preprocess"],
        inference=speed["inference"],
        postprocess=segment - speed["preprocess"] - speed["inference"],
        draw=draw,
        write=next(laps),
    )


def laps_ms() -> Iterator[float]:
    """Yield the milliseconds since the last time it was asked, first since its start."""
    last = perf_counter()
    while True:
        now = perf_counter()
        yield (now - last) * 1e3
        last = now
