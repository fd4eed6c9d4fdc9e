"""Which images are meant by the files and folders that a user names."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...errors import ImageError
from ...files import kind_of
from ..images import READABLE_SUFFIXES
from .source import Source

RESULT_KINDS: Final = ("overlay", "color", "labels")
"""What can be written for an image: blended with it, colours alone, class ids."""


@dataclass(frozen=True)
class ImageFile:
    """One image to segment.

    Attributes:
        path: Where it is, as the user would write it.
        relative: The shortest end of its path, at least the file name, by which it differs
            from every other image of the run: its place below an output folder.
    """

    path: Path
    relative: Path


@dataclass(frozen=True)
class FoundImages:
    """What `find_images` found.

    Attributes:
        images: The images, each once, in the order of the sources.
        errors: One for each source that gave nothing.
        skipped: Files in the folders that look like results of an earlier run.
    """

    images: tuple[ImageFile, ...]
    errors: tuple[ImageError, ...]
    skipped: tuple[Path, ...]


@dataclass(frozen=True)
class FoundSources:
    """What `find_sources` found.

    Attributes:
        sources: Each once, in the order of the locations.
        errors: One for each location that gave nothing.
        skipped: Files and folders that look like results of an earlier run.
    """

    sources: tuple[Source, ...]
    errors: tuple[ImageError, ...]
    skipped: tuple[Path, ...]


def find_sources(
    locations: Iterable[str | Path], *, recursive: bool = False, output: Path | None = None
) -> FoundSources:
    """Turn what a user names into a list of sources.

    Args:
        locations: Paths, patterns, addresses, ...
        recursive: Also take what is in the folders below a folder.
        output: The folder of the results: it is not searched where it lies in a folder that is.

    Returns:
        The sources and what was wrong.
    """
    found = find_images(locations)
    return FoundSources(
        tuple(Source(str(i.path), i.relative, i.path) for i in found.images),
        found.errors,
        found.skipped,
    )


def find_images(sources: Iterable[str | Path]) -> FoundImages:
    """Turn files and folders into a list of images.

    A file is taken as it is, with any suffix. A folder gives its image files (by suffix, see
    `images.READABLE_SUFFIXES`) in natural order, without those in folders below it, hidden ones,
    and results that an earlier run wrote next to their originals (`NAME_overlay.png` beside
    `NAME.jpg`). A bad source does not stop the others: it is listed in the result.

    Args:
        sources: Paths of files and folders.

    Returns:
        The images and what was wrong.
    """
    paths: dict[str, Path] = {}
    errors: list[ImageError] = []
    skipped: list[Path] = []
    folders = 0
    for source in map(Path, sources):
        kind = kind_of(source)
        if kind == "folder":
            folders += 1
            try:
                found, results = _list_folder(source)
            except ImageError as error:
                errors.append(error)
                continue
            skipped += results
        elif kind is not None:
            if source.suffix.lower() == ".onnx":
                errors.append(ImageError(f"expected an image, found the model {source}: use -m"))
                continue
            found = [source]
        else:
            errors.append(ImageError(f"no such file or folder: {source}"))
            continue
        for path in found:
            paths.setdefault(absolute(path), path)
    images = zip(paths.values(), _relative_paths(list(paths), parents=folders > 1), strict=True)
    return FoundImages(
        images=tuple(ImageFile(path, relative) for path, relative in images),
        errors=tuple(errors),
        skipped=tuple(path for path in skipped if absolute(path) not in paths),
    )


def absolute(path: Path) -> str:
    """Return the one spelling of a path by which it can be compared; links are kept."""
    return os.path.normpath(path.absolute())


def _list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    try:
        files = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in READABLE_SUFFIXES
            and not path.name.startswith(".")
            and path.is_file()
        ]
    except OSError as error:
        raise ImageError(f"cannot list folder {folder}: {error.strerror or error}") from None
    files.sort(key=_natural_order)
    originals = {path.stem for path in files} | {path.name for path in files}
    results = [path for path in files if _original_name(path) in originals]
    images = [path for path in files if _original_name(path) not in originals]
    if not images:
        suffixes = " ".join(sorted(READABLE_SUFFIXES))
        raise ImageError(f"no images in folder {folder} (looked for {suffixes})")
    return images, results


def _natural_order(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sort frame2 before frame10."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", path.name.casefold())
    key = [(0, int(piece), "") if piece[0] in "0123456789" else (1, 0, piece) for piece in pieces]
    return key, path.name


def _original_name(path: Path) -> str | None:
    """Return the name of the image that ``path`` would be a result of, None if it is none."""
    name, _, kind = path.stem.rpartition("_")
    return name if name and kind in RESULT_KINDS else None


def _relative_paths(absolute: list[str], parents: bool) -> list[Path]:
    """Return the ends of the paths, as many folders deep as it takes to tell them apart.

    All get the same depth, so that one pair of equal names does not scatter a folder.
    """
    parts = [Path(path).parts[1:] for path in absolute]
    depth = 1 + parents
    deepest = max(map(len, parts), default=0)
    while True:
        ends = [Path(*part[-depth:]) for part in parts]
        if depth >= deepest or len({str(end).casefold() for end in ends}) == len(ends):
            return ends
        depth += 1
