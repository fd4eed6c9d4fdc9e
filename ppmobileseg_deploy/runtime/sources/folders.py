"""Folders: their images and videos, without the results of earlier runs."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...errors import ImageError
from ...files import kind_of
from ..images.files import READABLE_SUFFIXES
from ..results.kinds import IMAGE_KINDS
from .source import VIDEO_SUFFIXES

SUFFIXES: Final = READABLE_SUFFIXES | VIDEO_SUFFIXES
"""Files with these names are taken from a folder."""


@dataclass
class Listing:
    """Images and videos found in folders.

    Attributes:
        files: Images and videos.
        skipped: Files and folders that look like results of an earlier run.
        errors: One for each folder that cannot be listed.
    """

    files: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    errors: list[ImageError] = field(default_factory=list)


def absolute(path: Path) -> str:
    """Return the absolute path without dots, for comparison; links are kept."""
    return os.path.normpath(path.absolute())


def list_folder(folder: Path, *, recursive: bool = False, output: Path | None = None) -> Listing:
    """List the images and videos of a folder, in natural order (``frame2`` before ``frame10``).

    Hidden files and folders are left out, and so is what an earlier run wrote next to its
    originals: ``NAME_overlay.png`` beside ``NAME.jpg``, the folder ``NAME_labels`` beside
    ``NAME.mp4``.

    Args:
        folder: The folder.
        recursive: Also list the folders below it. Links to folders are followed, each folder is
            listed once.
        output: A folder that is left out where it is met below ``folder``.

    Returns:
        The files, those of a folder before those of the folders in it.
    """
    listing = Listing()
    for _, folders, beside in walk(folder, recursive=recursive, errors=listing.errors):
        files, results = without_results(p for p in beside if p.suffix.lower() in SUFFIXES)
        listing.files += files
        listing.skipped += results
        listing.skipped += leave_out_frames(folders, files)
        for path in list(folders):
            if output is not None and os.path.realpath(path) == os.path.realpath(output):
                folders.remove(path)
    return listing


def walk(
    folder: Path, *, recursive: bool, errors: list[ImageError]
) -> Iterator[tuple[Path, list[Path], list[Path]]]:
    """Go through a folder and those below it.

    Args:
        folder: Where to begin.
        recursive: Whether to go deeper.
        errors: Takes one for each folder that cannot be listed.

    Yields:
        Each folder, and the folders and the files in it that are visible, in natural order. A
        folder that the caller removes from its list is not gone into.
    """
    # Links may form loops: each folder is visited once, by its real path.
    seen = set()
    waiting = [folder]
    while waiting:
        inner = waiting.pop()
        real = os.path.realpath(inner)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = [path for path in inner.iterdir() if visible(path)]
        except OSError as error:
            errors.append(ImageError(f"cannot list folder {inner}: {error.strerror or error}"))
            continue
        kinds = [(path, kind_of(path)) for path in sorted(entries, key=natural_order)]
        below = [path for path, kind in kinds if kind == "folder"]
        yield inner, below, [path for path, kind in kinds if kind == "file"]
        if recursive:
            waiting += reversed(below)


def visible(path: Path) -> bool:
    """Return whether a name does not begin with a dot."""
    return not path.name.startswith(".")


def without_results(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Separate files of one folder from the results of an earlier run among them.

    Args:
        files: Files that lie side by side.

    Returns:
        The originals, and the results, in the same order.
    """
    files = list(files)
    originals = {path.stem for path in files} | {path.name for path in files}
    results = [path for path in files if original_name(path) in originals]
    left_out = set(results)
    return [path for path in files if path not in left_out], results


def leave_out_frames(folders: list[Path], files: Iterable[Path]) -> list[Path]:
    """Take the folders that an earlier run filled with a video's frames out of a list.

    Args:
        folders: Folders that lie side by side; changed in place.
        files: Files that lie beside them.

    Returns:
        The folders that were taken out.
    """
    videos = [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES]
    originals = {path.stem for path in videos} | {path.name for path in videos}
    results = [path for path in folders if original_name(path) in originals]
    for path in results:
        folders.remove(path)
    return results


def original_name(path: Path) -> str | None:
    """Return the name of the source that ``path`` would be a result of, None if it is none."""
    name, _, kind = path.stem.rpartition("_")
    return name if name and kind in IMAGE_KINDS else None


def natural_order(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Return a key that sorts ``frame2`` before ``frame10``."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", path.name.casefold())
    key = [(0, int(piece), "") if piece[0] in "0123456789" else (1, 0, piece) for piece in pieces]
    return key, path.name
