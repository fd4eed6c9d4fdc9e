"""Ten thousand requests at four times what a server can do, slow clients, and its end under load.

    python tests/endurance/serve_load.py --count 10000

Every answer is either right, byte for byte, or 503. Exit code 1 if a promise is broken.
"""

import argparse
import asyncio
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from demo_files import write_photographs
from http_client import Answer, Server, ask, request

MODEL = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"
SIZES_WH = [(640, 480), (480, 640), (1280, 720), (500, 333)]
QUEUE = 16
OVERLOAD = 4
SLOW_CLIENTS = 64
LEAST_SHARE = 0.85
_TO_TEN_SECONDS = len("2026-01-01T00:00:0")
_WAITING = ("receive", "queue")
_INFER = (sys.executable, "-m", "ppmobileseg_deploy", "infer", "-m", str(MODEL))
_INFER += ("--save", "labels", "--threads", "1")


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="requests of the overload")
    parser.add_argument("--settled", type=int, default=500, help="requests that may take memory")
    parser.add_argument("--limit", type=float, default=0.05, help="growth allowed after these")
    parser.add_argument("--throughput", type=int, default=400, help="images to time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(options, Path(folder)))


async def _run(options: argparse.Namespace, folder: Path) -> int:
    broken: list[str] = []

    def check(holds: bool, promise: str) -> None:
        print(f"{'  ' if holds else '! '}{promise}", flush=True)
        if not holds:
            broken.append(promise)

    photographs = write_photographs(folder / "in", 2 * len(SIZES_WH), SIZES_WH)
    cases = _cases(photographs)
    workers = len(os.sched_getaffinity(0))
    server = Server(MODEL, folder, "--workers", str(workers), "--threads", "1")
    try:
        alone = [(await ask(server.port, cases[i % len(cases)][0])).seconds for i in range(40)]
        one_s = statistics.median(alone)
        print(f"{workers} workers, {one_s * 1e3:.1f} ms for one image alone")
        rate, answers = await _closed_loop(server, cases, options.throughput, workers + 2)
        check(_all_right(answers, cases), f"{options.throughput} answers are right")
        command = _rate_of_infer(photographs, folder, options.throughput, workers)
        share = rate / command
        check(
            share >= LEAST_SHARE,
            f"{rate:.1f} images/s, {share:.0%} of the {command:.1f} images/s of ppms infer",
        )
        await _overload(server, cases, options, rate, QUEUE + workers, check)
        await _slow_clients(server, cases, check)
        await _end_under_load(server, cases, check)
        check(not server.has_traceback(), "no traceback in the log")
    finally:
        server.end()
    return 1 if broken else 0


def _cases(photographs: Sequence[Path]) -> list[tuple[bytes, bytes]]:
    """Requests, and what each is answered."""
    from ppmobileseg_deploy import OrtSegmenter

    segmenter = OrtSegmenter(MODEL, threads=1)
    segmenter.expect(())
    return [
        (request(path.read_bytes()), segmenter(path).encode("png", kind="labels"))
        for path in photographs
    ]


async def _closed_loop(
    server: Server, cases: Sequence[tuple[bytes, bytes]], count: int, clients: int
) -> tuple[float, list[Answer]]:
    """Each client sends the next image when it has its answer; images a second."""
    numbers = iter(range(count))
    answers: dict[int, Answer] = {}

    async def client() -> None:
        for number in numbers:
            answers[number] = await ask(server.port, cases[number % len(cases)][0])

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return count / (time.perf_counter() - start), [answers[number] for number in range(count)]


def _rate_of_infer(photographs: Sequence[Path], folder: Path, count: int, workers: int) -> float:
    """Images a second of the command, its start left out by a second run of fewer images."""

    def seconds(images: int) -> float:
        source = folder / f"infer_{images}"
        source.mkdir()
        for number in range(images):
            path = photographs[number % len(photographs)]
            shutil.copy(path, source / f"{number}{path.suffix}")
        start = time.perf_counter()
        subprocess.run(
            [*_INFER, str(source), "-o", str(folder / f"out_{images}"), "--workers", str(workers)],
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - start

    few = count // 10
    return (count - few) / (seconds(count) - seconds(few))


def _all_right(answers: Sequence[Answer], cases: Sequence[tuple[bytes, bytes]]) -> bool:
    return all(
        answer.status == 200 and answer.body == cases[number % len(cases)][1]
        for number, answer in enumerate(answers)
    )


async def _overload(server, cases, options, rate: float, places: int, check) -> None:
    """Requests come at a fixed pace, whatever becomes of those before."""
    pace_s = 1 / (OVERLOAD * rate)
    settled_mb = highest_mb = 0.0
    kinds: Counter[str] = Counter()
    taken_s: list[float] = []

    async def one(number: int) -> None:
        content, expected = cases[number % len(cases)]
        answer = await ask(server.port, content)
        if answer.status == 200:
            kinds["right" if answer.body == expected else "wrong"] += 1
            taken_s.append(answer.seconds)
        else:
            kinds[str(answer.status)] += 1

    start = time.perf_counter()
    waiting = set()
    for number in range(options.count):
        task = asyncio.ensure_future(one(number))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
        await asyncio.sleep(max(0.0, start + number * pace_s - time.perf_counter()))
        if number == options.settled:
            settled_mb = server.memory_mb()
        if number % 50 == 0:
            highest_mb = max(highest_mb, server.memory_mb())
    await asyncio.gather(*waiting)
    seconds = time.perf_counter() - start
    highest_mb = max(highest_mb, server.memory_mb())
    print(f"{options.count} requests in {seconds:.0f} s: {dict(kinds)}")
    print(f"  {kinds['right'] / seconds:.1f} images/s were answered meanwhile")
    check(set(kinds) <= {"right", "503"}, "every answer is right, or 503")
    growth = highest_mb / settled_mb - 1
    check(
        growth < options.limit,
        f"memory {growth:+.1%} after the first {options.settled}: {settled_mb:.0f} MiB, "
        f"{highest_mb:.0f} at the most",
    )
    quantiles = statistics.quantiles(taken_s, n=100)
    print(
        f"  of the accepted, half took {quantiles[49]:.2f} s, 99 % at most {quantiles[98]:.2f} s"
    )
    share = statistics.quantiles(_shares(server.requests()), n=100)[98]
    check(
        share < places,
        f"99 % took at most {share:.1f} times what a worker takes for one at that time, below "
        f"{places}",
    )


def _shares(requests: Sequence[dict]) -> list[float]:
    """How many times longer each took than workers took for one in the same ten seconds.

    Other programs on the machine make it faster and slower from minute to minute.
    """
    windows: dict[str, list[tuple[float, float]]] = {}
    for each in requests:
        if each["status"] == 200:
            stages = each["stages_ms"].items()
            work_ms = sum(ms for stage, ms in stages if stage not in _WAITING)
            windows.setdefault(each["time"][:_TO_TEN_SECONDS], []).append((each["ms"], work_ms))
    return [
        ms / statistics.mean(work_ms for _, work_ms in window)
        for window in windows.values()
        for ms, _ in window
    ]


async def _slow_clients(server, cases, check) -> None:
    """Clients that send a byte a second, and one that is in a hurry."""
    content, expected = cases[0]
    ends = asyncio.Event()

    async def slow() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for position in range(len(content)):
            writer.write(content[position : position + 1] if position else content[:200])
            try:
                await asyncio.wait_for(ends.wait(), 1)
            except asyncio.TimeoutError:
                continue
            break
        writer.close()

    slow_ones = [asyncio.ensure_future(slow()) for _ in range(SLOW_CLIENTS)]
    await asyncio.sleep(2)
    answer = await ask(server.port, content)
    ends.set()
    await asyncio.gather(*slow_ones)
    check(
        answer.status == 200 and answer.body == expected,
        f"{SLOW_CLIENTS} slow clients do not stop another: {answer.seconds * 1e3:.0f} ms",
    )


async def _end_under_load(server, cases, check) -> None:
    """SIGTERM while requests come; who was let in is answered."""
    before = Counter(each["status"] for each in server.requests())
    answers: list[tuple[Answer, bytes]] = []

    async def one(number: int) -> None:
        content, expected = cases[number % len(cases)]
        answers.append((await ask(server.port, content), expected))

    tasks = []
    told = 0.0
    for number in range(200):
        tasks.append(asyncio.ensure_future(one(number)))
        await asyncio.sleep(0.01)
        if number == 100:
            server.process.send_signal(signal.SIGTERM)
            told = time.perf_counter()
    await asyncio.gather(*tasks)
    code = await asyncio.to_thread(server.process.wait, 60)
    took_s = time.perf_counter() - told
    statuses = Counter(answer.status for answer, _ in answers)
    let_in = sum(each["status"] == 200 for each in server.requests()) - before[200]
    right = sum(answer.status == 200 and answer.body == wanted for answer, wanted in answers)
    check(
        code == 0 and right == let_in and set(statuses) <= {0, 200, 503},
        f"SIGTERM under load: exit {code} after {took_s:.1f} s, {right} of {let_in} that were let "
        f"in are answered, {statuses[503]} refused, {statuses[0]} found nobody any more",
    )


if __name__ == "__main__":
    sys.exit(main())
