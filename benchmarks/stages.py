"""The stages between a file with a photograph and a file with an overlay."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from time import perf_counter


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


STAGES = tuple(field.name for field in fields(Stages))
"""Their names, in order."""


def laps_ms() -> Iterator[float]:
    """Yield the milliseconds since the last time it was asked, first since its start."""
    last = perf_counter()
    while True:
        now = perf_counter()
        yield (now - last) * 1e3
        last = now
