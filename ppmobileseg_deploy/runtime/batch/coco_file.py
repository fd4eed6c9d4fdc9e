"""One COCO file of many images, written as they come."""

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, final

from ...errors import UsageError
from ...files import AtomicFile, AtomicFolder, write_errors
from ...metadata import RGB
from ..drawing.style import Style
from ..images.files import encode_image
from ..results.annotations.coco import (
    CocoForm,
    annotations_of,
    categories_of,
    check_form,
    image_of,
    info,
    panoptic_of,
)
from ..results.segmentation import Segmentation

_SEPARATOR: Final = b",\n"


@final
class CocoFile:
    """Writer of a COCO file; it appears complete or not at all, and takes little memory.

    A ``with`` block closes it at its end, or leaves nothing if the block fails.

    Args:
        path: The file, which ends in ``.json``.
        names: Name of each class id.
        palette_rgb: Colour of each class id.
        form: ``"rle"``: the run lengths of each class of an image; ``"polygons"``: a polygon of
            each region; ``"panoptic"``: a PNG of each image, in a folder beside the file that is
            called like it, and ``segments_info``.
        style: Its classes and confidence choose what is listed, its tolerance and least area how
            polygons are.

    Raises:
        UsageError: The form is unknown, or the file is called otherwise.
        OutputError: It cannot be written.

    Examples:
        >>> with CocoFile("all.json", segmenter.names, segmenter.metadata.palette_rgb) as coco:
        ...     for result in segmenter.stream("street.jpg"):
        ...         coco.add(result, result.path.name)
        >>> coco.images
        1
    """

    def __init__(
        self,
        path: str | Path,
        names: tuple[str, ...],
        palette_rgb: tuple[RGB, ...],
        form: CocoForm = "rle",
        style: Style | None = None,
    ) -> None:
        check_form(form)
        self.path = check_path(path)
        self._names, self._palette_rgb = names, palette_rgb
        self._form, self._style = form, style or Style()
        self._images = self._annotations = 0
        self._pictures = AtomicFolder(self.path.with_suffix("")) if form == "panoptic" else None
        try:
            self._target = AtomicFile(self.path)
        except BaseException:
            if self._pictures is not None:
                self._pictures.discard()
            raise
        with write_errors(self.path):
            self._file: IO[bytes] = self._target.temporary.open("wb")
            # What stands after the annotations, of which there are many more.
            self._image_records: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
            head = {"info": info(), "categories": categories_of(names, palette_rgb)}
            self._file.write(json.dumps(head).encode()[:-1] + b',\n"annotations": [\n')

    @property
    def images(self) -> int:
        """How many images there are in it so far; 0 if one could not be written."""
        return self._images

    def add(self, segmentation: Segmentation, file_name: str) -> None:
        """Add an image.

        Args:
            segmentation: What segmenting it gave, with the file's classes.
            file_name: The image as users of the file will find it, below a folder of their own.

        Raises:
            UsageError: It has other classes.
            OutputError: The file cannot be written.
        """
        if segmentation.names != self._names:
            raise UsageError(
                f"expected a result with the {len(self._names)} classes of {self.path}, found "
                f"one with {len(segmentation.names)}"
            )
        image_id = self._images + 1
        try:
            self._add(segmentation, file_name, image_id)
        except BaseException:  # a record may be there in part
            self.abort()
            self._images = 0
            raise
        self._images = image_id

    def close(self) -> None:
        """Put the file in place, and the folder of pictures. A second time does nothing.

        Raises:
            OutputError: It cannot be finished; nothing is left then.
        """
        if self._file.closed:
            return
        try:
            with write_errors(self.path):
                self._file.write(b'\n],\n"images": [\n')
                self._image_records.seek(0)
                shutil.copyfileobj(self._image_records, self._file)
                self._file.write(b"\n]}\n")
                self._file.close()
            if self._pictures is not None:
                self._pictures.commit()
            self._target.commit()
        finally:
            self.abort()

    def abort(self) -> None:
        """Leave nothing of what was written. Does nothing after `close`."""
        for file in (self._file, self._image_records):
            with suppress(OSError):
                file.close()
        self._target.discard()
        if self._pictures is not None:
            self._pictures.discard()

    def __enter__(self) -> "CocoFile":
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error_type is None:
            self.close()
        else:
            self.abort()

    def _add(self, segmentation: Segmentation, file_name: str, image_id: int) -> None:
        with write_errors(self.path):
            self._write(self._image_records, image_of(segmentation, image_id, file_name), image_id)
            if self._pictures is not None:
                self._add_picture(self._pictures, segmentation, image_id)
            else:
                for annotation in annotations_of(segmentation, self._style, self._form):
                    self._annotations += 1
                    annotation |= {"id": self._annotations, "image_id": image_id}
                    self._write(self._file, annotation, self._annotations)

    def _add_picture(
        self, folder: AtomicFolder, segmentation: Segmentation, image_id: int
    ) -> None:
        picture_rgb, segments = panoptic_of(segmentation, self._style)
        name = f"{image_id:012d}.png"
        (folder.temporary / name).write_bytes(
            encode_image(picture_rgb[..., ::-1], ".png").tobytes()
        )
        record = {"image_id": image_id, "file_name": name, "segments_info": segments}
        self._write(self._file, record, image_id)

    def _write(self, file: IO[bytes], record: dict[str, Any], number: int) -> None:
        separator = _SEPARATOR if number > 1 else b""
        file.write(separator + json.dumps(record, allow_nan=False).encode())


def check_path(path: str | Path) -> Path:
    """Make sure that a file is called as COCO files are.

    Raises:
        UsageError: It is not.
    """
    if Path(path).suffix.lower() != ".json":
        raise UsageError(f"expected a file that ends in .json for COCO, found {path}")
    return Path(path)
