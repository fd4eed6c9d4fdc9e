"""Results for other tools: regions, polygons, and the formats of annotation tools."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...types import ColorOrder
from ..drawing.style import Style, Wanted, choose
from ..images.arrays import in_color_order
from .annotations.coco import as_coco_dataset
from .annotations.geojson import as_geojson
from .annotations.label_studio import as_label_studio
from .annotations.labelme import as_labelme
from .annotations.supervision import as_supervision
from .class_merging import ClassMerging
from .pictures import draw_cutout
from .polygons import Polygon, find_polygons
from .regions import Region, find_regions
from .segmentation import Segmentation

if TYPE_CHECKING:
    from supervision import Detections
    from typing_extensions import Self  # typing has it from Python 3.11 on


class AnnotatedSegmentation(Segmentation):
    """A segmentation with what other tools take; see `SegmentationResult`, which users have.

    Examples:
        >>> result = SegmentationResult(
        ...     labels=np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.uint8),
        ...     names=("sky", "kite"),
        ...     palette_rgb=((70, 130, 180), (4, 200, 3)),
        ...     image_bgr=np.zeros((3, 3, 3), np.uint8),
        ...     path=None,
        ...     speed={},
        ... )
        >>> [polygon.name for polygon in result.to_polygons()]
        ['sky', 'kite']
    """

    def regions(
        self, *, min_area: int = 0, classes: Wanted | None = None, confidence: float = 0.0
    ) -> list[Region]:
        """Find the connected regions of each class.

        Args:
            min_area: Leave out regions of fewer pixels.
            classes: Names or ids of the classes to list, None for all.
            confidence: Count only pixels whose class is at least this probable, in [0, 1]. Needs
                a result with ``confidence``.

        Returns:
            The regions, largest first: ``class_id``, ``name``, ``pixels``, ``box_xyxy`` and, in
            that box, ``mask``. Pixels that touch with a corner only are not connected.

        Raises:
            UsageError: As for `plot`, or ``min_area`` is no such number.

        Examples:
            >>> kite = result.regions(classes="kite")[0]
            >>> kite.pixels, kite.box_xyxy, kite.mask.shape
            (1, (1, 1, 2, 2), (1, 1))
        """
        return find_regions(self, self._style(classes, confidence, min_area=min_area))

    def to_polygons(
        self,
        tolerance: float = 1.0,
        *,
        min_area: int = 0,
        classes: Wanted | None = None,
        confidence: float = 0.0,
    ) -> list[Polygon]:
        """Return the outline of each region, with its holes.

        Neighbours share their simplified borders: there are no gaps and next to no overlaps
        between them.

        Args:
            tolerance: The farthest, in pixels, that a point that is left out may lie from the
                simplified outline; 0 for all corners.
            min_area: Leave out regions of fewer pixels.
            classes: Names or ids of the classes to list, None for all.
            confidence: As for `regions`.

        Returns:
            The polygons, largest region first: ``class_id``, ``name``, ``pixels``, ``box_xyxy``,
            ``exterior`` and ``holes``. Points are x and y of corners of pixels: from 0 to the
            width and the height.

        Raises:
            UsageError: As for `regions`, or the tolerance is no such number.

        Examples:
            >>> sky = result.to_polygons()[0]
            >>> sky.exterior.tolist()
            [[0, 0], [3, 0], [3, 3], [0, 3]]
            >>> len(sky.holes), sky.area
            (1, 8.0)
        """
        return find_polygons(self, self._style(classes, confidence, 1.0, tolerance, min_area))

    def to_coco(
        self,
        form: Literal["rle", "polygons"] = "rle",
        *,
        tolerance: float = 1.0,
        min_area: int = 0,
        classes: Wanted | None = None,
        confidence: float = 0.0,
    ) -> dict[str, Any]:
        """Return a COCO data set of this image: images, annotations and categories.

        `CocoFile` writes that of many images.

        Args:
            form: ``"rle"`` for the run lengths of each class, which are exact; ``"polygons"`` for
                a polygon of each region. COCO's polygons have no holes: cuts of no width join
                them to the outside.
            tolerance: Of polygons, as for `to_polygons`.
            min_area: Of polygons: leave out regions of fewer pixels.
            classes: Names or ids of the classes to list, None for all.
            confidence: As for `regions`.

        Returns:
            What ``pycocotools.coco.COCO`` reads from a file. Category ids are class ids.

        Raises:
            UsageError: As for `to_polygons`, or the form is unknown.

        Examples:
            >>> [each["area"] for each in result.to_coco()["annotations"]]
            [8, 1]
        """
        style = self._style(classes, confidence, 1.0, tolerance, min_area)
        return as_coco_dataset(self, style, form)

    def to_labelme(
        self,
        image_path: str | None = None,
        *,
        tolerance: float = 1.0,
        min_area: int = 0,
        classes: Wanted | None = None,
        confidence: float = 0.0,
    ) -> dict[str, Any]:
        """Return the regions as LabelMe's file has them: a polygon each, largest first.

        Args:
            image_path: The image as seen from where the file will be; None for its name alone,
                for a file beside it.
            tolerance: As for `to_polygons`.
            min_area: Leave out regions of fewer pixels.
            classes: Names or ids of the classes to list, None for all.
            confidence: As for `regions`.

        Returns:
            What becomes the JSON file.

        Raises:
            UsageError: As for `to_polygons`.

        Examples:
            >>> [shape["label"] for shape in result.to_labelme("kites.jpg")["shapes"]]
            ['sky', 'kite']
        """
        if image_path is None:
            image_path = self.source if self.path is None else self.path.name
        return as_labelme(
            self, self._style(classes, confidence, 1.0, tolerance, min_area), image_path
        )

    def to_label_studio(
        self,
        image: str | None = None,
        *,
        from_name: str = "tag",
        to_name: str = "image",
        classes: Wanted | None = None,
        confidence: float = 0.0,
    ) -> dict[str, Any]:
        """Return a task of Label Studio, with a brush mask for each class as its prediction.

        Args:
            image: Address of the image as Label Studio knows it, such as
                ``"/data/local-files/?d=street.jpg"``; None for the source's name.
            from_name: Name of the ``BrushLabels`` tag in the labelling configuration.
            to_name: Name of its ``Image`` tag.
            classes: Names or ids of the classes to list, None for all.
            confidence: As for `regions`.

        Returns:
            One task; a file to import is a list of these.

        Raises:
            UsageError: As for `plot`.

        Examples:
            >>> task = result.to_label_studio("/data/upload/kites.jpg")
            >>> [each["value"]["brushlabels"] for each in task["predictions"][0]["result"]]
            [['sky'], ['kite']]
        """
        if image is None:
            image = self.source or str(self.path or "")
        style = self._style(classes, confidence)
        return as_label_studio(self, style, image, from_name=from_name, to_name=to_name)

    def to_geojson(
        self,
        *,
        tolerance: float = 1.0,
        min_area: int = 0,
        classes: Wanted | None = None,
        confidence: float = 0.0,
    ) -> dict[str, Any]:
        """Return the regions as features of GeoJSON.

        Args:
            tolerance: As for `to_polygons`, in pixels.
            min_area: Leave out regions of fewer pixels.
            classes: Names or ids of the classes to list, None for all.
            confidence: As for `regions`.

        Returns:
            A feature collection. Coordinates are those on Earth where the image's file has GeoTIFF
            tags or a world file beside it, in its coordinate reference system, which ``crs`` names
            where it is known and not WGS 84; else pixels, and ``coordinates`` says so.

        Raises:
            UsageError: As for `to_polygons`.
            ImageError: The tags or the world file are malformed, or are about pixels that are
                stored turned.

        Examples:
            >>> collection = result.to_geojson()
            >>> collection["coordinates"], len(collection["features"])
            ('pixels', 2)
        """
        return as_geojson(self, self._style(classes, confidence, 1.0, tolerance, min_area))

    def to_supervision(
        self, *, classes: Wanted | None = None, confidence: float = 0.0
    ) -> "Detections":
        """Return the classes as ``supervision.Detections``: a mask and a box each.

        Args:
            classes: Names or ids of the classes to list, None for all.
            confidence: As for `regions`.

        Raises:
            UsageError: The package supervision is not installed, or as for `plot`.

        Examples:
            >>> detections = result.to_supervision()  # doctest: +SKIP
            >>> detections.data["class_name"]  # doctest: +SKIP
            array(['sky', 'kite'], dtype='<U4')
        """
        return as_supervision(self, self._style(classes, confidence))

    def cutout(
        self, classes: Wanted, *, confidence: float = 0.0, color: ColorOrder = "bgr"
    ) -> NDArray[np.uint8]:
        """Cut classes out of the image.

        Args:
            classes: Names or ids of the classes to keep.
            confidence: As for `regions`.
            color: Order of the channels: ``"bgr"`` for BGRA, ``"rgb"`` for RGBA.

        Returns:
            (height, width, 4) uint8. Alpha is 255 where the image shows one of the classes; else
            all four channels are 0, so that nothing of the rest is given away.

        Raises:
            UsageError: As for `plot`.

        Examples:
            >>> result.cutout("kite")[..., 3].tolist()
            [[0, 0, 0], [0, 255, 0], [0, 0, 0]]
        """
        return in_color_order(draw_cutout(self, self._style(classes, confidence)), color)

    def merged(self, merging: ClassMerging | Mapping[str, Any]) -> "Self":
        """Return a result with fewer classes.

        Args:
            merging: New names, and what becomes each: names or ids of the model's classes;
                ``"*"`` for all that are named nowhere else. Or a `ClassMerging`, which is faster
                for many results.

        Returns:
            A result with new ``labels``, ``names`` and ``palette_rgb``. A pixel's class is the one
            that the model's best class became: no class gains by the sum of its parts.

        Raises:
            UsageError: A class is unknown, is in two new ones or in none, or a new one is empty.

        Examples:
            >>> result.merged({"up there": ["sky", "kite"]}).names
            ('up there',)
        """
        if not isinstance(merging, ClassMerging):
            merging = ClassMerging.of(merging, self.names, self.palette_rgb)
        return merging.apply(self)

    def _style(
        self,
        classes: Wanted | None,
        confidence: float,
        opacity: float = 1.0,
        tolerance: float = 1.0,
        min_area: int = 0,
        *,
        contours: bool = False,
        label: bool = False,
    ) -> Style:
        chosen = None if classes is None else choose(self.names, classes)
        return Style(
            opacity,
            chosen,
            confidence,
            contours=contours,
            label=label,
            tolerance=tolerance,
            min_area=min_area,
        )
