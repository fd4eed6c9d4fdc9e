"""Output plan: the file of every result, decided before any work is done."""

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import UsageError
from ...files import kind_of
from ..images.files import READABLE_SUFFIXES
from ..results.documents import DOCUMENT_KINDS
from ..results.kinds import SUFFIXES_OF_KIND
from ..sources.find import same_name_key

if TYPE_CHECKING:
    from ..sources import Source

FRAME_NAME: Final = "{:06d}.png"
"""File of one frame in the folder of a video's labels."""

_JPEG_SUFFIXES: Final = frozenset({".jpg", ".jpeg"})
_VIDEO_ENDINGS: Final = {
    "overlay": ".mp4",
    "color": ".mp4",
    "legend": ".mp4",
    "labels": "",  # folders
    "indexed": "",
    "cutout": ".mp4",
}
_FILE_SUFFIXES: Final = READABLE_SUFFIXES | {
    *(".avi", ".geojson", ".json", ".jsonl", ".m4v", ".mkv", ".mov", ".mp4", ".txt", ".webm")
}
# File systems allow 255 bytes; what is left is for the mark of an unfinished video.
_LONGEST_NAME: Final = 240


@dataclass(frozen=True)
class PlannedSource:
    """A source and the files of its results.

    Attributes:
        source: The image, video or camera.
        outputs: Kind of result (see `kinds.KINDS`) and its file. For a video or camera the files
            of ``labels`` and ``indexed`` are folders.
    """

    source: "Source"
    outputs: dict[str, Path]


def plan_outputs(
    sources: "Sequence[Source]", kinds: Sequence[str], output: Path | None = None
) -> list[PlannedSource]:
    """Decide the file of every result before any work is done.

    Results of ``NAME.jpg`` are ``NAME_overlay.jpg``, ``NAME_color.png``, ``NAME_labels.png``,
    ``NAME_json.json`` and so on (overlay and legend stay a JPEG where the image is one). Results
    of a video or camera are videos (``NAME_overlay.mp4``), folders of one PNG for each frame
    (``NAME_labels/000012.png``) and JSON Lines (``NAME_json.jsonl``). Sources of one folder that
    differ only in their suffix keep it: ``NAME.jpg_overlay.jpg``. No two results have the same
    file, whether or not the file system tells upper from lower case, and none has the file of a
    source of the run. Names too long for a file system are shortened.

    Args:
        sources: The sources of the run, from `find_sources`.
        kinds: The results to write for each, from `parse_kinds`.
        output: A folder; or a file, for one kind of result of one source; or None to write next
            to each source (into the current folder, where the source is no file).

    Returns:
        One plan for each source, in the same order.

    Raises:
        UsageError: ``output`` is a file where a folder is needed, is the source itself, or has a
            format that cannot hold the result.
    """
    existing = None if output is None else kind_of(output)
    if output is not None and existing != "folder" and output.suffix.lower() in _FILE_SUFFIXES:
        return [_plan_one_file(sources, kinds, output)]
    if existing not in (None, "folder"):
        raise UsageError(f"expected a folder or an image file for the results, found {output}")
    keys = _Keys()
    folders = [_folder(source, output) for source in sources]
    stems = [
        keys.of(folder / source.relative.stem)
        for folder, source in zip(folders, sources, strict=True)
    ]
    count = Counter(stems)
    taken = {keys.of(source.path) for source in sources if source.path is not None}
    # A folder of frames replaces what is there: no folder that holds sources or other results.
    holding = {source.path.parent for source in sources if source.path is not None}
    holding.update(folders)
    taken |= {keys.of(each) for folder in holding for each in (folder, *folder.parents)}
    plans = []
    for source, folder, stem in zip(sources, folders, stems, strict=True):
        for name in _names(source.relative, with_suffix=count[stem] > 1):
            outputs = {kind: folder / _file_name(name, _ending(kind, source)) for kind in kinds}
            wanted = {keys.of(path) for path in outputs.values()}
            if not wanted & taken:
                break
        taken |= wanted
        plans.append(PlannedSource(source, outputs))
    return plans


def is_folder(kind: str, source: "Source") -> bool:
    """Tell whether a result is a folder of files."""
    return source.is_video and not _video_ending(kind)


def _folder(source: "Source", output: Path | None) -> Path:
    if output is not None:
        return output / source.relative.parent
    return Path() if source.path is None else source.path.parent


def _plan_one_file(
    sources: "Sequence[Source]", kinds: Sequence[str], output: Path
) -> PlannedSource:
    if len(sources) != 1 or len(kinds) != 1:
        raise UsageError(
            f"{output} is a file and holds one result, found {len(sources)} images and "
            f"{len(kinds)} kinds of result ({', '.join(kinds)}): name a folder"
        )
    source, kind, suffix = sources[0], kinds[0], output.suffix.lower()
    if source.is_video:
        ending = _video_ending(kind)
        if not ending:
            raise UsageError(f"expected a folder for the {kind} of a video, found {output}")
        if suffix != ending:
            raise UsageError(f"expected {ending} for the {kind} of a video, found {output}")
    elif suffix not in SUFFIXES_OF_KIND[kind]:
        expected = " ".join(sorted(SUFFIXES_OF_KIND[kind]))
        exact = ", which are exact" if kind in ("labels", "indexed") else ""
        raise UsageError(f"expected {expected} for {kind}{exact}, found {output}")
    path = source.path
    if path is not None:
        keys = _Keys()
        linked = kind_of(output) == "file" and kind_of(path) == "file" and output.samefile(path)
        if linked or keys.of(path) == keys.of(output):
            raise UsageError(f"the result would overwrite its own image {output}: name another")
    return PlannedSource(source, {kind: output})


def _names(place: Path, *, with_suffix: bool) -> Iterator[str]:
    if not with_suffix:
        yield place.stem
    yield place.name
    yield from (f"{place.name}-{number}" for number in itertools.count(2))


def _ending(kind: str, source: "Source") -> str:
    if source.is_video:
        return f"_{kind}{_video_ending(kind)}"
    if kind in DOCUMENT_KINDS:
        return f"_{kind}.geojson" if kind == "geojson" else f"_{kind}.json"
    keeps_jpeg = kind in ("overlay", "legend")
    is_jpeg = source.relative.suffix.lower() in _JPEG_SUFFIXES
    return f"_{kind}" + (".jpg" if keeps_jpeg and is_jpeg else ".png")


def _video_ending(kind: str) -> str:
    return ".jsonl" if kind in DOCUMENT_KINDS else _VIDEO_ENDINGS[kind]


def _file_name(name: str, ending: str) -> str:
    room = _LONGEST_NAME - len(ending)
    encoded = os.fsencode(name)
    if len(encoded) <= room:
        return name + ending
    # The digest keeps names apart that begin alike.
    mark = "~" + hashlib.sha256(encoded).hexdigest()[:8]
    start = encoded[: room - len(mark)].decode(errors="ignore")
    return start + mark + ending


class _Keys:
    """Keys of paths, equal where some file system would see the same file."""

    def __init__(self) -> None:
        self._folders: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        """Return the key of a path; a link that is the path's last part is kept."""
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return same_name_key(os.path.normpath(os.path.join(self._folders[folder], path.name)))  # noqa: PTH118
