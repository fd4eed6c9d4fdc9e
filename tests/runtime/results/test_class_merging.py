import json
from pathlib import Path

import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.results.class_merging import ClassMerging

NAMES = ("sky", "road", "tree", "car", "pole")
COLORS = ((0, 0, 1), (0, 0, 2), (0, 0, 3), (0, 0, 4), (0, 0, 5))


def test_labels_names_and_colours_are_those_of_the_merged_classes(result_of):
    result = result_of([[0, 1, 2, 3, 4]])
    merged = result.merged({"rest": "*", "things": ["car", 4], "up": "Sky"})
    assert merged.labels.tolist() == [[2, 0, 0, 1, 1]]
    assert merged.labels.dtype == np.uint8
    assert merged.names == ("rest", "things", "up")
    assert merged.palette_rgb == tuple(result.palette_rgb[i] for i in (1, 3, 0))
    assert merged.areas() == {"rest": 0.4, "things": 0.4, "up": 0.2}
    assert type(merged) is type(result)
    assert result.labels.tolist() == [[0, 1, 2, 3, 4]]


def test_a_colour_can_be_given():
    merging = ClassMerging.of({"all": {"classes": ["*"], "color_rgb": [9, 8, 7]}}, NAMES, COLORS)
    assert merging.palette_rgb == ((9, 8, 7),)
    assert merging.new_ids == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("merged", "message"),
    [
        ({"a": ["sky", "rod"], "b": "*"}, "found 'rod': did you mean 'road'"),
        ({"a": "sky", "b": ["sky"], "c": "*"}, "found 'sky' in 'a' and in 'b'"),
        ({"a": "sky"}, r"found none for 'road', 'tree', 'car' and 1 more: .* as \"\*\""),
        ({"a": "*", "b": "*"}, "in one merged class, found it in 2"),
        ({"a": [], "b": "*"}, "expected classes in the merged class 'a', found none"),
        ({"a": 1.5, "b": "*"}, "expected names or ids of classes for the merged class 'a'"),
        ({"a": [True], "b": "*"}, "expected names or ids of classes for the merged class 'a'"),
        ({"a": None}, "expected names or ids of classes for the merged class 'a', found None"),
        ({"a": {"color_rgb": [1, 2, 3]}}, "expected classes and color_rgb for the merged class"),
        ({"a": {"classes": "*", "x": 1}}, "expected classes and color_rgb for the merged class"),
        (
            {"a": {"classes": "*", "color_rgb": [1, 2, 256]}},
            r"expected \[red, green, blue\] with values",
        ),
        ({"a": [0, 1, 2, 3, 4], "b": "*"}, "expected classes in the merged class 'b', found none"),
    ],
)
def test_what_is_no_merging_is_refused(merged, message):
    with pytest.raises(UsageError, match=message):
        ClassMerging.of(merged, NAMES, COLORS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "expected JSON in .*m.json"),
        (b"[" * 100_000, "expected JSON in .*m.json"),
        (b"\xff", "expected JSON in .*m.json"),
        (b'{"a": "sky", "a": "*"}', "expected JSON in .*: a name comes twice"),
        (b"[]", 'expected {"new name": '),
        (b"{}", 'expected {"new name": '),
        (b'{"a": "what"}', r"m\.json: expected class names"),
        (b'{"a": "' + b"x" * (1 << 20) + b'"}', "expected JSON in .*m.json"),
    ],
)
def test_a_file_that_is_malformed_is_refused(content: bytes, message: str, tmp_path: Path):
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        ClassMerging.read(tmp_path / "m.json", NAMES, COLORS)


def test_a_file_is_read(tmp_path: Path):
    (tmp_path / "m.json").write_text(json.dumps({"up": ["sky"], "else": "*"}))
    assert ClassMerging.read(tmp_path / "m.json", NAMES, COLORS).new_ids == (0, 1, 1, 1, 1)
    with pytest.raises(UsageError, match=r"cannot read merged classes from .*: No such file"):
        ClassMerging.read(tmp_path / "none.json", NAMES, COLORS)


def test_a_result_of_another_model_is_refused(result_of):
    merging = ClassMerging.of({"all": "*"}, NAMES[:3], COLORS[:3])
    with pytest.raises(UsageError, match="expected 3 classes to merge, found a model of 5"):
        result_of([[0]]).merged(merging)
