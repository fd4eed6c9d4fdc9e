"""Every kind of result reads back as what it was."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import OutputError, UsageError
from ppmobileseg_deploy.runtime.batch import write_result
from ppmobileseg_deploy.runtime.drawing.style import Style


@pytest.mark.parametrize(("classes", "dtype"), [(3, np.uint8), (300, np.uint16)])
def test_labels_are_the_ids(tmp_path, make_result, classes, dtype):
    result = make_result(classes=classes)
    path = tmp_path / "new" / "labels.png"
    write_result(result, "labels", path, Style())
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, result.labels)


@pytest.mark.parametrize("classes", [3, 150, 256])
def test_indexed_is_the_ids_to_programs_and_colours_to_viewers(tmp_path, make_result, classes):
    result = make_result((33, 47), classes=classes)
    path = tmp_path / "indexed.png"
    write_result(result, "indexed", path, Style())
    with Image.open(path) as image:
        assert (image.mode, image.info.get("transparency")) == ("P", None)
        np.testing.assert_array_equal(np.asarray(image), result.labels)
        assert image.getpalette()[: 3 * classes] == [c for rgb in result.palette_rgb for c in rgb]
    assert path.read_bytes()[24:26] == b"\x08\x03"  # 8 bits, palette
    np.testing.assert_array_equal(cv2.imread(str(path)), result.color())


def test_indexed_labels_of_too_many_classes_are_refused(tmp_path, make_result):
    with pytest.raises(UsageError, match="at most 256 classes for indexed"):
        write_result(make_result(classes=257), "indexed", tmp_path / "a.png", Style())
    assert list(tmp_path.iterdir()) == []


STYLE = Style(0.25, classes=(0, 1), contours=True, label=True)


@pytest.mark.parametrize("kind", ["overlay", "legend"])
def test_pictures_are_drawn_in_the_style(tmp_path, make_result, kind):
    result = make_result()
    draw = result.plot if kind == "overlay" else result.legend
    write_result(result, kind, tmp_path / "a.png", STYLE)
    expected = draw(0.25, classes=(0, 1), contours=True, label=True)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png")), expected)


def test_colours_that_are_left_out_are_transparent(tmp_path, make_result):
    result = make_result()
    write_result(result, "color", tmp_path / "a.png", STYLE)
    read = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read, result.color(classes=(0, 1)))
    np.testing.assert_array_equal(read[..., 3] > 0, result.labels < 2)


def test_colours_that_are_left_out_are_black_without_alpha(tmp_path, make_result):
    result = make_result()
    write_result(result, "color", tmp_path / "a.bmp", STYLE)
    expected = result.color() * (result.labels < 2)[..., None]
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.bmp")), expected)


def test_json_says_what_the_result_says(tmp_path, make_result):
    result = make_result()
    write_result(result, "json", tmp_path / "a.json", Style())
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == json.loads(result.to_json())
    assert text.startswith('{\n  "') and text.endswith("}\n")


def test_run_lengths_are_read_by_pycocotools(tmp_path, make_result, decode_coco):
    result = make_result()
    write_result(result, "rle", tmp_path / "a.json", Style())
    annotations = json.loads((tmp_path / "a.json").read_text())
    assert [each["category_id"] for each in annotations] == [0, 1, 2]
    for each in annotations:
        np.testing.assert_array_equal(decode_coco(each), result.labels == each["category_id"])


@pytest.mark.parametrize("size_hw", [(1, 1_000_001), (1_000_001, 1)])
def test_labels_that_no_png_holds_leave_no_file(tmp_path, make_result, size_hw):
    with pytest.raises(OutputError, match=f"a PNG cannot hold {size_hw[0]}x{size_hw[1]} pixels"):
        write_result(make_result(size_hw), "labels", tmp_path / "a.png", Style())
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_is_refused(tmp_path, make_result):
    with pytest.raises(UsageError, match=r"expected a kind of result from overlay, .* found 'x'"):
        write_result(make_result(), "x", tmp_path / "a.png", Style())


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path, make_result):
    (tmp_path / "file").touch()
    for kind in ("overlay", "labels", "indexed", "json", "rle"):
        suffix = ".json" if kind in ("json", "rle") else ".png"
        with pytest.raises(OutputError, match=r"cannot write .*: (Not a directory|File exists)"):
            write_result(make_result(), kind, tmp_path / "file" / f"a{suffix}", Style())
