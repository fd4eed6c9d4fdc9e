"""Segmentation result: what a segmenter returns, with the methods that users call on it."""

from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...metadata import RGB
from ...quoting import printable
from ...types import ColorOrder
from ..drawing.selection import Selection
from ..drawing.style import Style, Wanted, choose, distinct_names
from ..images.arrays import in_color_order
from . import encoding
from .annotated import AnnotatedSegmentation
from .pictures import draw_colors, draw_legend, draw_overlay, reduced_for_notebook
from .records import as_coco, as_dict, to_json
from .run_lengths import Runs

_CLASSES_IN_REPR: Final = 3


class SegmentationResult(AnnotatedSegmentation):
    """The classes of one image: its labels, and methods that draw, list and save them.

    The attributes are those of `Segmentation`: ``labels``, ``names``, ``palette_rgb``,
    ``image_bgr``, ``path``, ``speed``, ``metadata``, ``model_file``, ``frame_index``, ``time_s``,
    ``confidence`` and ``source``.

    Examples:
        >>> result = SegmentationResult(
        ...     labels=np.array([[0, 0, 0], [0, 1, 1]], np.uint8),
        ...     names=("sky", "tree"),
        ...     palette_rgb=((70, 130, 180), (4, 200, 3)),
        ...     image_bgr=np.zeros((2, 3, 3), np.uint8),
        ...     path=None,
        ...     speed={"inference": 20.0},
        ... )
        >>> result
        SegmentationResult(2x3, sky 67 %, tree 33 %)
        >>> result.boxes()
        {'sky': (0, 0, 3, 2), 'tree': (1, 1, 3, 2)}
        >>> result.plot(0.3).shape
        (2, 3, 3)
    """

    @property
    def palette(self) -> tuple[RGB, ...]:
        """Colour of each class id, (red, green, blue) in [0, 255]: `palette_rgb`."""
        return self.palette_rgb

    def counts(self) -> list[tuple[int, int]]:
        """Return id and number of pixels of each class that is present, largest first.

        Examples:
            >>> result.counts()
            [(0, 4), (1, 2)]
        """
        return Selection(self.labels).present()

    def areas(self) -> dict[str, float]:
        """Return the share of the image that each class covers.

        Returns:
            Class name to share in (0, 1], largest first, only classes that are present. Where
            several classes have one name, each gets its id appended: ``"screen (130)"``.

        Examples:
            >>> {name: round(share, 2) for name, share in result.areas().items()}
            {'sky': 0.67, 'tree': 0.33}
        """
        keys = distinct_names(self.names)
        return {keys[class_id]: pixels / self.labels.size for class_id, pixels in self.counts()}

    def mask(self, wanted: str | int) -> NDArray[np.bool_]:
        """Return the mask of a class.

        Args:
            wanted: Its name or id, as `style.choose` takes them. A name that several classes
                have means all of them.

        Returns:
            (height, width) bool; all False where the image does not show the class.

        Raises:
            UsageError: The model has no such class.

        Examples:
            >>> int(result.mask("tree").sum())
            2
        """
        mask: NDArray[np.bool_] = np.zeros(self.labels.shape, np.bool_)
        for class_id in choose(self.names, wanted):
            mask |= self.labels == class_id
        return mask

    def boxes(self) -> dict[str, tuple[int, int, int, int]]:
        """Return the smallest box around all pixels of each class.

        Returns:
            Class name, as in `areas`, to left, top, right and bottom in pixels; right and bottom
            are exclusive: ``image_bgr[top:bottom, left:right]`` is the box. Largest class first.

        Examples:
            >>> left, top, right, bottom = result.boxes()["tree"]
            >>> result.image_bgr[top:bottom, left:right].shape
            (1, 2, 3)
        """
        keys = distinct_names(self.names)
        runs = Runs.of(Selection(self.labels))
        return {keys[class_id]: runs.box(class_id) for class_id, _ in self.counts()}

    def plot(
        self,
        opacity: float = 0.5,
        *,
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
        color: ColorOrder = "bgr",
    ) -> NDArray[np.uint8]:
        """Draw the classes' colours over the image.

        Args:
            opacity: Share of the classes' colours, from 0 (image only) to 1 (colours only).
            classes: Names or ids of the classes to draw, None for all; the image shows through
                elsewhere.
            contours: Draw lines along the borders of the regions.
            label: Write the classes' names on the largest regions.
            confidence: Leave out pixels whose class is less probable than this, in [0, 1]. Needs
                a result with ``confidence``.
            color: Order of the channels: ``"bgr"`` for OpenCV, ``"rgb"`` for most others.

        Returns:
            A new array, (height, width, 3) uint8.

        Raises:
            UsageError: The opacity or confidence is outside [0, 1], a class or the order of
                channels is unknown, or the result has no confidence.

        Examples:
            >>> picture = result.plot(0.4, classes=["tree", 0], contours=True, label=True)
            >>> picture.shape, picture.dtype
            ((2, 3, 3), dtype('uint8'))
        """
        style = self._style(classes, confidence, opacity, contours=contours, label=label)
        return in_color_order(draw_overlay(self, style), color)

    def color(
        self,
        *,
        classes: Wanted | None = None,
        confidence: float = 0.0,
        color: ColorOrder = "bgr",
    ) -> NDArray[np.uint8]:
        """Draw the classes' colours alone.

        The arguments are those of `plot`.

        Returns:
            (height, width, 3) uint8, BGR. With ``classes`` or ``confidence``, (height, width, 4)
            uint8, BGRA: alpha is 0 where something was left out and 255 elsewhere. With
            ``color="rgb"``, RGB and RGBA.

        Raises:
            UsageError: As for `plot`.

        Examples:
            >>> result.color(classes="sky").shape
            (2, 3, 4)
        """
        return in_color_order(draw_colors(self, self._style(classes, confidence)), color)

    def legend(
        self,
        opacity: float = 0.5,
        *,
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
        color: ColorOrder = "bgr",
    ) -> NDArray[np.uint8]:
        """Draw what `plot` does, with the classes' names, colours and shares beside it.

        The arguments are those of `plot`. Classes are listed largest first, and only those that
        are drawn somewhere; where there is no room for all, the last line says how many more
        there are.

        Returns:
            A new uint8 array, BGR or RGB, with the picture at its top left. It is wider than the
            image and, for small images, higher. Its size follows from the size of the image and
            the names of the model, not from the classes present: frames of a video have one size.

        Raises:
            UsageError: As for `plot`.

        Examples:
            >>> cv2.imwrite("legend.png", result.legend(contours=True))
            True
        """
        style = self._style(classes, confidence, opacity, contours=contours, label=label)
        return in_color_order(draw_legend(self, style), color)

    def to_pil(
        self,
        opacity: float = 0.5,
        *,
        kind: str = "overlay",
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
    ) -> Image.Image:
        """Return a picture as a PIL image.

        ``kind`` is ``"overlay"``, ``"color"``, ``"legend"``, ``"labels"`` or ``"indexed"``; the
        other arguments are those of `plot`.

        Returns:
            An image of mode RGB; of colours of which some are left out RGBA; of labels L, or I;16
            above 256 classes; of indexed labels P, whose palette holds the classes' colours.

        Raises:
            UsageError: The kind is unknown or cannot hold the model's classes, or as for `plot`.

        Examples:
            >>> result.to_pil(kind="indexed").mode
            'P'
        """
        style = self._style(classes, confidence, opacity, contours=contours, label=label)
        return encoding.pil_image(self, kind, style)

    def to_dict(self, *, classes: Wanted | None = None, confidence: float = 0.0) -> dict[str, Any]:
        """Return what was found as plain data, which JSON can hold.

        Args:
            classes: Names or ids of the classes to list, None for all.
            confidence: Count only pixels whose class is at least this probable, in [0, 1]: in
                pixels, shares (of the whole image) and boxes. Needs a result with ``confidence``.

        Returns:
            ``"image"``: path, source, height, width, frame_index, time_s. ``"model"``: file,
            variant, checkpoint, checkpoint_sha256, tool_version. ``"speed_ms"``: as ``speed``.
            ``"classes"``: for each class that is present, largest first, id, name, pixels, share,
            box_xyxy (as in `boxes`) and color_rgb. What is not known is None or "". Shares, in
            [0, 1], are rounded to 4 decimals, milliseconds to 2 and seconds to 3; pixels are
            exact.

        Raises:
            UsageError: As for `plot`.

        Examples:
            >>> result.to_dict()["classes"][0]["share"]
            0.6667
        """
        return as_dict(self, self._style(classes, confidence))

    def to_json(self, *, classes: Wanted | None = None, confidence: float = 0.0) -> str:
        """Return `to_dict` as one line of JSON, in ASCII: for logs, pipes and JSON Lines files.

        The arguments are those of `to_dict`.

        Raises:
            UsageError: As for `plot`.

        Examples:
            >>> import json
            >>> json.loads(result.to_json())["image"]["width"]
            3
        """
        return to_json(self, self._style(classes, confidence))

    def to_rle(
        self, *, classes: Wanted | None = None, confidence: float = 0.0
    ) -> list[dict[str, Any]]:
        """Return the mask of each class as an annotation in the COCO format.

        Args:
            classes: Names or ids of the classes to list, None for all.
            confidence: Count only pixels whose class is at least this probable, in [0, 1]: in
                masks, areas and boxes. Needs a result with ``confidence``.

        Returns:
            For each class that is present, in the order of the ids: image_id (number of the
            frame; or name of the file without suffix, as an integer where it is a number),
            category_id, category_name, segmentation (size and compressed counts, which
            ``pycocotools.mask.decode`` reads), area in pixels, bbox (left, top, width, height)
            and iscrowd.

        Raises:
            UsageError: As for `plot`.

        Examples:
            >>> import pycocotools.mask
            >>> pycocotools.mask.decode(result.to_rle()[0]["segmentation"]).shape
            (2, 3)
        """
        return as_coco(self, self._style(classes, confidence))

    def encode(
        self,
        format: str = "png",  # noqa: A002  Pillow's name of it
        opacity: float = 0.5,
        *,
        kind: str = "overlay",
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
    ) -> bytes:
        """Encode a picture as an image file, for a response or a database.

        ``format`` is ``"png"``, ``"jpg"``, ``"webp"``, ``"bmp"`` or ``"tif"``; for the kinds
        ``"labels"`` and ``"indexed"``, which must stay exact, ``"png"`` only. The other arguments
        are those of `to_pil`.

        Returns:
            The content of the file.

        Raises:
            UsageError: The format or the kind is unknown, they do not go together, or as for
                `plot`.
            OutputError: The format cannot hold an image of this size.

        Examples:
            >>> result.encode("png", kind="labels")[1:4]
            b'PNG'
        """
        style = self._style(classes, confidence, opacity, contours=contours, label=label)
        return encoding.encode(self, kind, encoding.suffix_of(format), style)

    def save(
        self,
        file: str | Path | BinaryIO,
        opacity: float = 0.5,
        *,
        format: str | None = None,  # noqa: A002  Pillow's name of it
        kind: str = "overlay",
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
    ) -> None:
        """Write a picture, by default what `plot` draws, to an image file.

        ``file`` is a path, whose folder is made if it is missing and whose file appears complete
        or not at all; or a file that is open for writing bytes. ``format`` is None for the one
        that the file's name ends in. The other arguments are those of `encode`.

        Raises:
            UsageError: As for `encode`, or nothing names a format.
            OutputError: The file cannot be written.

        Examples:
            >>> result.save("out/street_overlay.png", 0.6, label=True)
            >>> with open("labels.bin", "wb") as file:
            ...     result.save(file, format="png", kind="labels")
        """
        style = self._style(classes, confidence, opacity, contours=contours, label=label)
        encoding.save(file, self, kind, style, format)

    def show(
        self,
        opacity: float = 0.5,
        *,
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
    ) -> None:
        """Show what `plot` draws: below the cell of a notebook, else in a window until a key.

        The arguments are those of `plot`. Notebooks get at most 740 pixels a side, drawn at that
        size.

        Raises:
            UsageError: There is neither a notebook nor a display, or as for `plot`.

        Examples:
            >>> result.show(contours=True)  # doctest: +SKIP
        """
        from ..drawing import notebook

        style = self._style(classes, confidence, opacity, contours=contours, label=label)
        if notebook.is_running():
            notebook.display_png(_png(draw_overlay(reduced_for_notebook(self), style)))
            return
        from ..drawing.window import Window

        picture = draw_overlay(self, style)
        title = "ppmobileseg" if self.path is None else printable(self.path.name)
        Window(title).show(picture)
        with suppress(cv2.error):  # closed by hand
            cv2.destroyWindow(title)

    def _repr_png_(self) -> bytes:
        return _png(draw_legend(reduced_for_notebook(self), Style()))

    def __repr__(self) -> str:
        height, width = self.orig_shape
        areas = self.areas()
        parts = [f"{name} {share:.0%}" for name, share in list(areas.items())[:_CLASSES_IN_REPR]]
        parts = [part.replace("%", " %") for part in parts]
        if len(areas) > _CLASSES_IN_REPR:
            parts.append("...")
        origin = [] if self.path is None else [self.path.name]
        # Names of strangers' files and classes, on somebody's terminal.
        return printable(
            f"SegmentationResult({', '.join([*origin, f'{height}x{width}', *parts])})"
        )


def _png(picture_bgr: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", picture_bgr)[1].tobytes()
