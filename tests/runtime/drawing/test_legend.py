import numpy as np
import pytest

from ppmobileseg_deploy.palettes import distinct_palette
from ppmobileseg_deploy.runtime.drawing.legend import draw_panel, legend_layout, share_text

NAMES = tuple(f"thing {i}" for i in range(200))
PALETTE_RGB = distinct_palette(200)


def _panel(
    picture_hw: tuple[int, int], classes: list[tuple[int, float]], names: tuple[str, ...] = NAMES
) -> np.ndarray:
    layout = legend_layout(picture_hw, names)
    canvas = np.full((*layout.size_hw, 3), 77, np.uint8)
    draw_panel(canvas, layout, classes, names, PALETTE_RGB)
    height, width = picture_hw
    assert (canvas[:height, :width] == 77).all()
    return canvas[:, width:]


def _rows_of(panel: np.ndarray, class_id: int) -> np.ndarray:
    color_bgr = np.array(PALETTE_RGB[class_id][::-1])
    return np.flatnonzero((panel == color_bgr).all(axis=-1).any(axis=1))


@pytest.mark.parametrize(
    "size_hw", [(1, 1), (64, 64), (512, 512), (1080, 1920), (100, 4000), (4000, 100), (3000, 4000)]
)
def test_classes_are_listed_in_order_at_any_size(size_hw: tuple[int, int]) -> None:
    panel = _panel(size_hw, [(5, 0.6), (2, 0.3), (9, 0.1)])
    rows = [_rows_of(panel, class_id) for class_id in (5, 2, 9)]
    assert all(len(each) >= 7 for each in rows)
    assert rows[0].max() < rows[1].min()
    assert rows[1].max() < rows[2].min()
    assert len(_rows_of(panel, 3)) == 0


def test_letters_scale_with_the_picture_and_stay_readable() -> None:
    sizes = [legend_layout(hw, NAMES).letter_px for hw in [(64, 64), (1080, 1920), (6000, 8000)]]
    assert sizes == [11, 31, 119]
    assert legend_layout((100, 4000), NAMES).letter_px == 11


def test_the_size_does_not_depend_on_what_is_present() -> None:
    assert (
        _panel((300, 400), []).shape == _panel((300, 400), [(i, 0.01) for i in range(100)]).shape
    )


def test_what_does_not_fit_is_counted() -> None:
    all_of_them = [(i, 0.005) for i in range(200)]
    panel = _panel((300, 400), all_of_them)
    shown = sum(len(_rows_of(panel, i)) > 0 for i in range(200))
    assert 10 < shown < 30
    # The line after the last swatch has letters too.
    last = max(_rows_of(panel, i).max(initial=0) for i in range(shown))
    assert (panel[last + 6 :] < 200).any()


@pytest.mark.parametrize("size_hw", [(1, 1), (64, 64), (1080, 1920)])
@pytest.mark.parametrize("names", [NAMES, ("a",)])
def test_a_panel_without_classes_says_so(size_hw: tuple[int, int], names: tuple[str, ...]) -> None:
    panel = _panel(size_hw, [], names)
    layout = legend_layout(size_hw, names)
    lines = np.flatnonzero((panel < 200).any(axis=(1, 2)))
    assert len(lines) >= 5
    assert lines.max() < 2.5 * layout.letter_px
    margin = layout.letter_px // 2
    assert (panel[:, :margin] == 255).all()
    assert (panel[:, -margin:] == 255).all()


def test_more_classes_make_letters_smaller_before_any_is_left_out() -> None:
    layout = legend_layout((600, 800), NAMES)
    assert layout.letters_for(5) == layout.letter_px
    assert 11 <= layout.letters_for(25) < layout.letter_px
    panel = _panel((600, 800), [(i, 0.04) for i in range(25)])
    assert all(len(_rows_of(panel, i)) for i in range(25))


def test_names_of_any_kind_stay_within_the_panel() -> None:
    names = ("x" * 10_000, "\u5929\u7a7a", "", "\x00\n\x1b[31m")
    panel = _panel((300, 400), [(i, 0.25) for i in range(4)], names)
    assert panel.shape[1] < 400
    # The paper's margin is clean.
    assert (panel[:, -8:] == 255).all()


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.314, "31 %"), (0.005, "0 %"), (0.0051, "1 %"), (1e-9, "<1 %"), (0, "0 %")],
)
def test_shares(share: float, text: str) -> None:
    assert share_text(share) == text
