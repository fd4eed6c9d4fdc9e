import numpy as np
import pytest

from ppmobileseg_deploy.runtime.drawing import selection as selection_module
from ppmobileseg_deploy.runtime.drawing.overlay import draw_contours, line_widths
from ppmobileseg_deploy.runtime.drawing.selection import Selection

PALETTE_RGB = ((200, 0, 0), (0, 200, 0), (0, 0, 200))
GRAY = 100


def _drawn(selection: Selection) -> np.ndarray:
    picture = np.full((*selection.labels.shape, 3), GRAY, np.uint8)
    draw_contours(picture, selection, PALETTE_RGB)
    return picture


def _halves(height: int, width: int) -> np.ndarray:
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 1
    return labels


def test_small_pictures_get_a_bright_line_of_one_pixel() -> None:
    picture = _drawn(Selection(_halves(40, 40)))
    assert np.flatnonzero((picture[20] != GRAY).any(axis=-1)).tolist() == [20]
    blue, green, red = picture[20, 20].tolist()
    assert green > 200
    assert blue == red > 0


def test_lines_are_dark_in_the_middle_and_bright_on_both_sides() -> None:
    picture = _drawn(Selection(_halves(600, 800)))
    row = picture[300, 390:410].astype(int)
    touched = np.flatnonzero((row != GRAY).any(axis=-1))
    assert np.array_equal(touched, np.arange(touched[0], touched[0] + 3))
    left, middle, right = row[touched]
    assert left.argmax() == 2  # red, of BGR
    assert middle.max() < 30
    assert right.argmax() == 1


@pytest.mark.parametrize(
    ("size_hw", "widths"),
    [((64, 64), (0, 1)), ((512, 512), (1, 3)), ((1080, 1920), (2, 6)), ((6000, 8000), (11, 33))],
)
def test_lines_grow_with_the_picture(size_hw: tuple[int, int], widths: tuple[int, int]) -> None:
    assert line_widths(*size_hw) == widths


def test_classes_that_are_left_out_get_no_line_and_bound_the_others() -> None:
    labels = np.repeat(np.array([0, 1, 2], np.uint8), 20)[None].repeat(60, axis=0)
    picture = _drawn(Selection(labels, np.array([False, True, False])))
    touched = np.flatnonzero((picture[30] != GRAY).any(axis=-1))
    assert touched.tolist() == [20]  # the border at 40 belongs to the class that is left out
    everything = _drawn(Selection(labels, np.array([True, True, True])))
    assert np.array_equal(everything, _drawn(Selection(labels)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_bands_leave_no_trace(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.kron(
        np.random.default_rng(0).integers(0, 3, (20, 20)), np.ones((33, 41), np.int64)
    ).astype(dtype)
    whole = _drawn(Selection(labels))
    monkeypatch.setattr(selection_module, "_BAND_PIXELS", 8200)
    assert np.array_equal(_drawn(Selection(labels)), whole)


def test_one_class_alone_has_no_border() -> None:
    assert (_drawn(Selection(np.zeros((300, 400), np.uint8))) == GRAY).all()
