"""Sidecars say what metadata say, and the wrong ones are refused."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ppmobileseg_deploy.errors import ModelError
from ppmobileseg_deploy.metadata import COARSE_LOGITS, ModelMetadata
from ppmobileseg_deploy.sidecar import _PLACES, SCHEMA, metadata_beside, sidecar, sidecar_path

VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
TWO = ModelMetadata(class_names=("a", 'b "c"'), palette_rgb=((1, 2, 3), (4, 5, 6)))
OUTPUT = {"name": "output", "dtype": "int64", "layout": "NCHW", "shape": ["n", 1, "h", "w"]}
Content = dict[str, Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"any bytes")
    return path


def content_for(model: Path, metadata: ModelMetadata = TWO) -> Content:
    kind, stride = ("logits", 16) if metadata.output == COARSE_LOGITS else (metadata.output, 1)
    return sidecar(
        metadata,
        {"file": model.name, "sha256": hashlib.sha256(model.read_bytes()).hexdigest()},
        {
            "name": "input",
            "dtype": "float32",
            "layout": "NCHW",
            "shape": ["n", 3, "h", "w"],
            "normalized_by": "caller",
        },
        [{**OUTPUT, "kind": kind, "stride": stride}],
    )


def write(model: Path, content: object) -> None:
    sidecar_path(model).write_text(
        content if isinstance(content, str) else json.dumps(content), "utf-8"
    )


@pytest.mark.parametrize(
    "metadata",
    [
        ModelMetadata(variant="tiny", stride=16, tool_version="0.1.0", checkpoint="a.pth"),
        replace(TWO, threshold=0.25, output="logits", precision="int8", vim="image"),
        replace(TWO, short_side=None, long_side=None, resize_rule="paddleseg", size_multiple=1),
        replace(TWO, short_side=None, long_side=None, stretched_hw=(512, 640)),
        replace(TWO, mean_rgb=(0.5, 1.5, -2.0), std_rgb=(1.0, 0.25, 3.0), channel_order="bgr"),
        replace(TWO, output=COARSE_LOGITS, stride=8),
    ],
    ids=lambda metadata: f"{metadata.output}-{metadata.resize_rule}-{metadata.stretched_hw}",
)
def test_what_is_written_is_valid_and_read_back(metadata: ModelMetadata, model: Path) -> None:
    content = json.loads(json.dumps(content_for(model, metadata)))
    VALIDATOR.validate(content)
    assert "null" not in json.dumps(content)  # which OpenCV's reader does not take
    write(model, content)
    assert metadata_beside(model) == metadata


def test_every_field_of_the_metadata_has_a_place() -> None:
    # Of these the first three are lists of their own, and the last is refused in an export.
    elsewhere = {"class_names", "palette_rgb", "output", "upsampling"}
    assert {each.name for each in fields(ModelMetadata)} == {*_PLACES, *elsewhere}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)


def without(content: Content, part: str, name: str | None = None) -> Content:
    if name is None:
        return {key: value for key, value in content.items() if key != part}
    return {**content, part: without(content[part], name)}


def having(content: Content, part: str, name: str, value: object) -> Content:
    return {**content, part: {**content[part], name: value}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: json.dumps(c)[:-20], "expected JSON"),
        (lambda _: "[" * 100_000, "expected JSON"),
        (lambda c: {**c, "schema_version": 2}, "expected schema version 1, found 2"),
        (lambda c: without(c, "schema_version"), "expected schema version 1, found None"),
        (lambda c: without(c, "classes"), "expected one colour for each of at least one class"),
        (lambda c: {**c, "classes": c["classes"][::-1]}, "expected class 0"),
        (lambda c: {**c, "classes": [{"id": 0, "name": 3, "color_rgb": [0, 0, 0]}]}, "texts"),
        (lambda c: {**c, "classes": [{"id": 0, "name": "a", "color_rgb": [0, 0, 256]}]}, "255"),
        (lambda c: without(c, "outputs"), "expected outputs, found None"),
        (lambda c: {**c, "outputs": [{**OUTPUT, "kind": "boxes", "stride": 1}]}, "boxes"),
        (lambda c: without(c, "resize"), "none in 'resize', found None"),
        (lambda c: without(c, "resize", "rule"), "expected 'rule' in 'resize', found none"),
        (lambda c: having(c, "resize", "scaling", "none"), "no 'short_side' with a scaling"),
        (lambda c: having(c, "resize", "scaling", "stretched"), "no 'short_side' with a scaling"),
        (lambda c: having(c, "resize", "scaling", []), "found []"),
        (lambda c: without(c, "resize", "short_side"), "expected 'short_side' in 'resize'"),
        (lambda c: having(c, "resize", "short_side", None), "expected 'short_side' in 'resize'"),
        (lambda c: having(c, "resize", "size_multiple", 1 << 40), "resize rule of 1 to 8192"),
        (lambda c: having(c, "input", "std_rgb", [1, 0, 1]), "above zero"),
        (lambda c: having(c, "input", "mean_rgb", [float("nan"), 0, 1]), "finite means"),
        (lambda c: having(c, "input", "mean_rgb", 5), "expected a list of numbers"),
        (lambda c: having(c, "model", "stride", 1.5), "whole number"),
        (lambda c: having(c, "model", "stride", 10**400), "stride of 0 to 256"),
        (lambda c: having(c, "model", "sha256", "0" * 64), "is not that of net.onnx"),
        (lambda c: without(c, "model", "sha256"), "is not that of net.onnx"),
    ],
)  # fmt: skip
def test_wrong_sidecars_are_refused_in_one_line(
    change: Callable[[Content], object], expected: str, model: Path
) -> None:
    write(model, change(content_for(model)))
    with pytest.raises(ModelError) as caught:
        metadata_beside(model)
    assert expected in str(caught.value)
    assert "net.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_another_files_hash_is_named_with_this_ones(model: Path) -> None:
    write(model, content_for(model))
    model.write_bytes(b"other bytes")
    with pytest.raises(ModelError) as caught:
        metadata_beside(model)
    for content in (b"any bytes", b"other bytes"):
        assert hashlib.sha256(content).hexdigest() in str(caught.value)


@pytest.mark.parametrize("content", ["{}", "[1]", "3", '{"tool": {"name": "x"}}', '{"tool": 1}'])
def test_json_of_others_is_passed_over(content: str, model: Path) -> None:
    write(model, content)
    assert metadata_beside(model) is None


def test_no_more_is_read_than_a_sidecar_has(model: Path) -> None:
    write(model, " " * ((1 << 24) + 1))
    with pytest.raises(ModelError, match="at most 16777216 bytes"):
        metadata_beside(model)


def test_without_one_there_is_none(model: Path) -> None:
    assert metadata_beside(model) is None
    sidecar_path(model).mkdir()
    assert metadata_beside(model) is None
    path = sidecar_path(model).with_name("self.json")
    path.write_text("{}", "utf-8")
    assert metadata_beside(path) is None
