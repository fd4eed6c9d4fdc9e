"""Engine of a cluster: each file of results is a task of Ray."""

import os
import socket
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

from rich.text import Text

from ..errors import UsageError
from ..quoting import brief, printable
from .plan import Plan
from .work import FileDone, Worker

AT_A_TIME: Final = 1000
"""Tasks that Ray has where nobody said how many: it runs those that the cluster has room for."""

RETRIES: Final = 10
"""How often a task is begun again whose process or machine is lost."""

ANSWER_S: Final = 5.0
"""How long a cluster has to answer, which Ray itself waits for for minutes."""

_PORTS: Final = 1 << 16
_MOST: Final = 200  # characters of a message

_workers: dict[Plan, Worker] = {}  # of a process, which Ray uses for many tasks


def check_address() -> None:
    """Refuse a cluster's address at which nothing answers.

    It is that of ``$RAY_ADDRESS`` or, without it, the one that the last Ray of this machine noted,
    which a Ray that was killed leaves behind.

    Raises:
        UsageError: Nothing answers within `ANSWER_S` seconds, or it is no address.
    """
    where, address = "RAY_ADDRESS", os.environ.get("RAY_ADDRESS", "")
    if address == "local":
        return
    if address in ("", "auto"):
        noted = Path(os.environ.get("RAY_TMPDIR") or gettempdir(), "ray", "ray_current_cluster")
        where = str(noted)
        try:
            address = noted.read_text().strip()
        except (OSError, UnicodeError):
            return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < _PORTS):
        raise UsageError(
            f"expected the address of a cluster of Ray in {printable(where)}, such as "
            f"10.0.0.1:6379, found {brief(address)}"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"no cluster of Ray answers at {brief(address)}, the address in {printable(where)}: "
            f"{getattr(error, 'strerror', None) or error}; RAY_ADDRESS=local starts one here"
        ) from error


def make_files(
    plan: Plan, numbers: Sequence[int], model: bytes, workers: int, threads: int
) -> Iterator[FileDone]:
    """Make files of results as tasks of Ray, so many at a time.

    Tasks of a lost process or machine are run again elsewhere. The cluster is that of
    ``$RAY_ADDRESS``, or one that runs on this machine, or one that is started here.

    Args:
        plan: The batch; its folder and its sources are seen by all machines.
        numbers: The files to make.
        model: Content of the ONNX file.
        workers: How many tasks at a time.
        threads: CPU threads of each, which are reserved.

    Yields:
        What became of each file, in the order in which they are done.

    Raises:
        UsageError: There is no cluster, or no machine in it with so many threads.
    """
    check_address()
    # Before the import: nothing is reported to anybody.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray: Any = import_module("ray")

    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"cannot reach a cluster of Ray: {error}") from error
    try:
        most = max(
            (node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0
        )
        if threads > most:
            raise UsageError(
                f"expected at most {most:g} threads, the CPUs of the cluster's largest machine, "
                f"found {threads}"
            )
        yield from _run(ray, plan, numbers, model, workers, threads)
    finally:
        if ours:
            ray.shutdown()


def _run(
    ray: Any, plan: Plan, numbers: Sequence[int], model: bytes, workers: int, threads: int
) -> Iterator[FileDone]:
    make = ray.remote(num_cpus=threads, max_retries=RETRIES)(_make)
    stored = ray.put(model)
    waiting = list(reversed(numbers))
    running: dict[Any, int] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            number = waiting.pop()
            running[make.remote(plan, number, stored, threads)] = number
        for reference in ray.wait(list(running), num_returns=1)[0]:
            number = running.pop(reference)
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:
                what = plain_line(str(error))
                yield FileDone(number, None, f"Ray lost it {RETRIES + 1} times: {what}")


def plain_line(message: str) -> str:
    """Return a message of Ray, which colours parts of it, as one line without colours."""
    return " ".join(Text.from_ansi(message).plain.split())[:_MOST]


def _make(plan: Plan, number: int, model: bytes, threads: int) -> FileDone:
    if plan not in _workers:
        _workers.clear()
        _workers[plan] = Worker(plan, model, threads)
    return _workers[plan].make(number)
