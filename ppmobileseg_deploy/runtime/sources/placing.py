"""Where the results of each source go below an output folder: names that never collide."""

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path


def same_name_key(name: str) -> str:
    """Return a key that is equal for names which some file system takes for the same.

    macOS and Windows ignore case, macOS also how accents are composed.

    Args:
        name: A name, or a whole path.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def relative_paths(absolute: Sequence[str], levels: Sequence[int], extra: int = 0) -> list[Path]:
    """Return the ends of paths, as many folders deep as it takes to tell them apart.

    All get the same number of additional folders, so that one pair of equal names does not
    scatter a folder. Paths that differ only in case are not told apart: no folder above them
    would, and their results get names of their own (`sinks.plan_outputs`).

    Args:
        absolute: Absolute paths of files, each once.
        levels: How many parts of each path are wanted at least: 1 for its name alone, one more
            for each folder of a tree whose structure is kept.
        extra: Additional folders to begin with.

    Returns:
        The relative paths, in the same order.
    """
    whole = [same_name_key(path) for path in absolute]
    parts = [Path(path).parts[1:] for path in absolute]
    deepest = max(map(len, parts), default=0)
    while True:
        ends = [Path(*p[-(n + extra) :]) for p, n in zip(parts, levels, strict=True)]
        keys = [_key(end) for end in ends]
        if extra >= deepest or len({*keys}) == len({*zip(keys, whole, strict=True)}):
            return ends
        extra += 1


class Names:
    """File names, each given once.

    Args:
        taken: Paths whose names are not free.
    """

    def __init__(self, taken: Iterable[Path]) -> None:
        self._taken = {_key(path) for path in taken}
        self._next: dict[str, int] = {}

    def free(self, name: str) -> Path:
        """Take ``name``, or if it is taken already one with a number in it: ``name-2.jpg``."""
        path = Path(name)
        while _key(path) in self._taken:
            number = self._next.get(name, 2)
            self._next[name] = number + 1
            path = Path(f"{Path(name).stem}-{number}{Path(name).suffix}")
        self._taken.add(_key(path))
        return path


def _key(path: Path) -> str:
    return same_name_key(str(path))
