"""Where the results of each source go below an output folder: names that never collide."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path


def relative_paths(absolute: Sequence[str], levels: Sequence[int], extra: int = 0) -> list[Path]:
    """Return the ends of paths, as many folders deep as it takes to tell them apart.

    All get the same number of additional folders, so that one pair of equal names does not
    scatter a folder.

    Args:
        absolute: Absolute paths of files, each once.
        levels: How many parts of each path are wanted at least: 1 for its name alone, one more
            for each folder of a tree whose structure is kept.
        extra: Additional folders to begin with.

    Returns:
        The relative paths, in the same order.
    """
    parts = [Path(path).parts[1:] for path in absolute]
    deepest = max(map(len, parts), default=0)
    while True:
        ends = [Path(*p[-(n + extra) :]) for p, n in zip(parts, levels, strict=True)]
        if extra >= deepest or len({_key(end) for end in ends}) == len(ends):
            return ends
        extra += 1


def free_name(name: str, taken: Iterable[Path]) -> Path:
    """Return ``name``, or with a number in it if it is one of ``taken``: ``name-2.jpg``."""
    keys = {_key(path) for path in taken}
    stem, suffix = Path(name).stem, Path(name).suffix
    numbered = (Path(f"{stem}-{number}{suffix}") for number in itertools.count(2))
    return next(path for path in itertools.chain([Path(name)], numbered) if _key(path) not in keys)


def _key(path: Path) -> str:
    # Case is ignored because some file systems do.
    return str(path).casefold()
