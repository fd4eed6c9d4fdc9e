"""Search for sources: the images, videos and cameras that a location names."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ...errors import ImageError
from ...files import kind_of
from . import addresses, lists, patterns
from .folders import SUFFIXES, absolute, list_folder
from .source import VIDEO_SUFFIXES, Source, SourceError

STDIN: Final = "-"

_JPEG: Final = b"\xff\xd8\xff"
_CAMERA: Final = re.compile(r"(?:/dev/video)?([0-9]{1,3})")


@dataclass(frozen=True)
class FoundSources:
    """Result of `find_sources`.

    Attributes:
        sources: Each once, in the order of the locations.
        errors: One for each location or folder that could not be read or gave nothing.
        skipped: Files and folders that look like results of an earlier run.
    """

    sources: tuple[Source, ...]
    errors: tuple[SourceError, ...]
    skipped: tuple[Path, ...]


def find_sources(
    locations: Iterable[str | Path], *, recursive: bool = False, output: Path | None = None
) -> FoundSources:
    """Find the sources that locations name.

    What exists under a name is meant by it, whatever the name looks like. Otherwise:

    - A file is taken as it is, with any suffix: a video if it is called like one
      (`VIDEO_SUFFIXES`), a list of locations if it ends in ``.txt``, else an image.
    - A folder gives its images and videos, see `folders.list_folder`.
    - A pattern with wildcards gives the images and videos that fit: ``"photos/**/*.jpg"``. Of its
      parts, too, those that exist are meant: ``"trip [2024]/*.jpg"``.
    - ``"frames/%05d.png"`` gives the images of that sequence by number. Each is an image like
      any other, with results of its own.
    - An ``http://`` or ``https://`` address is an image in the web.
    - ``"0"`` is the first camera, ``"1"`` the second.
    - ``"-"`` is standard input: an image, or a list of locations.

    A list has one location a line: any of the above but cameras, ``"-"`` and other lists. Where a
    relative path leads nowhere from the current folder, it is tried from the folder of the list.

    A bad location does not stop the others: it is listed in the result. Nothing but lists and
    standard input is read.

    Args:
        locations: What to look for.
        recursive: Also take what is in the folders below a folder.
        output: The folder of the results: it is left out where it lies below such a folder.

    Returns:
        The sources and what was wrong.
    """
    finder = _Finder(recursive=recursive, output=output)
    for location in locations:
        finder.add(str(location))
    return finder.found()


@dataclass(frozen=True)
class _List:
    """The list that a location stands in: its name for messages, and its folder."""

    name: str
    folder: Path


class _Finder:
    """Collector of sources, in the order in which they were named."""

    def __init__(self, *, recursive: bool, output: Path | None) -> None:
        self._recursive = recursive
        self._output = output
        # Files by their absolute path, with the levels to keep below an output folder; whatever
        # is no file by its location.
        self._files: dict[str, tuple[Path, int]] = {}
        self._others: dict[str, Source] = {}
        self._order: list[str] = []
        self._folders = 0
        self._named: set[str] = set()
        self._errors: list[SourceError] = []
        self._skipped: list[Path] = []

    def add(self, location: str, within: _List | None = None) -> None:
        """Take what one location gives."""
        try:
            self._add(location, within)
        except ImageError as error:
            note = "" if within is None else f" (in {within.name})"
            self._fail(f"{error}{note}", location, error.parameter)

    def found(self) -> FoundSources:
        """Return everything, with a place below an output folder for each."""
        files = self._files.items()
        places = relative_paths(
            [key for key, _ in files],
            [levels for _, (_, levels) in files],
            extra=int(self._folders > 1),
        )
        sources = {
            key: Source(
                str(path),
                place,
                path,
                "video" if _is_video(path) else "image",
                named=key in self._named,
            )
            for (key, (path, _)), place in zip(files, places, strict=True)
        }
        names = Names(places)
        for key, other in self._others.items():
            sources[key] = replace(other, relative=names.free(other.relative.name))
        return FoundSources(
            sources=tuple(sources[key] for key in self._order),
            errors=tuple(self._errors),
            skipped=tuple(each for each in self._skipped if absolute(each) not in self._files),
        )

    def _add(self, location: str, within: _List | None) -> None:
        if location == STDIN and within is None:
            self._add_stdin()
            return
        if not location:  # an unset variable of a shell; as a path it is the current folder
            raise ImageError("expected a path, an address or a camera, found an empty text")
        path = Path(location)
        kind = kind_of(path)
        if kind is None and within is not None and kind_of(within.folder / path) is not None:
            path = within.folder / path
            kind = kind_of(path)
        camera = camera_index(location) if within is None else None
        if kind == "folder":
            self._add_folder(path)
        elif camera is not None:
            self._add_camera(camera)
        elif kind is not None:
            self._add_file(path, in_list=within is not None)
        elif addresses.scheme_of(location) is not None:
            self._add_address(location)
        elif patterns.is_sequence(location):
            self._add_sequence(location, within)
        elif patterns.is_pattern(location):
            self._add_pattern(location, within)
        else:
            raise ImageError(f"no such file or folder: {location}")

    def _add_file(self, path: Path, *, in_list: bool) -> None:
        suffix = path.suffix.lower()
        if suffix == ".onnx":
            raise ImageError(f"expected an image, found the model {path}", parameter="model")
        if suffix != lists.LIST_SUFFIX:
            self._take(path, 1)
            if not in_list:
                self._named.add(absolute(path))
        elif in_list:
            raise ImageError(f"expected an image in the list, found another list: {path}")
        else:
            self._add_list(lists.read_list(path), _List(str(path), path.parent))

    def _add_folder(self, folder: Path) -> None:
        self._folders += 1
        listing = list_folder(folder, recursive=self._recursive, output=self._output)
        for error in listing.errors:
            self._fail(str(error), str(folder))
        self._skipped += listing.skipped
        self._take_all(listing.files, folder)
        if not listing.files and not listing.errors:
            wanted = " ".join(sorted(SUFFIXES))
            raise ImageError(
                f"no images or videos in folder {folder} (looked for {wanted})",
                parameter=None if self._recursive else "recursive",
            )

    def _add_pattern(self, pattern: str, within: _List | None) -> None:
        listing = patterns.match_pattern(pattern)
        if not listing.files and within is not None:
            pattern = str(within.folder / pattern)
            listing = patterns.match_pattern(pattern)
        for error in listing.errors:
            self._fail(str(error), pattern)
        self._skipped += listing.skipped
        self._take_all(listing.files, patterns.fixed_folder(pattern))
        if not listing.files and not listing.errors:
            part = patterns.bracketed_part(pattern)
            note = (
                f" (nothing is called {part}, and [...] stands for one character of those in it)"
            )
            raise ImageError(f"no images or videos match {pattern}{'' if part is None else note}")

    def _add_sequence(self, pattern: str, within: _List | None) -> None:
        files = patterns.match_sequence(pattern)
        if not files and within is not None:
            pattern = str(within.folder / pattern)
            files = patterns.match_sequence(pattern)
        self._take_all(files, Path(pattern).parent)
        if not files:
            raise ImageError(f"no file is numbered like {pattern}")

    def _add_list(self, locations: Iterable[str], within: _List) -> None:
        for location in locations:
            self.add(location, within)

    def _add_stdin(self) -> None:
        if STDIN in self._others:
            return
        content = lists.read_stdin()
        if isinstance(content, list):
            self._add_list(content, _List("standard input", Path()))
            return
        name = Path("stdin.jpg" if content.startswith(_JPEG) else "stdin.png")
        self._other(STDIN, Source("standard input", name, kind="stdin", data=content))

    def _add_address(self, address: str) -> None:
        addresses.check_address(address)
        name = Path(addresses.file_name(address))
        source = Source(addresses.shown(address), name, kind="web", address=address)
        self._other(address, source)

    def _add_camera(self, index: int) -> None:
        name = Path(f"camera{index}.mp4")
        source = Source(f"camera {index}", name, kind="camera", camera=index)
        self._other(f"camera {index}", source)

    def _take_all(self, paths: Iterable[Path], folder: Path) -> None:
        depth = len(Path(absolute(folder)).parts)
        for path in paths:
            self._take(path, len(Path(absolute(path)).parts) - depth)

    def _take(self, path: Path, levels: int) -> None:
        key = absolute(path)
        if key not in self._files:
            self._files[key] = path, max(1, levels)
            self._order.append(key)

    def _fail(self, message: str, location: str, parameter: str | None = None) -> None:
        scheme = addresses.scheme_of(location)
        if scheme is not None:
            try:
                location = addresses.shown(location)
            except ValueError:  # no address after all
                location = f"{scheme}://..."
        self._errors.append(SourceError(message, location, parameter=parameter))

    def _other(self, key: str, source: Source) -> None:
        if key not in self._others:
            self._others[key] = source
            self._order.append(key)


def camera_index(location: str) -> int | None:
    """Return the number of the camera that a location names, such as ``"0"``.

    Args:
        location: As `find_sources` takes it.

    Returns:
        The number, from 0; None where it is no camera, or a file or folder is called so.
    """
    camera = _CAMERA.fullmatch(location)
    if camera is None or kind_of(Path(location)) not in (None, "device"):
        return None
    return int(camera[1])


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def same_name_key(name: str) -> str:
    """Return a key of a name, equal for names that some file system takes for the same.

    macOS and Windows ignore case, macOS also how accents are composed.

    Args:
        name: A name, or a whole path.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def relative_paths(absolute: Sequence[str], levels: Sequence[int], extra: int = 0) -> list[Path]:
    """Return the ends of paths, as many folders deep as it takes to tell them apart.

    All get the same number of additional folders, so that one pair of equal names does not
    scatter a folder. Paths that differ only in case are not told apart: no folder above them
    would, and their results get names of their own (`planning.plan_outputs`).

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
