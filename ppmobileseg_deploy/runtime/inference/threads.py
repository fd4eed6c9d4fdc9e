"""Number of threads for this process, by OMP_NUM_THREADS, CPU affinity and container limits.

ONNX Runtime's default is the number of the machine's cores. In a container that is limited to one
processor of 64 that would be 64 threads, which compete for it.
"""

import operator
import os
import re
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Final

from ...errors import UsageError
from ...quoting import brief

MAX_THREADS: Final = 1024
"""More threads than any machine has use for; ONNX Runtime would start them all."""

_ROOT: Final = Path("/")
_V2_MOUNTS: Final = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
_V1_MOUNTS: Final = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu")


def allowed_threads() -> int | None:
    """Return how many threads this process should use.

    That is the least of ``OMP_NUM_THREADS``, the cores that it may run on (CPU affinity, which
    ``taskset`` and Docker's ``--cpuset-cpus`` set) and the processor time that its container may
    take (Docker's ``--cpus``, limits of Kubernetes; part of a processor counts as one).

    Returns:
        At least 1; None where nothing is restricted. ONNX Runtime then takes all cores, and binds
        a thread to each, which it does not do with a number of threads.
    """
    limits = [openmp_threads(os.environ.get("OMP_NUM_THREADS", "")), _cores(), cgroup_limit()]
    given = [limit for limit in limits if limit is not None]
    return min(given) if given else None


def usable_cores() -> int:
    """Return how many threads this process should use where all of them are to be busy.

    Returns:
        `allowed_threads`, or else the machine's cores; hyper-threads of a core count once where
        that can be told (Linux).
    """
    if (allowed := allowed_threads()) is not None:
        return allowed
    processors = os.cpu_count() or 1
    if not hasattr(os, "sched_getaffinity"):  # macOS and Windows
        return processors
    return len({_siblings(processor) for processor in os.sched_getaffinity(0)})


def openmp_threads(text: str) -> int | None:
    """Read ``OMP_NUM_THREADS``.

    Args:
        text: A number, or several with commas, of which the first is for the outermost level.

    Returns:
        None where the text is empty or makes no sense, as OpenMP ignores it then.
    """
    first = text.split(",")[0].strip()
    # Not int() alone: it takes underscores, and digits of other scripts.
    if not re.fullmatch(r"\+?[0-9]{1,9}", first) or int(first) == 0:
        return None
    return min(int(first), MAX_THREADS)


def checked_count(number: object, what: str) -> int:
    """Make sure that a number of threads or workers makes sense, and return it.

    Args:
        number: Of any type.
        what: What it is the number of, for the message.

    Raises:
        UsageError: It is no whole number from 1 to `MAX_THREADS`.
    """
    try:
        count = operator.index(number)  # type: ignore[arg-type]  # NumPy's integers, too
    except TypeError:
        count = 0
    if not 1 <= count <= MAX_THREADS:
        raise UsageError(f"expected 1 to {MAX_THREADS} {what}, found {brief(number)}")
    return count


def cgroup_limit(root: Path = _ROOT) -> int | None:
    """Return how many processors the control groups of Linux leave this process.

    Args:
        root: Where ``proc`` and ``sys`` are.

    Returns:
        Rounded up; None where there is no limit, or not Linux.
    """
    shares = [share for folder in _cgroup_folders(root) if (share := _share(folder)) is not None]
    return max(1, ceil(min(shares))) if shares else None


def _cores() -> int | None:
    """Count the cores that the process is restricted to; None where it may use all."""
    if not hasattr(os, "sched_getaffinity"):  # macOS and Windows
        return None
    allowed = os.sched_getaffinity(0)
    if len(allowed) >= (os.cpu_count() or 1):
        return None
    # Hyper-threads of a core count once, as in ONNX Runtime.
    return len({_siblings(processor) for processor in allowed})


def _siblings(processor: int) -> str:
    topology = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    return _text(topology) or str(processor)


def _cgroup_folders(root: Path) -> Iterator[Path]:
    # A line is "0::/path" (version 2) or "3:cpu,cpuacct:/path" (version 1). A limit binds all
    # groups below, hence the parents. In a container the path may be the host's, of which only
    # the last part, the mount itself, is there: what is missing holds no limit.
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number != "0" and "cpu" not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for mount in _V2_MOUNTS if number == "0" else _V1_MOUNTS:
            yield from (root.joinpath(mount, *parts[:i]) for i in range(len(parts) + 1))


def _share(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    if not quota:
        quota = _text(folder / "cpu.cfs_quota_us")
        period = _text(folder / "cpu.cfs_period_us")
    try:
        share = int(quota) / int(period)  # "max" and -1 mean that there is no limit
    except (ValueError, ZeroDivisionError):
        return None
    return share if share > 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
