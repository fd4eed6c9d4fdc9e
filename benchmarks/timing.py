"""Measuring several jobs side by side, so that a drifting machine treats them alike."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Final, TypeVar

import numpy as np

T = TypeVar("T")

_TURN_SECONDS: Final = 0.02
_TURN_RUNS: Final = 10


@dataclass(frozen=True)
class Spread:
    """How a measured quantity is distributed.

    Attributes:
        median: Half of the samples are below.
        p5: 5 % of the samples are below.
        p95: 95 % of the samples are below.
        samples: How many there are.
    """

    median: float
    p5: float
    p95: float
    samples: int

    @classmethod
    def of(cls, samples: Iterable[float]) -> "Spread":
        """Sum up at least one sample."""
        values = np.fromiter(samples, np.float64)
        p5, median, p95 = np.percentile(values, (5, 50, 95)).tolist()
        return cls(median, p5, p95, len(values))


def take_turns(jobs: Mapping[str, Callable[[], T]], turns: int) -> dict[str, list[T]]:
    """Run jobs in turn and collect what each run returns.

    A turn of a short job is several runs, until 20 ms have passed or ten runs are done: one run
    behind a job that sweeps the caches would measure the sweep. One run of every job before the
    first turn is thrown away.

    Args:
        jobs: Name to what is run; returns its own sample, see `timed`.
        turns: How often each job has its turn, at least 1.

    Returns:
        Name to samples, in the order of the jobs.
    """
    samples: dict[str, list[T]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(turns):
        for name, job in jobs.items():
            started = perf_counter()
            for _ in range(_TURN_RUNS):
                samples[name].append(job())
                if perf_counter() - started > _TURN_SECONDS:
                    break
    return samples


def timed(job: Callable[[], object]) -> Callable[[], float]:
    """Make a job return how long it took, in milliseconds."""

    def run() -> float:
        started = perf_counter()
        job()
        return (perf_counter() - started) * 1e3

    return run


def latencies_ms(jobs: Mapping[str, Callable[[], object]], turns: int) -> dict[str, Spread]:
    """Run jobs in turn and time them.

    Args:
        jobs: Name to what is run.
        turns: How often each job has its turn.

    Returns:
        Name to milliseconds.
    """
    samples = take_turns({name: timed(job) for name, job in jobs.items()}, turns)
    return {name: Spread.of(values) for name, values in samples.items()}
