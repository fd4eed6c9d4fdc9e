"""Patterns: names with wildcards, and numbered sequences."""

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...errors import ImageError
from ...files import kind_of
from .folders import (
    SUFFIXES,
    Listing,
    leave_out_frames,
    natural_order,
    visible,
    walk,
    without_results,
)

_WILDCARD: Final = re.compile(r"[*?[]")
_BRACKETS: Final = re.compile(r"\[[^]]+\]")
_NUMBER: Final = re.compile(r"%(?:0([1-9][0-9]?))?d")


def is_pattern(location: str) -> bool:
    """Return whether a name has wildcards: ``*``, ``?``, ``[...]``, ``**`` for any folders."""
    return _WILDCARD.search(location) is not None


def is_sequence(location: str) -> bool:
    """Return whether a name stands for numbered files: ``frames/%05d.png``, ``%d.jpg``."""
    name = Path(location).name
    return len(_NUMBER.findall(name)) == 1 and not is_pattern(name)


def fixed_folder(pattern: str) -> Path:
    """Return the folders of a pattern before its first wildcard; what exists has none."""
    fixed = Path()
    for part in Path(pattern).parts[:-1]:
        if is_pattern(part) and not _exists(fixed / part):
            break
        fixed /= part
    return fixed


def bracketed_part(pattern: str) -> str | None:
    """Return the first part of a pattern with ``[...]`` in it that no file or folder is called.

    Brackets are common in names, and who writes them may mean no pattern.
    """
    whole = Path(pattern)
    for path in (*reversed(whole.parents), whole):
        if _BRACKETS.search(path.name) and not _exists(path):
            return path.name
    return None


def match_pattern(pattern: str) -> Listing:
    """Find the images and videos that a pattern with wildcards describes.

    As in a folder, other files, hidden ones and results of earlier runs are left out: a part of
    the pattern that begins with a dot finds hidden ones, and one that names results finds these.
    A part that exists as it is written, such as the folder ``trip [2024]``, stands for itself.

    Args:
        pattern: For example ``photos/**/*.jpg``.

    Returns:
        The files, in natural order, those of one folder together.
    """
    listing = Listing()
    base = fixed_folder(pattern)
    parts = Path(pattern).parts[len(base.parts) :]
    found = dict.fromkeys(_expand(base, parts, listing))
    files = [path for path in found if path.suffix.lower() in SUFFIXES and kind_of(path) == "file"]
    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    for side_by_side in by_folder.values():
        originals, results = without_results(sorted(side_by_side, key=natural_order))
        listing.files += originals
        listing.skipped += results
    return listing


def match_sequence(pattern: str) -> list[Path]:
    """Find the files of a numbered sequence, by number. Gaps end nothing.

    Args:
        pattern: A path whose last part holds one ``%d`` or ``%0Nd``, as ffmpeg has it.

    Returns:
        The files; none where there is no such folder.

    Raises:
        ImageError: The folder cannot be listed.
    """
    folder, name = Path(pattern).parent, Path(pattern).name
    before, digits, after = _NUMBER.split(name)
    number = "0|[1-9][0-9]*" if digits is None else f"[0-9]{{{digits}}}|[1-9][0-9]{{{digits},}}"
    wanted = re.compile(f"{re.escape(before)}({number}){re.escape(after)}")
    if kind_of(folder) != "folder":
        return []
    try:
        matches = [(wanted.fullmatch(path.name), path) for path in folder.iterdir()]
    except OSError as error:
        raise ImageError(f"cannot list folder {folder}: {error.strerror or error}") from None
    return [path for _, path in sorted((int(match[1]), path) for match, path in matches if match)]


def _expand(folder: Path, parts: tuple[str, ...], listing: Listing) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        while rest[:1] == ("**",):  # matches the same, in exponential time
            rest = rest[1:]
        for inner, folders, files in walk(folder, recursive=True, errors=listing.errors):
            listing.skipped += leave_out_frames(folders, files)
            yield from _expand(inner, rest or ("*",), listing)
    elif not is_pattern(part) or _exists(folder / part):
        yield from _expand(folder / part, rest, listing)
    elif kind_of(folder) == "folder":
        try:
            names = sorted(folder.iterdir(), key=natural_order)
        except OSError as error:
            listing.errors.append(
                ImageError(f"cannot list folder {folder}: {error.strerror or error}")
            )
            return
        for path in names:
            if fnmatch.fnmatch(path.name, part) and (visible(path) or part.startswith(".")):
                yield from _expand(path, rest, listing)


def _exists(path: Path) -> bool:
    return kind_of(path) is not None
