"""How much memory there is for this process."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/")
# Of control groups of version 2 and of version 1, as a container sees its own.
_LIMITS: Final = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_bytes(root: Path = _ROOT) -> int | None:
    """Tell how much memory the machine has, or the container may take.

    Args:
        root: Where ``sys`` is.

    Returns:
        Bytes; None where that cannot be told.
    """
    known = [limit for name in _LIMITS if (limit := _number(root / name)) is not None]
    with suppress(AttributeError, ValueError, OSError):  # Windows; others lack one of the two
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min((each for each in known if each > 0), default=None)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())  # "max" means that there is no limit
    except (OSError, ValueError):
        return None
