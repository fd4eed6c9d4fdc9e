import time

from benchmarks.targets import Target
from benchmarks.timing import Spread, latencies_ms, take_turns


def test_jobs_take_turns_after_a_run_that_does_not_count() -> None:
    calls: list[str] = []

    def job(name: str) -> int:
        calls.append(name)
        time.sleep(0.021)
        return len(calls)

    samples = take_turns({"a": lambda: job("a"), "b": lambda: job("b")}, turns=2)
    assert calls == ["a", "b"] * 3
    assert samples == {"a": [3, 5], "b": [4, 6]}


def test_a_short_job_runs_several_times_a_turn() -> None:
    assert take_turns({"a": lambda: None}, turns=2) == {"a": [None] * 20}


def test_latencies_are_milliseconds() -> None:
    latency = latencies_ms({"sleep": lambda: time.sleep(0.03)}, turns=1)["sleep"]
    assert latency.samples == 1
    assert 30 <= latency.median < 300


def test_spread_of_samples() -> None:
    spread = Spread.of(float(value) for value in range(101))
    assert (spread.p5, spread.median, spread.p95, spread.samples) == (5, 50, 95, 101)


def test_targets_are_held_from_the_right_side() -> None:
    assert Target("speed", 8.0, 8.0, True, "x").met
    assert Target("speed", 7.9, 8.0, True, "x").met is False
    assert Target("memory", 250.1, 250.0, False, "MB").met is False
    assert Target("unknown", None, 1.0, False, "x").met is None
