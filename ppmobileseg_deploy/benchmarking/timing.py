"""Measuring several jobs side by side, so that a drifting machine treats them alike."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Final, TypeAlias, TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)
T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int], object]
"""Takes how much is done, and how much there is to do."""

SHORT_RUNS: Final = 10
"""Most runs in one turn of a short job."""

_TURN_SECONDS: Final = 0.02


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


def take_turns(
    jobs: Mapping[Name, Callable[[], T]],
    turns: int,
    *,
    most_runs: int = SHORT_RUNS,
    on_progress: Progress | None = None,
) -> dict[Name, list[T]]:
    """Run jobs in turn and collect what each run returns.

    A turn of a short job is several runs, until 20 ms have passed or ``most_runs`` are done: one
    run behind a job that sweeps the caches would measure the sweep. One run of every job before
    the first turn is thrown away.

    Args:
        jobs: Name to what is run; returns its own sample, see `timed`.
        turns: How often each job has its turn, at least 1.
        most_runs: Most runs in one turn, at least 1, which makes every turn a single run.
        on_progress: Called after each turn of a job with how many are done and how many there
            are.

    Returns:
        Name to samples, in the order of the jobs.
    """
    samples: dict[Name, list[T]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    done = 0
    for _ in range(turns):
        for name, job in jobs.items():
            started = perf_counter()
            for _ in range(most_runs):
                samples[name].append(job())
                if perf_counter() - started > _TURN_SECONDS:
                    break
            done += 1
            if on_progress is not None:
                on_progress(done, turns * len(jobs))
    return samples


def timed(job: Callable[[], object]) -> Callable[[], float]:
    """Make a job return how long it took, in milliseconds."""

    def run() -> float:
        started = perf_counter()
        job()
        return (perf_counter() - started) * 1e3

    return run


def latencies_ms(
    jobs: Mapping[Name, Callable[[], object]], turns: int, *, on_progress: Progress | None = None
) -> dict[Name, Spread]:
    """Run jobs in turn and time them.

    Args:
        jobs: Name to what is run.
        turns: How often each job has its turn; short ones run several times then.
        on_progress: As for `take_turns`.

    Returns:
        Name to milliseconds.
    """
    timed_jobs = {name: timed(job) for name, job in jobs.items()}
    samples = take_turns(timed_jobs, turns, on_progress=on_progress)
    return {name: Spread.of(values) for name, values in samples.items()}
