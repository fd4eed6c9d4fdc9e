"""From a file's name to the values of a configuration and of all that it builds on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final, Protocol

from ...files import kind_of
from ...quoting import shortened
from ...small_files import read_small

MAX_BYTES: Final = 1 << 18
"""Longest configuration. Those of runs have some 20 000 bytes."""

_MAX_FILES: Final = 64
_MAX_DEPTH: Final = 16


class ConfigError(ValueError):
    """A configuration cannot be read; the message follows the name of its file."""


class Config(Protocol):
    """One file, taken apart."""

    @property
    def bases(self) -> Sequence[str]:
        """Paths of the files that it builds on, as it names them."""

    def merged(self, bases: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """Return its values on top of theirs."""


def read_values(
    path: Path, parse: Callable[[str], Config], suffixes: Sequence[str]
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Read a configuration.

    Only regular files with a relative path and one of the suffixes are taken for what a
    configuration builds on, at most 64 of them.

    Args:
        path: The file, or a pipe.
        parse: Takes the content of a file apart.
        suffixes: What names of files of this kind end in.

    Returns:
        The values, and notes on files that it builds on and that are not there.

    Raises:
        ConfigError: A file cannot be read, or builds on itself or on what is no configuration.
    """
    reading = _Reading(parse, suffixes)
    return reading.values(path, ()), tuple(reading.notes)


class _Reading:
    def __init__(self, parse: Callable[[str], Config], suffixes: Sequence[str]) -> None:
        self._parse, self._suffixes = parse, suffixes
        self._files = 0
        self.notes: list[str] = []

    def values(self, path: Path, above: tuple[Path, ...]) -> dict[str, object]:
        try:
            config = self._parse(_text(path))
            bases = [self._base(path, named, above) for named in config.bases]
            return config.merged([base for base in bases if base is not None])
        except ConfigError as error:
            # The outermost one has its name put in front by whoever asked.
            raise ConfigError(
                f"builds on {_shown(path)}, which {error}" if above else str(error)
            ) from None

    def _base(self, path: Path, named: str, above: tuple[Path, ...]) -> dict[str, object] | None:
        shown = shortened(named)
        if "::" in named:
            self._note(path, named, "part of a package")
            return None
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(named).anchor:
                raise ConfigError(f"builds on {shown}: expected a path that counts from its own")
        if not named.endswith(tuple(self._suffixes)):
            raise ConfigError(f"builds on {shown}: expected a file {' or '.join(self._suffixes)}")
        target = path.parent / named
        if kind_of(target) != "file":
            self._note(path, named, "not there")
            return None
        ancestors = (*above, path)
        if any(target.samefile(each) for each in ancestors):
            raise ConfigError(f"builds on {shown}, which builds on it")
        self._files += 1
        if len(ancestors) > _MAX_DEPTH or self._files > _MAX_FILES:
            raise ConfigError(f"builds on more than {_MAX_FILES} files, or {_MAX_DEPTH} in a row")
        return self.values(target, ancestors)

    def _note(self, path: Path, named: str, what: str) -> None:
        self.notes.append(
            f"{path.name} builds on {shortened(named)}, which is {what}: what it says is not taken"
        )


def _text(path: Path) -> str:
    try:
        content = read_small(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"has more than {MAX_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("is no text in UTF-8") from None


def _shown(path: Path) -> str:
    return shortened(path.name)
