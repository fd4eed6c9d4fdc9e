"""CVAT: a function that ``cvat-cli task auto-annotate`` loads, and annotates a task with.

Source: cvat-sdk 2.80, ``cvat_sdk.auto_annotation``.
"""

from collections.abc import Sequence
from typing import Any

import cvat_sdk.auto_annotation as cvataa
import PIL.Image
from cvat_sdk.masks import encode_mask

from ..runtime.drawing.style import Style, choose, distinct_names
from ..runtime.results.class_masks import class_masks
from ..runtime.results.polygons import find_polygons, line_around
from ..runtime.results.result import SegmentationResult
from ..runtime.segmenter import OrtSegmenter


class CvatFunction:
    """A model as CVAT's detection function: a mask for each class, or a polygon for each region.

    Args:
        model: The ONNX file, or ``"tiny"`` or ``"base"``.
        classes: Names or ids of the classes to annotate, separated by commas; all without.
        merge: A file that says which classes become which, see `ClassMerging.read`.
        tolerance: Of polygons: the farthest, in pixels, that a point left out may lie from the
            outline.
        min_area: Of polygons: regions of fewer pixels are left out.

    Raises:
        PPMobileSegError: The model or the file cannot be read, or a class is unknown.
    """

    def __init__(
        self,
        model: str,
        classes: str = "",
        merge: str = "",
        tolerance: float = 1.0,
        min_area: int = 0,
    ) -> None:
        self._model, self._merge = model, merge or None
        self._segmenter = OrtSegmenter(model, merge=self._merge)
        self._has_confidence = False
        names = self._segmenter.names
        chosen = choose(names, classes.split(",")) if classes else tuple(range(len(names)))
        self._style = Style(classes=chosen, tolerance=tolerance, min_area=min_area)
        distinct = distinct_names(names)
        self._spec = cvataa.DetectionFunctionSpec(
            labels=[
                cvataa.label_spec(distinct[class_id], class_id, type="mask") for class_id in chosen
            ]
        )

    @property
    def spec(self) -> Any:
        """The labels, which a task must have by these names (``DetectionFunctionSpec``)."""
        return self._spec

    def detect(self, context: Any, image: PIL.Image.Image) -> Sequence[Any]:
        """Annotate an image.

        Args:
            context: What CVAT says of it (``DetectionFunctionContext``). With a threshold of
                confidence, pixels whose class is less probable are left out, which needs a model
                with logits.
            image: The image.

        Returns:
            Shapes (``LabeledShapeRequest``): a mask for each class; or, where CVAT wants
            polygons, one for each region, whose holes are joined to its outside.

        Raises:
            PPMobileSegError: The model fails on it, or gives no confidence.
        """
        threshold = context.conf_threshold or 0.0
        style = Style(
            classes=self._style.classes,
            confidence=threshold,
            tolerance=self._style.tolerance,
            min_area=self._style.min_area,
        )
        result = self._segment(image, with_confidence=threshold > 0)
        if context.conv_mask_to_poly:
            return [
                cvataa.polygon(
                    polygon.class_id, line_around(polygon.exterior, polygon.holes).ravel().tolist()
                )
                for polygon in find_polygons(result, style)
            ]
        # The encoder finds the mask's box itself: it wants one whose end is excluded.
        return [
            cvataa.mask(class_id, encode_mask(mask))
            for class_id, mask in class_masks(result, style)
        ]

    def _segment(self, image: PIL.Image.Image, *, with_confidence: bool) -> SegmentationResult:
        if with_confidence and not self._has_confidence:
            self._segmenter = OrtSegmenter(self._model, merge=self._merge, confidence=True)
            self._has_confidence = True
        return self._segmenter(image)


create = CvatFunction
"""What ``cvat-cli --function-module`` calls, with the ``-p`` parameters."""
