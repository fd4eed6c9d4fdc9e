import builtins
import doctest
import json
import sys
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco

from ppmobileseg_deploy.errors import OutputError, UsageError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.palettes import distinct_palette
from ppmobileseg_deploy.runtime.drawing import style as style_module
from ppmobileseg_deploy.runtime.drawing.overlay import overlay
from ppmobileseg_deploy.runtime.drawing.style import Style
from ppmobileseg_deploy.runtime.images.files import read_image
from ppmobileseg_deploy.runtime.results import result as result_module
from ppmobileseg_deploy.runtime.results.result import SegmentationResult

OF_POLYGONS = ("tolerance", "min_area")
# pycocotools 2.0.11 and before, with NumPy 2.
COCO_WARNING = "ignore:__array__ implementation doesn't accept a copy"


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


def _photograph(height: int = 120, width: int = 200, **more: Any) -> SegmentationResult:
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 4, (4, 5), np.uint8), np.ones((60, 80), np.uint8))
    return replace(
        _result([[0]]),
        labels=np.ascontiguousarray(labels[:height, :width]),
        image_bgr=rng.integers(0, 256, (height, width, 3), np.uint8),
        **more,
    )


def test_repr_of_odd_names_is_one_harmless_line() -> None:
    text = repr(_result([[0, 1]], ("\x1b[2J", "a\nb"), Path("x\x1b[31m.jpg")))
    assert text.isprintable()
    assert text == r"SegmentationResult(x\x1b[31m.jpg, 1x2, \x1b[2J 50 %, a\nb 50 %)"


def test_masks_by_name_and_id() -> None:
    result = _result([[0, 1], [2, 0]], ("screen", "wall", "screen"))
    assert result.mask("wall").tolist() == [[False, True], [False, False]]
    assert result.mask(1).dtype == np.bool_
    assert result.mask("screen").tolist() == [[True, False], [True, True]]
    assert result.mask("screen (2)").tolist() == [[False, False], [True, False]]
    with pytest.raises(UsageError, match="did you mean 'wall'"):
        result.mask("walls")


def test_boxes_cut_the_class_out() -> None:
    result = _result([[0, 0, 0, 0], [0, 1, 0, 3], [0, 1, 1, 0]])
    assert list(result.boxes().items()) == [
        ("sky", (0, 0, 4, 3)),
        ("road", (1, 1, 3, 3)),
        ("car", (3, 1, 4, 2)),
    ]


def test_palette_is_what_people_look_for() -> None:
    assert _result([[0]]).palette == _result([[0]]).palette_rgb


def test_classes_that_are_not_chosen_are_transparent() -> None:
    result = _photograph()
    picture = result.plot(0.5, classes=["road", 3])
    shown = result.mask(1) | result.mask(3)
    assert np.array_equal(picture[shown], result.plot(0.5)[shown])
    assert np.array_equal(picture[~shown], result.image_bgr[~shown])
    colors = result.color(classes=["road", 3])
    assert colors.shape == (120, 200, 4)
    assert np.array_equal(colors[..., 3] == 255, shown)
    assert np.array_equal(colors[shown][:, :3], result.color()[shown])
    assert not colors[~shown].any()


def test_unsure_pixels_are_transparent() -> None:
    confidence = np.linspace(0, 1, 120 * 200, dtype=np.float32).reshape(120, 200)
    result = _photograph(confidence=confidence)
    sure = confidence >= 0.7
    picture = result.plot(confidence=0.7)
    assert np.array_equal(picture[sure], result.plot()[sure])
    assert np.array_equal(picture[~sure], result.image_bgr[~sure])
    assert np.array_equal(result.color(confidence=0.7)[..., 3] == 255, sure)


@pytest.mark.parametrize(
    "method", ["plot", "color", "legend", "show", "to_dict", "to_json", "to_rle"]
)
def test_without_confidence_none_can_be_asked_for(method: str) -> None:
    with pytest.raises(UsageError, match="confidence=True"):
        getattr(_result([[0]]), method)(confidence=0.5)


def test_a_style_holds_the_arguments_of_plot() -> None:
    result = _photograph()
    style = Style(0.3, (1, 2), contours=True, label=True)
    picture = result.plot(0.3, classes=["road", "tree"], contours=True, label=True)
    of_pictures = {name: value for name, value in asdict(style).items() if name not in OF_POLYGONS}
    assert np.array_equal(result.plot(**of_pictures), picture)
    assert not np.array_equal(picture, result.plot(0.3, classes=[1, 2], contours=True))
    assert not np.array_equal(picture, result.plot(0.3, classes=[1, 2], label=True))


def test_save_takes_the_arguments_of_plot(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"classes": ["sky"], "contours": True, "label": True}
    _photograph().save(tmp_path / "a.png", 0.7, **arguments)
    assert np.array_equal(read_image(tmp_path / "a.png"), _photograph().plot(0.7, **arguments))


def test_the_legend_has_the_picture_at_its_top_left() -> None:
    result = _photograph()
    legend = result.legend(0.3, contours=True, label=True, classes=["sky", "car"])
    assert legend.shape[0] >= 120
    assert legend.shape[1] > 200
    expected = result.plot(0.3, contours=True, label=True, classes=["sky", "car"])
    assert np.array_equal(legend[:120, :200], expected)


def test_the_legend_lists_what_is_drawn() -> None:
    result = _photograph()
    for classes, listed in [(None, {0, 1, 2, 3}), (["road"], {1}), ([], set())]:
        panel = result.legend(classes=classes)[:, 200:]
        found = {
            class_id
            for class_id, rgb in enumerate(result.palette_rgb)
            if (panel == rgb[::-1]).all(axis=-1).any()
        }
        assert found == listed


def test_json_is_one_line_that_says_everything() -> None:
    metadata = ModelMetadata(
        variant="tiny", checkpoint="a.pth", checkpoint_sha256="12ab", tool_version="1.0"
    )
    result = replace(
        _result([[1, 1, 1, 1], [0, 0, 3, 1]], path=Path("photos/street.jpg")),
        metadata=metadata,
        model_file="end2end.onnx",
        frame_index=7,
        time_s=0.28,
    )
    text = result.to_json()
    assert "\n" not in text
    found = json.loads(text)
    assert found == result.to_dict()
    assert found["image"] == {
        "path": str(Path("photos/street.jpg")),
        "source": str(Path("photos/street.jpg")),
        "height": 2,
        "width": 4,
        "frame_index": 7,
        "time_s": 0.28,
    }
    assert found["model"] == {
        "file": "end2end.onnx",
        "variant": "tiny",
        "checkpoint": "a.pth",
        "checkpoint_sha256": "12ab",
        "tool_version": "1.0",
    }
    assert found["speed_ms"] == {"preprocess": 1.0, "inference": 2.0, "postprocess": 0.5}
    assert [each["name"] for each in found["classes"]] == ["road", "sky", "car"]
    assert found["classes"][0] == {
        "id": 1,
        "name": "road",
        "pixels": 5,
        "share": 0.625,
        "box_xyxy": [0, 0, 4, 2],
        "color_rgb": list(distinct_palette(4)[1]),
    }


def test_json_of_odd_facts_is_still_json() -> None:
    result = replace(
        _result([[0, 1]], ("half \ud800 a pair", "line\nbreak \u2028"), Path("\udce4.jpg")),
        speed={"inference": float("nan"), "preprocess": float("inf")},
        time_s=float("nan"),
        palette_rgb=tuple(tuple(np.uint8([1, 2, 3])) for _ in range(2)),
    )
    text = result.to_json()
    assert text.isascii()
    assert "\\ud8" not in text.lower()
    assert "\\udc" not in text.lower()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["speed_ms"] == {"inference": None, "preprocess": None}
    assert found["image"]["time_s"] is None
    assert found["image"]["path"] == "\ufffd.jpg"
    assert found["classes"][1]["name"] == "line\nbreak \u2028"


def test_the_source_is_told_where_there_is_no_file() -> None:
    found = replace(_result([[0]]), source="camera 0").to_dict()["image"]
    assert (found["path"], found["source"]) == (None, "camera 0")
    assert _result([[0]]).to_dict()["image"]["source"] == ""


def test_json_and_run_lengths_tell_of_what_is_chosen_and_sure() -> None:
    confidence = np.array([[0.9, 0.9, 0.2, 0.9], [0.1, 0.9, 0.9, np.nan]], np.float32)
    result = replace(_result([[1, 1, 1, 1], [0, 0, 3, 1]]), confidence=confidence)
    chosen: list[dict[str, Any]] = [
        {"classes": ["car", "road"]},
        {"confidence": 0.5},
        {"classes": "sky", "confidence": 0.5},
        {"classes": []},
    ]
    expected: list[dict[int, tuple[int, list[int]]]] = [
        {1: (5, [0, 0, 4, 2]), 3: (1, [2, 1, 3, 2])},
        {1: (3, [0, 0, 4, 1]), 0: (1, [1, 1, 2, 2]), 3: (1, [2, 1, 3, 2])},
        {0: (1, [1, 1, 2, 2])},
        {},
    ]
    for arguments, classes in zip(chosen, expected, strict=True):
        record = result.to_dict(**arguments)
        assert json.loads(result.to_json(**arguments)) == record
        found = {each["id"]: (each["pixels"], each["box_xyxy"]) for each in record["classes"]}
        assert found == classes
        assert list(found) == list(classes)
        assert all(each["share"] == each["pixels"] / 8 for each in record["classes"])
        annotations = result.to_rle(**arguments)
        assert [each["category_id"] for each in annotations] == sorted(classes)
        for each in annotations:
            assert each["area"] == coco.area(each["segmentation"])
            assert each["area"] == classes[each["category_id"]][0]


@pytest.mark.filterwarnings(COCO_WARNING)
def test_run_lengths_are_read_by_pycocotools() -> None:
    result = _photograph()
    annotations = json.loads(json.dumps(result.to_rle()))
    assert [each["category_id"] for each in annotations] == [0, 1, 2, 3]
    for each in annotations:
        mask = result.mask(each["category_id"])
        assert each["category_name"] == result.names[each["category_id"]]
        assert np.array_equal(coco.decode(each["segmentation"]), mask)
        assert each["area"] == mask.sum() == coco.area(each["segmentation"])
        assert each["bbox"] == coco.toBbox(each["segmentation"]).tolist()
        assert each["iscrowd"] == 0


@pytest.mark.parametrize(
    ("path", "frame_index", "image_id"),
    [
        (Path("a/000000000139.jpg"), None, 139),
        (Path("a/street.jpg"), None, "street"),
        (Path("a/\u0661.jpg"), None, "\u0661"),
        (Path("9" * 5000 + ".jpg"), None, "9" * 5000),
        (Path("video.mp4"), 12, 12),
        (None, None, ""),
    ],
)
def test_annotations_name_their_image(
    path: Path | None, frame_index: int | None, image_id: int | str
) -> None:
    result = replace(_result([[0]], path=path), frame_index=frame_index)
    assert result.to_rle()[0]["image_id"] == image_id


@pytest.mark.parametrize("size_hw", [(240, 400), (60, 80), (1, 1), (1, 400)])
def test_notebooks_get_a_picture_of_modest_size(size_hw: tuple[int, int]) -> None:
    result = _photograph(*size_hw)
    large = replace(
        result,
        labels=np.repeat(np.repeat(result.labels, 9, axis=0), 9, axis=1),
        image_bgr=np.repeat(np.repeat(result.image_bgr, 9, axis=0), 9, axis=1),
    )
    for each in (result, large):
        png = each._repr_png_()
        assert png.startswith(b"\x89PNG")
        height, width = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        assert max(height, width) <= 1000


def test_show_opens_a_window_and_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class FakeWindow:
        def __init__(self, title: str) -> None:
            seen.append(title)

        def show(self, image_bgr: np.ndarray) -> None:
            seen.append(image_bgr)

    monkeypatch.setattr("ppmobileseg_deploy.runtime.drawing.window.Window", FakeWindow)
    monkeypatch.setattr(cv2, "destroyWindow", seen.append)
    result = _photograph(path=Path("a/street.jpg"))
    result.show(0.3, contours=True)
    assert (seen[0], seen[2]) == ("street.jpg", "street.jpg")
    assert np.array_equal(seen[1], result.plot(0.3, contours=True))


@pytest.mark.parametrize("size_hw", [(60, 80), (240, 400)])
def test_show_displays_in_a_notebook(
    size_hw: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bytes] = []

    class Kernel:
        kernel = object()

    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = Kernel  # type: ignore[attr-defined]
    display.Image = lambda data, format: {"data": data, "format": format}  # type: ignore[attr-defined]  # noqa: A006
    display.display = lambda image: shown.append(image["data"])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    result = _photograph(*size_hw, confidence=np.ones(size_hw, np.float32))
    result.show(0.3, contours=True, confidence=0.5)
    (png,) = shown
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(picture, result.plot(0.3, contours=True, confidence=0.5))


def test_numbers_of_records_are_rounded() -> None:
    labels = np.zeros((100, 300), np.uint8)
    labels[0, 0], labels[:, 100:] = 1, 2
    result = replace(
        _result([[0]]),
        labels=labels,
        speed={"preprocess": 1.23456, "inference": 1234.5678},
        time_s=1 / 29.97,
    )
    record = result.to_dict()
    assert record["speed_ms"] == {"preprocess": 1.23, "inference": 1234.57}
    assert record["image"]["time_s"] == 0.033
    assert [each["share"] for each in record["classes"]] == [0.6667, 0.3333, 0.0]
    assert [each["pixels"] for each in record["classes"]] == [20_000, 9_999, 1]


def test_drawing_large_images_takes_little_more_than_the_result() -> None:
    labels = np.zeros((3000, 4000), np.uint8)
    labels[1000:2000, 500:] = 1
    result = replace(
        _result([[0]]),
        labels=labels,
        image_bgr=np.zeros((3000, 4000, 3), np.uint8),
        confidence=np.ones((3000, 4000), np.float32),
    )
    for draw in (
        lambda: result.plot(contours=True, label=True, classes=[1], confidence=0.5),
        lambda: result.color(classes=[0]),
        lambda: result.legend(contours=True),
    ):
        tracemalloc.start()
        drawn = draw()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # Half a result more: bands of a million pixels, in arrays of up to 8 bytes a pixel.
        assert peak < 1.5 * drawn.nbytes


@pytest.mark.filterwarnings(COCO_WARNING)
@pytest.mark.parametrize("module", [result_module, style_module])
def test_the_examples_run(module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = _result([[0, 0, 0], [0, 1, 1]], ("sky", "tree"))
    names = {"result": result, "cv2": cv2, "json": json, "np": np, "__builtins__": builtins}
    failed, attempted = doctest.testmod(module, extraglobs=names)
    assert failed == 0
    assert attempted >= 3
