"""Detections of the package supervision, for its annotators, trackers and data sets."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ....dependencies import lacking_for_supervision
from ....errors import UsageError
from ...drawing.selection import Selection
from ...drawing.style import Style
from ..class_masks import class_masks
from ..run_lengths import Runs
from ..segmentation import Segmentation

if TYPE_CHECKING:
    from supervision import Detections


def as_supervision(segmentation: Segmentation, style: Style) -> "Detections":
    """Return the classes of an image as detections; see `SegmentationResult.to_supervision`."""
    lacking = lacking_for_supervision()
    if lacking is not None:
        raise UsageError(f"to_supervision needs {lacking}")
    import supervision

    masks = dict(class_masks(segmentation, style))
    if not masks:
        return supervision.Detections.empty()
    present = list(masks)
    selection = Selection.of(
        style, segmentation.labels, len(segmentation.names), segmentation.confidence
    )
    runs = Runs.of(selection)
    data: dict[str, Any] = {
        "class_name": np.array([segmentation.names[class_id] for class_id in present])
    }
    return supervision.Detections(
        xyxy=np.array([runs.box(class_id) for class_id in present], np.float32),
        mask=np.stack(list(masks.values())),
        class_id=np.array(present),
        data=data,
    )
