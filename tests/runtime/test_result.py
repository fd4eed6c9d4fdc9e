from pathlib import Path

import numpy as np
import pytest

from ppmobileseg_deploy.errors import OutputError, UsageError
from ppmobileseg_deploy.palettes import distinct_palette
from ppmobileseg_deploy.runtime.drawing import overlay
from ppmobileseg_deploy.runtime.images import read_image
from ppmobileseg_deploy.runtime.result import SegmentationResult


def _result(
    labels: list[list[int]],
    names: tuple[str, ...] = ("sky", "road", "tree", "car"),
    path: Path | None = None,
) -> SegmentationResult:
    plane = np.array(labels, np.uint8)
    return SegmentationResult(
        labels=plane,
        names=names,
        palette_rgb=distinct_palette(len(names)),
        image_bgr=np.full((*plane.shape, 3), 100, np.uint8),
        path=path,
        speed={"preprocess": 1.0, "inference": 2.0, "postprocess": 0.5},
    )


def test_areas_are_shares_of_the_classes_present_largest_first() -> None:
    result = _result([[1, 1, 1, 1], [0, 0, 3, 1]])
    assert list(result.areas().items()) == [("road", 0.625), ("sky", 0.25), ("car", 0.125)]


def test_equal_areas_keep_the_order_of_the_ids() -> None:
    assert list(_result([[3, 2, 1, 0]]).areas()) == ["sky", "road", "tree", "car"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("screen", "wall", "screen"), {"screen (0)": 0.25, "wall": 0.25, "screen (2)": 0.5}),
        (("a", "a", "a (1)"), {"a (0)": 0.25, "a (1)": 0.25, "a (1) (2)": 0.5}),
        (("a", "b", "c"), {"a": 0.25, "b": 0.25, "c": 0.5}),
    ],
)
def test_classes_of_one_name_stay_apart(
    names: tuple[str, ...], expected: dict[str, float]
) -> None:
    assert _result([[0, 1], [2, 2]], names).areas() == expected


def test_a_duplicate_name_is_spelled_the_same_whatever_is_present() -> None:
    assert list(_result([[2, 2]], ("screen", "wall", "screen")).areas()) == ["screen (2)"]


def test_plot_and_color_draw_the_labels() -> None:
    result = _result([[0, 1], [2, 2]])
    expected = overlay(result.image_bgr, result.labels, result.palette_rgb, 0.3)
    assert np.array_equal(result.plot(opacity=0.3), expected)
    assert np.array_equal(result.color(), result.plot(opacity=1.0))
    assert np.array_equal(result.image_bgr, np.full((2, 2, 3), 100))


def test_save_writes_the_overlay(tmp_path: Path) -> None:
    result = _result([[0, 1], [2, 2]])
    result.save(tmp_path / "new" / "overlay.png")
    assert np.array_equal(read_image(tmp_path / "new" / "overlay.png"), result.plot())
    result.save(str(tmp_path / "faint.png"), opacity=0.1)
    assert np.array_equal(read_image(tmp_path / "faint.png"), result.plot(0.1))


@pytest.mark.parametrize(
    ("name", "opacity", "error"),
    [
        ("overlay.xyz", 0.5, UsageError),
        ("overlay.png", 1.5, UsageError),
        ("in the way/overlay.png", 0.5, OutputError),
    ],
)
def test_what_cannot_be_saved_leaves_nothing(
    name: str, opacity: float, error: type[Exception], tmp_path: Path
) -> None:
    (tmp_path / "in the way").write_text("a file")
    with pytest.raises(error):
        _result([[0]]).save(tmp_path / name, opacity)
    assert [each.name for each in tmp_path.iterdir()] == ["in the way"]


def test_orig_shape_is_height_and_width() -> None:
    assert _result([[0, 1, 2]]).orig_shape == (1, 3)


@pytest.mark.parametrize(
    ("labels", "path", "expected"),
    [
        (
            [[1, 1, 1, 1], [0, 0, 3, 1]],
            Path("photos/street.jpg"),
            "SegmentationResult(street.jpg, 2x4, road 62 %, sky 25 %, car 12 %)",
        ),
        ([[0, 0, 1, 2, 3]], None, "SegmentationResult(1x5, sky 40 %, road 20 %, tree 20 %, ...)"),
        ([[0]], None, "SegmentationResult(1x1, sky 100 %)"),
    ],
)
def test_repr_says_what_was_found(
    labels: list[list[int]], path: Path | None, expected: str
) -> None:
    assert repr(_result(labels, path=path)) == expected
