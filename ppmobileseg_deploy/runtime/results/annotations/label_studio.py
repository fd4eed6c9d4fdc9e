"""Label Studio: predictions of a task, with a brush mask for each class.

Source: Label Studio's format of tasks, and https://www.npmjs.com/package/@thi.ng/rle-pack, which
its masks are packed with.
"""

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...drawing.style import Style
from ..class_masks import class_masks
from ..records import json_text
from ..segmentation import Segmentation

_CHANNELS: Final = 4  # masks are packed as RGBA, all channels alike
_WORD_BITS: Final = 8
_LENGTH_BITS: Final = np.array((3, 4, 8, 16))
_HEADER_BITS: Final = (32, 5, 4, 4, 4, 4)


def as_label_studio(
    segmentation: Segmentation, style: Style, image: str, *, from_name: str, to_name: str
) -> dict[str, Any]:
    """Return a task with its predictions; see `SegmentationResult.to_label_studio`."""
    return {
        "data": {"image": json_text(image)},
        "predictions": [
            {
                "model_version": json_text(segmentation.model_file),
                "result": brush_results(segmentation, style, from_name=from_name, to_name=to_name),
            }
        ],
    }


def brush_results(
    segmentation: Segmentation, style: Style, *, from_name: str, to_name: str
) -> list[dict[str, Any]]:
    """Return a brush region for each class of an image, largest first.

    Args:
        segmentation: What is written.
        style: Its classes and confidence choose what is listed.
        from_name: Name of the ``BrushLabels`` tag in the project's labelling configuration.
        to_name: Name of its ``Image`` tag.
    """
    height, width = segmentation.orig_shape
    results = []
    for class_id, mask in class_masks(segmentation, style):
        name = json_text(segmentation.names[class_id])
        results.append(
            {
                # Regions have ids of their own; the same class of an image has the same one.
                "id": hashlib.sha256(f"{class_id} {name}".encode()).hexdigest()[:10],
                "type": "brushlabels",
                "from_name": from_name,
                "to_name": to_name,
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {"format": "rle", "rle": pack_mask(mask), "brushlabels": [name]},
            }
        )
    return results


def pack_mask(mask: NDArray[np.bool_]) -> list[int]:
    """Pack a mask as Label Studio does.

    Runs of equal bytes are written as one bit (a run), two bits (which of four sizes the length
    has), the length less one, and the byte.

    Args:
        mask: (height, width) bool.

    Returns:
        Bytes, as numbers.
    """
    flat = mask.ravel()
    starts = np.append(0, np.flatnonzero(flat[1:] != flat[:-1]) + 1)
    lengths = np.diff(np.append(starts, flat.size)) * _CHANNELS
    values = np.where(flat[starts], 255, 0)
    most = 1 << int(_LENGTH_BITS[-1])
    pieces = -(-lengths // most)
    last = lengths - (pieces - 1) * most
    values = np.repeat(values, pieces)
    lengths = np.full(values.shape, most)
    lengths[np.cumsum(pieces) - 1] = last
    size = np.searchsorted(1 << _LENGTH_BITS, lengths)
    header = (flat.size * _CHANNELS, _WORD_BITS - 1, *(_LENGTH_BITS - 1))
    fields = np.column_stack((np.ones_like(size), size, lengths - 1, values)).ravel()
    widths = np.column_stack(
        (
            np.ones_like(size),
            np.full_like(size, 2),
            _LENGTH_BITS[size],
            np.full_like(size, _WORD_BITS),
        )
    ).ravel()
    return _packed(
        np.concatenate((np.array(header, np.int64), fields)),
        np.concatenate((np.array(_HEADER_BITS), widths)),
    )


def _packed(numbers: NDArray[np.int64], widths: NDArray[np.int64]) -> list[int]:
    """Write numbers one after the other, highest bit first, each with so many bits."""
    ends = np.cumsum(widths)
    # Of each bit: the number that it is of, and its place in it, from the right.
    shifts = np.repeat(ends, widths) - 1 - np.arange(ends[-1])
    bits = (np.repeat(numbers, widths) >> shifts) & 1
    return np.packbits(bits.astype(np.uint8)).tolist()
