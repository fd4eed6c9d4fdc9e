import time

from ppmobileseg_deploy.benchmarking.timing import Spread, latencies_ms, take_turns


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


def test_a_turn_can_be_a_single_run() -> None:
    calls: list[str] = []
    jobs = {name: lambda name=name: calls.append(name) for name in "abc"}
    take_turns(jobs, turns=3, most_runs=1)
    assert calls == list("abc") * 4


def test_progress_counts_turns() -> None:
    seen: list[tuple[int, int]] = []
    jobs = {"a": lambda: None, "b": lambda: None}
    take_turns(jobs, turns=2, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_spread_lies_between_samples() -> None:
    spread = Spread.of([10.0, 20.0, 30.0, 40.0])
    assert (spread.p5, spread.median, spread.p95) == (11.5, 25.0, 38.5)
