"""Pictures of a result, drawn in a style: for people to look at."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..drawing.overlay import colorize, cut_out, draw_contours, overlay
from ..drawing.selection import Selection
from ..drawing.style import Style

if TYPE_CHECKING:
    from .result import SegmentationResult

_NOTEBOOK_PX: Final = 740

# Lines, letters and panels are imported where they are drawn: they load fonts, and most programs
# that segment take the labels only.


def draw_overlay(result: "SegmentationResult", style: Style) -> NDArray[np.uint8]:
    """Return what `SegmentationResult.plot` describes."""
    return _draw(result, style, _selection(result, style))


def draw_over_image(result: "SegmentationResult", style: Style) -> NDArray[np.uint8]:
    """Return the same, drawn over the result's own image, which is gone then."""
    return _draw(result, style, _selection(result, style), result.image_bgr)


def draw_colors(result: "SegmentationResult", style: Style) -> NDArray[np.uint8]:
    """Return what `SegmentationResult.color` describes."""
    selection = _selection(result, style)
    if selection.everything:
        return colorize(result.labels, result.palette_rgb)
    return cut_out(selection, result.palette_rgb)


def draw_legend(result: "SegmentationResult", style: Style) -> NDArray[np.uint8]:
    """Return what `SegmentationResult.legend` describes."""
    from ..drawing.legend import draw_panel, legend_layout

    selection = _selection(result, style)
    shares = [(class_id, n / result.labels.size) for class_id, n in selection.present()]
    layout = legend_layout(result.orig_shape, tuple(result.names))
    canvas: NDArray[np.uint8] = np.empty((*layout.size_hw, 3), np.uint8)
    height, width = result.orig_shape
    _draw(result, style, selection, canvas[:height, :width])
    draw_panel(canvas, layout, shares, result.names, result.palette_rgb)
    return canvas


def notebook_png(result: "SegmentationResult") -> bytes:
    """Return a PNG file of the legend, no larger than a notebook shows it."""
    height, width = result.orig_shape
    scale = min(1.0, _NOTEBOOK_PX / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    reduced = replace(
        result,
        image_bgr=cv2.resize(result.image_bgr, size_wh, interpolation=cv2.INTER_AREA),  # type: ignore[arg-type]
        labels=cv2.resize(result.labels, size_wh, interpolation=cv2.INTER_NEAREST),  # type: ignore[arg-type]
        confidence=None,
    )
    return cv2.imencode(".png", draw_legend(reduced, Style()))[1].tobytes()


def _selection(result: "SegmentationResult", style: Style) -> Selection:
    return Selection.of(style, result.labels, len(result.names), result.confidence)


def _draw(
    result: "SegmentationResult",
    style: Style,
    selection: Selection,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    picture = overlay(
        result.image_bgr,
        result.labels,
        result.palette_rgb,
        style.opacity,
        selection=selection,
        out=out,
    )
    if style.contours:
        draw_contours(picture, selection, result.palette_rgb)
    if style.label:
        from ..drawing.name_tags import draw_tags, place_tags

        draw_tags(picture, place_tags(selection, result.names), result.palette_rgb)
    return picture
