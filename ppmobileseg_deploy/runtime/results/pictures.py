"""Pictures of a segmentation: overlay, colours and legend, drawn in a style."""

from dataclasses import replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ..drawing.overlay import colorize, colorize_selected, draw_contours, overlay
from ..drawing.selection import Selection
from ..drawing.style import Style
from .segmentation import Segmentation

_NOTEBOOK_PX: Final = 740

# Names and legends are imported where they are drawn: they load fonts, and most programs that
# segment take the labels only.


def draw_overlay(segmentation: Segmentation, style: Style) -> NDArray[np.uint8]:
    """Draw the classes' colours over the image; see `SegmentationResult.plot`."""
    return _draw(segmentation, style, _selection(segmentation, style))


def draw_over_image(segmentation: Segmentation, style: Style) -> NDArray[np.uint8]:
    """Draw the overlay into the segmentation's own image, which is lost by that."""
    selection = _selection(segmentation, style)
    return _draw(segmentation, style, selection, segmentation.image_bgr)


def draw_colors(segmentation: Segmentation, style: Style) -> NDArray[np.uint8]:
    """Draw the classes' colours alone; see `SegmentationResult.color`."""
    selection = _selection(segmentation, style)
    if selection.everything:
        return colorize(segmentation.labels, segmentation.palette_rgb)
    return colorize_selected(selection, segmentation.palette_rgb)


def draw_cutout(segmentation: Segmentation, style: Style) -> NDArray[np.uint8]:
    """Draw the image where a style draws; see `SegmentationResult.cutout`."""
    selection = _selection(segmentation, style)
    image_bgr = segmentation.image_bgr
    picture: NDArray[np.uint8] = np.empty((*segmentation.orig_shape, 4), np.uint8)
    for rows in selection.bands():
        mask = selection.mask(rows)
        kept = cv2.bitwise_and(image_bgr[rows], image_bgr[rows], mask=mask)
        picture[rows] = np.dstack((kept, mask))
    return picture


def draw_legend(segmentation: Segmentation, style: Style) -> NDArray[np.uint8]:
    """Draw the overlay with a legend beside it; see `SegmentationResult.legend`."""
    from ..drawing.legend import draw_panel, legend_layout

    names, palette_rgb = segmentation.names, segmentation.palette_rgb
    selection = _selection(segmentation, style)
    shares = [(class_id, n / segmentation.labels.size) for class_id, n in selection.present()]
    height, width = segmentation.orig_shape
    layout = legend_layout((height, width), tuple(names))
    canvas: NDArray[np.uint8] = np.empty((*layout.size_hw, 3), np.uint8)
    _draw(segmentation, style, selection, canvas[:height, :width])
    draw_panel(canvas, layout, shares, names, palette_rgb)
    return canvas


_DRAW: Final = {
    "overlay": draw_overlay,
    "color": draw_colors,
    "legend": draw_legend,
    "cutout": draw_cutout,
}

DRAWN_KINDS: Final = frozenset(_DRAW)
"""The kinds of result that are drawn in a style; of videos they become videos."""


def draw(segmentation: Segmentation, kind: str, style: Style) -> NDArray[np.uint8]:
    """Draw one kind of picture.

    Args:
        segmentation: What is drawn.
        kind: One of `DRAWN_KINDS`.
        style: How it is drawn.

    Returns:
        (height, width, 3) uint8, BGR; colours of which some are left out have a fourth channel,
        alpha. A legend is wider than the image.

    Raises:
        UsageError: The kind is another one, or the style needs a confidence and there is none.
    """
    if kind not in _DRAW:
        raise UsageError(f"expected a picture of {', '.join(_DRAW)}, found {kind!r}")
    return _DRAW[kind](segmentation, style)


def opaque(image: NDArray[Any]) -> NDArray[Any]:
    """Lay an image with an alpha channel, 0 or 255, over black; return others as they are."""
    if image.shape[2] == 3:
        return image
    return cv2.bitwise_and(image[..., :3], image[..., :3], mask=image[..., 3])


def reduced_for_notebook(segmentation: Segmentation) -> Segmentation:
    """Return a segmentation of at most 740 pixels a side, the size at which notebooks show it."""
    height, width = segmentation.orig_shape
    scale = min(1.0, _NOTEBOOK_PX / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))

    def resized(pixels: NDArray[Any], interpolation: int) -> Any:
        return cv2.resize(pixels, size_wh, interpolation=interpolation)

    confidence = segmentation.confidence
    return replace(
        segmentation,
        image_bgr=resized(segmentation.image_bgr, cv2.INTER_AREA),
        labels=resized(segmentation.labels, cv2.INTER_NEAREST),
        confidence=None if confidence is None else resized(confidence, cv2.INTER_NEAREST),
    )


def _selection(segmentation: Segmentation, style: Style) -> Selection:
    return Selection.of(
        style, segmentation.labels, len(segmentation.names), segmentation.confidence
    )


def _draw(
    segmentation: Segmentation,
    style: Style,
    selection: Selection,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    palette_rgb = segmentation.palette_rgb
    picture = overlay(
        segmentation.image_bgr,
        segmentation.labels,
        palette_rgb,
        style.opacity,
        selection=selection,
        out=out,
    )
    if style.contours:
        draw_contours(picture, selection, palette_rgb)
    if style.label:
        from ..drawing.name_tags import draw_tags, place_tags

        draw_tags(picture, place_tags(selection, segmentation.names), palette_rgb)
    return picture
