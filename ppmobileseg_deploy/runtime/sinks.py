"""Where results go: into files whose names never collide, and to a window."""

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..files import kind_of
from .images import READABLE_SUFFIXES, WRITABLE_SUFFIXES
from .sources import RESULT_KINDS, ImageFile, absolute

_LOSSLESS_SUFFIX: Final = ".png"
_JPEG_SUFFIXES: Final = frozenset({".jpg", ".jpeg"})
_PROBE_SECONDS: Final = 20


@dataclass(frozen=True)
class PlannedImage:
    """An image and where its results will be.

    Attributes:
        source: The image.
        outputs: Kind of result (``"overlay"``, ``"color"``, ``"labels"``) and its file.
    """

    source: ImageFile
    outputs: dict[str, Path]


def parse_kinds(text: str) -> tuple[str, ...]:
    """Read a list of result kinds such as ``"overlay,labels"``.

    Args:
        text: Names from ``overlay``, ``color`` and ``labels``, separated by commas.

    Returns:
        Each kind once, in the order given.

    Raises:
        UsageError: A name is unknown, or there is none.
    """
    kinds = tuple(dict.fromkeys(kind.strip().lower() for kind in text.split(",")))
    unknown = [kind for kind in kinds if kind not in RESULT_KINDS]
    if unknown:
        raise UsageError(
            f"expected kinds of result from {', '.join(RESULT_KINDS)}, "
            f"found {', '.join(repr(kind) for kind in unknown)}"
        )
    return kinds


def plan_outputs(
    images: Sequence[ImageFile], kinds: Sequence[str], output: Path | None = None
) -> list[PlannedImage]:
    """Decide the file of every result before any work is done.

    Results of ``NAME.jpg`` are ``NAME_overlay.jpg``, ``NAME_color.png`` and ``NAME_labels.png``
    (an overlay stays a JPEG where the image is one). Images of one folder that differ only in
    their suffix keep it: ``NAME.jpg_overlay.jpg``. No two results have the same file, and none
    has the file of an image of the run.

    Args:
        images: The images of the run, from `find_images`.
        kinds: The results to write for each, from `parse_kinds`.
        output: A folder; or an image file, for one kind of result of one image; or None to write
            next to each image.

    Returns:
        One plan for each image, in the same order.

    Raises:
        UsageError: ``output`` is a file where a folder is needed, is the image itself, or has a
            format that cannot hold the result.
    """
    existing = None if output is None else kind_of(output)
    if output is not None and existing != "folder" and output.suffix.lower() in READABLE_SUFFIXES:
        return [_plan_one_file(images, kinds, output)]
    if existing not in (None, "folder"):
        raise UsageError(f"expected a folder or an image file for the results, found {output}")
    folders = [
        image.path.parent if output is None else output / image.relative.parent for image in images
    ]
    stems = [_key(folder / image.path.stem) for folder, image in zip(folders, images, strict=True)]
    count = Counter(stems)
    taken = {_key(image.path) for image in images}
    plans = []
    for image, folder, stem in zip(images, folders, stems, strict=True):
        for name in _names(image.path, with_suffix=count[stem] > 1):
            outputs = {kind: folder / (name + _ending(kind, image.path)) for kind in kinds}
            keys = {_key(path) for path in outputs.values()}
            if not keys & taken:
                break
        taken |= keys
        plans.append(PlannedImage(image, outputs))
    return plans


def _plan_one_file(
    images: Sequence[ImageFile], kinds: Sequence[str], output: Path
) -> PlannedImage:
    suffix = output.suffix.lower()
    if len(images) != 1 or len(kinds) != 1:
        raise UsageError(
            f"{output} is a file and holds one result, found {len(images)} images and "
            f"{len(kinds)} kinds of result ({', '.join(kinds)}): name a folder"
        )
    if kinds[0] == "labels" and suffix != _LOSSLESS_SUFFIX:
        raise UsageError(f"expected {_LOSSLESS_SUFFIX} for labels, which are exact: {output}")
    if suffix not in WRITABLE_SUFFIXES:
        raise UsageError(f"expected {' '.join(sorted(WRITABLE_SUFFIXES))}, found {output}")
    path = images[0].path
    if _key(path) == _key(output) or (kind_of(output) == "file" and output.samefile(path)):
        raise UsageError(f"the result would overwrite its own image {output}: name another file")
    return PlannedImage(images[0], {kinds[0]: output})


def _names(path: Path, with_suffix: bool) -> Iterable[str]:
    if not with_suffix:
        yield path.stem
    yield path.name
    yield from (f"{path.name}-{number}" for number in itertools.count(2))


def _ending(kind: str, image: Path) -> str:
    keeps_jpeg = kind == "overlay" and image.suffix.lower() in _JPEG_SUFFIXES
    return f"_{kind}" + (".jpg" if keeps_jpeg else _LOSSLESS_SUFFIX)


def _key(path: Path) -> str:
    # Case is ignored because some file systems do.
    return absolute(path).casefold()


class Window:
    """A window on the screen that shows one image after another.

    Any key goes on to the next image. Escape, ``q`` or closing the window ends the showing: what
    comes later is not shown any more.
    """

    def __init__(self, title: str) -> None:
        """Make sure that there is a screen.

        Args:
            title: What the window's frame says.

        Raises:
            UsageError: There is none, or OpenCV was built without windows.
        """
        # OpenCV's window toolkit ends the whole process where it finds no display, so another
        # one tries first.
        attempt = "import cv2; cv2.namedWindow('ppms'); cv2.destroyAllWindows()"
        try:
            tried = subprocess.run(
                [sys.executable, "-c", attempt], capture_output=True, timeout=_PROBE_SECONDS
            )
            usable = tried.returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            usable = False
        if not usable:
            raise UsageError("--show needs a display and an OpenCV with windows, found none")
        self._title = title
        self._open = True

    def show(self, image_bgr: NDArray[np.uint8]) -> None:
        """Show an image, (height, width, 3) uint8 BGR, and wait for a key."""
        if not self._open:
            return
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.imshow(self._title, image_bgr)
        while True:
            key = cv2.waitKey(50)
            closed = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
            if closed or key in (27, ord("q")):
                self._open = False
                cv2.destroyAllWindows()
                return
            if key != -1:
                return
