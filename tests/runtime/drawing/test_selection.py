import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.drawing.selection import Selection
from ppmobileseg_deploy.runtime.drawing.style import Style

LABELS = np.array([[0, 1, 2], [2, 2, 0]], np.uint8)
CONFIDENCE = np.array([[0.1, 0.5, 0.9], [0.4, np.nan, 1.0]], np.float32)
EVERYTHING = slice(None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
@pytest.mark.parametrize(
    ("style", "drawn", "present"),
    [
        (Style(), [[1, 1, 1], [1, 1, 1]], [(2, 3), (0, 2), (1, 1)]),
        (Style(classes=(2,)), [[0, 0, 1], [1, 1, 0]], [(2, 3)]),
        (Style(classes=()), [[0, 0, 0], [0, 0, 0]], []),
        (Style(confidence=0.5), [[0, 1, 1], [0, 0, 1]], [(0, 1), (1, 1), (2, 1)]),
        (Style(classes=(0, 2), confidence=0.5), [[0, 0, 1], [0, 0, 1]], [(0, 1), (2, 1)]),
    ],
)
def test_what_is_drawn(
    dtype: type[np.integer], style: Style, drawn: list[list[int]], present: list[tuple[int, int]]
) -> None:
    selection = Selection.of(style, LABELS.astype(dtype), 4, CONFIDENCE)
    mask = selection.mask(EVERYTHING)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, 255 * np.array(drawn))
    assert np.array_equal(selection.mask(slice(1, 2), slice(0, 2)), mask[1:2, 0:2])
    assert selection.present() == present
    assert selection.everything == (style == Style())


def test_confidence_that_nobody_asks_about_may_be_missing() -> None:
    assert Selection.of(Style(), LABELS, 3, None).everything is True


def test_without_confidence_the_error_says_how_to_get_it() -> None:
    with pytest.raises(UsageError, match=r"confidence=0\.5 needs .*confidence=True"):
        Selection.of(Style(confidence=0.5), LABELS, 3, None)


def test_confidence_of_another_size_is_refused() -> None:
    with pytest.raises(UsageError, match=r"of shape \(2, 3\), found \(3, 2\)"):
        Selection.of(Style(confidence=0.5), LABELS, 3, CONFIDENCE.T)


def test_bands_cover_every_row_once() -> None:
    for shape in [(1, 1), (3000, 2000), (7, 5_000_000), (100_000, 1)]:
        labels = np.broadcast_to(np.uint8(0), shape)
        rows = [row for band in Selection(labels).bands() for row in (band.start, band.stop)]
        assert rows[0] == 0
        assert rows[-1] == shape[0]
        assert rows[1:-1:2] == rows[2::2]
