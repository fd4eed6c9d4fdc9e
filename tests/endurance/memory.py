"""Memory of a process, as Linux counts it."""

from pathlib import Path

_MEGABYTE = 1024


def resident_mb() -> float:
    """Memory that this process holds now, in MiB."""
    return _status("VmRSS")


def highest_mb() -> float:
    """The most that this process has held since `forget_highest`, in MiB."""
    return _status("VmHWM")


def forget_highest() -> None:
    """Begin anew what `highest_mb` gives."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / _MEGABYTE
    raise LookupError(name)
