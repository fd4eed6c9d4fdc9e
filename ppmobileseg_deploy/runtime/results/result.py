"""What segmenting one image gives."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...metadata import RGB, ModelMetadata
from ...quoting import printable
from ...types import Labels
from ..drawing.selection import Selection
from ..drawing.style import Style, Wanted, choose, distinct_names
from ..images.files import write_image
from .pictures import draw_colors, draw_legend, draw_overlay, notebook_png
from .records import as_coco, as_dict
from .run_lengths import Runs

_CLASSES_IN_REPR: Final = 3


@dataclass(frozen=True, repr=False, eq=False)
class SegmentationResult:
    """The classes of one image.

    Attributes:
        labels: (height, width) class ids at the size of the original image; uint8, or uint16
            where the model tells more than 256 classes apart.
        names: Name of each class id.
        palette_rgb: Colour of each class id, (red, green, blue) in [0, 255].
        image_bgr: The image itself, (height, width, 3) uint8, upright. When an array was
            segmented, this is that array, not a copy.
        path: Where the image came from, None if it was never a file.
        speed: Milliseconds spent in ``"preprocess"``, ``"inference"`` and ``"postprocess"``.
        metadata: What the model file says about itself.
        model_file: Name of the model file, without its folder; empty where it has none.
        frame_index: Number of the frame in its video, from 0; None for stills.
        time_s: When the frame is shown, in seconds from the start; None for stills.
        confidence: (height, width) float32 in [0, 1], the probability of each pixel's class;
            None unless a model with logits was asked for it.
        source: Where the image came from as a user would write it: a path, an address, a
            camera's number; empty for images in memory.

    Example:
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

    labels: Labels
    names: tuple[str, ...]
    palette_rgb: tuple[RGB, ...]
    image_bgr: NDArray[np.uint8]
    path: Path | None
    speed: Mapping[str, float]
    metadata: ModelMetadata = field(default_factory=ModelMetadata)
    model_file: str = ""
    frame_index: int | None = None
    time_s: float | None = None
    confidence: NDArray[np.float32] | None = None
    source: str = ""

    @property
    def palette(self) -> tuple[RGB, ...]:
        """Colour of each class id, (red, green, blue) in [0, 255]: `palette_rgb`."""
        return self.palette_rgb

    @property
    def orig_shape(self) -> tuple[int, int]:
        """Height and width of the original image, in pixels."""
        return self.labels.shape[0], self.labels.shape[1]

    def counts(self) -> list[tuple[int, int]]:
        """Return id and number of pixels of each class that is present, largest first.

        Example:
            >>> result.counts()
            [(0, 4), (1, 2)]
        """
        return Selection(self.labels).present()

    def areas(self) -> dict[str, float]:
        """Return the share of the image that each class covers.

        Returns:
            Class name to share in (0, 1], largest first, only classes that are present. Where
            several classes have one name, each gets its id appended: ``"screen (130)"``.

        Example:
            >>> {name: round(share, 2) for name, share in result.areas().items()}
            {'sky': 0.67, 'tree': 0.33}
        """
        keys = distinct_names(self.names)
        return {keys[class_id]: pixels / self.labels.size for class_id, pixels in self.counts()}

    def mask(self, wanted: str | int) -> NDArray[np.bool_]:
        """Return where a class is.

        Args:
            wanted: Its name or id, as `style.choose` takes them. A name that several classes
                have means all of them.

        Returns:
            (height, width) bool; all False where the image does not show the class.

        Raises:
            UsageError: The model has no such class.

        Example:
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

        Example:
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
    ) -> NDArray[np.uint8]:
        """Return the image with the classes' colours laid over it.

        Args:
            opacity: Share of the colour, from 0 (image only) to 1 (colour only).
            classes: Names or ids of the classes to draw; the others are transparent. None draws
                all.
            contours: Draw lines along the borders of the regions.
            label: Write the classes' names on the largest regions.
            confidence: Leave pixels transparent whose class is less probable than this, in
                [0, 1]. Needs a result with ``confidence``.

        Returns:
            A new (height, width, 3) uint8 array, BGR.

        Raises:
            UsageError: The opacity or confidence is outside [0, 1], a class is unknown, or the
                result has no confidence.

        Example:
            >>> picture = result.plot(0.4, classes=["tree", 0], contours=True, label=True)
            >>> picture.shape, picture.dtype
            ((2, 3, 3), dtype('uint8'))
        """
        return draw_overlay(self, self._style(opacity, classes, contours, label, confidence))

    def color(
        self, *, classes: Wanted | None = None, confidence: float = 0.0
    ) -> NDArray[np.uint8]:
        """Return the classes' colours alone.

        Args:
            classes: Names or ids of the classes to draw, None for all.
            confidence: Leave out pixels whose class is less probable than this, in [0, 1].

        Returns:
            (height, width, 3) uint8, BGR. With ``classes`` or ``confidence``, (height, width, 4)
            uint8, BGRA: alpha is 0 where something was left out and 255 elsewhere.

        Raises:
            UsageError: As for `plot`.

        Example:
            >>> result.color(classes="sky").shape
            (2, 3, 4)
        """
        return draw_colors(self, self._style(1.0, classes, False, False, confidence))

    def legend(
        self,
        opacity: float = 0.5,
        *,
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
    ) -> NDArray[np.uint8]:
        """Return what `plot` does, with the classes' names, colours and shares beside it.

        The arguments are those of `plot`. Classes are listed largest first, and only those that
        are drawn somewhere; where there is no room for all, the last line says how many more
        there are.

        Returns:
            A new uint8 array, BGR, with the picture at its top left. It is wider than the image
            and, for small images, higher. Its size follows from the size of the image and the
            names of the model, not from the classes present: frames of a video have one size.

        Raises:
            UsageError: As for `plot`.

        Example:
            >>> cv2.imwrite("legend.png", result.legend(contours=True))
            True
        """
        return draw_legend(self, self._style(opacity, classes, contours, label, confidence))

    def to_dict(self, *, classes: Wanted | None = None, confidence: float = 0.0) -> dict[str, Any]:
        """Return what was found as plain data, which JSON can hold.

        Args:
            classes: Names or ids of the classes to list, None for all.
            confidence: Count only pixels whose class is at least this probable, in [0, 1]: in
                pixels, shares (of the whole image) and boxes. Needs a result with ``confidence``.

        Returns:
            ``"image"``: path, source, height, width, frame_index, time_s. ``"model"``: file,
            variant, checkpoint, checkpoint_sha256, tool_version. ``"speed_ms"``: as ``speed``.
            ``"classes"``: for each class that is present, largest first, id, name, pixels, share
            in (0, 1], box_xyxy (as in `boxes`) and color_rgb. What is not known is None or "".

        Raises:
            UsageError: As for `plot`.

        Example:
            >>> result.to_dict()["classes"][0]["name"]
            'sky'
        """
        return as_dict(self, self._style(1.0, classes, False, False, confidence))

    def to_json(self, *, classes: Wanted | None = None, confidence: float = 0.0) -> str:
        """Return `to_dict` as one line of JSON, in ASCII: for logs, pipes and JSON Lines files.

        The arguments are those of `to_dict`.

        Raises:
            UsageError: As for `plot`.

        Example:
            >>> json.loads(result.to_json())["image"]["width"]
            3
        """
        return json.dumps(self.to_dict(classes=classes, confidence=confidence), allow_nan=False)

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

        Example:
            >>> import pycocotools.mask
            >>> pycocotools.mask.decode(result.to_rle()[0]["segmentation"]).shape
            (2, 3)
        """
        return as_coco(self, self._style(1.0, classes, False, False, confidence))

    def save(
        self,
        path: str | Path,
        opacity: float = 0.5,
        *,
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
    ) -> None:
        """Write what `plot` draws, with the same arguments, to a file.

        The suffix of ``path`` chooses the format; a missing folder is made. The file appears
        complete or not at all.

        Raises:
            UsageError: The suffix names no known format, or as for `plot`.
            OutputError: The file cannot be written.

        Example:
            >>> result.save("out/street_overlay.png", 0.6, label=True)
        """
        style = self._style(opacity, classes, contours, label, confidence)
        write_image(path, draw_overlay(self, style))

    def show(
        self,
        opacity: float = 0.5,
        *,
        classes: Wanted | None = None,
        contours: bool = False,
        label: bool = False,
        confidence: float = 0.0,
    ) -> None:
        """Show what `plot` draws, with the same arguments, until a key is pressed.

        In a notebook, write ``result`` on the last line of a cell instead.

        Raises:
            UsageError: There is no display, or as for `plot`.

        Example:
            >>> result.show(contours=True)  # doctest: +SKIP
        """
        from ..drawing.window import Window

        style = self._style(opacity, classes, contours, label, confidence)
        picture = draw_overlay(self, style)
        title = "ppmobileseg" if self.path is None else printable(self.path.name)
        Window(title).show(picture)
        with suppress(cv2.error):  # closed by hand
            cv2.destroyWindow(title)

    def _repr_png_(self) -> bytes:
        return notebook_png(self)

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

    def _style(
        self,
        opacity: float,
        classes: Wanted | None,
        contours: bool,
        label: bool,
        confidence: float,
    ) -> Style:
        chosen = None if classes is None else choose(self.names, classes)
        return Style(opacity, chosen, contours, label, confidence)
