import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.exporters import ExportOptions
from ppmobileseg_deploy.exporters.mmdeploy_info import FILE_NAMES, dump_info
from ppmobileseg_deploy.metadata import ModelMetadata

METADATA = ModelMetadata(variant="tiny", stride=16, checkpoint="my.pth")


def dumped(
    folder: Path, options: ExportOptions, metadata: ModelMetadata = METADATA
) -> tuple[dict[str, Any], ...]:
    paths = dump_info(folder / "end2end.onnx", metadata, options)
    assert [path.name for path in paths] == list(FILE_NAMES)
    return tuple(json.loads(path.read_text()) for path in paths)


def test_deploy_json_names_the_file(tmp_path: Path) -> None:
    deploy, pipeline, _ = dumped(tmp_path, ExportOptions())
    assert deploy["task"] == "Segmentor"
    (model,) = deploy["models"]
    assert (model["net"], model["backend"], model["weights"]) == (
        "end2end.onnx",
        "onnxruntime",
        "",
    )
    assert (model["precision"], model["dynamic_shape"]) == ("FP32", True)
    # The SDK finds the net by this name.
    assert model["name"] == pipeline["pipeline"]["tasks"][1]["name"]


def test_pipeline_json_is_the_preprocessing_of_the_metadata(tmp_path: Path) -> None:
    _, pipeline, _ = dumped(tmp_path, ExportOptions())
    prepare, infer, finish = pipeline["pipeline"]["tasks"]
    assert [each["type"] for each in prepare["transforms"]] == [
        "LoadImageFromFile",
        "Resize",
        "Normalize",
        "ImageToTensor",
        "Collect",
    ]
    _, resize, normalize, _, collect = prepare["transforms"]
    assert (resize["size"], resize["keep_ratio"]) == ([2048, 512], True)
    assert normalize["mean"] == [123.675, 116.28, 103.53]
    assert normalize["std"] == [58.395, 57.12, 57.375]
    assert normalize["to_rgb"]
    _, pipeline, _ = dumped(tmp_path, ExportOptions(), replace(METADATA, channel_order="bgr"))
    normalize = pipeline["pipeline"]["tasks"][0]["transforms"][2]
    # The SDK normalises what it has turned, and does not turn it here.
    assert not normalize["to_rgb"]
    assert normalize["mean"] == [103.53, 116.28, 123.675]
    assert normalize["std"] == [57.375, 57.12, 58.395]
    assert "ori_shape" in collect["meta_keys"]  # what labels are scaled to
    assert infer["input_map"] == {"img": "input"}
    assert (finish["module"], finish["component"]) == ("mmseg", "ResizeMask")
    assert finish["params"] == {"num_classes": 150, "with_argmax": True}
    # Every input is the output of a task before, or the image.
    known = {"img"}
    for task in (prepare, infer, finish):
        assert set(task["input"]) <= known
        known.update(task["output"])
    assert pipeline["pipeline"]["output"] == finish["output"]


@pytest.mark.parametrize(
    ("rule", "resize"),
    [
        (
            {"short_side": 256, "long_side": 1024},
            [{"type": "Resize", "keep_ratio": True, "size": [1024, 256]}],
        ),
        ({"short_side": None, "long_side": None}, []),
        (
            {"short_side": None, "long_side": None, "stretched_hw": (256, 512)},
            [{"type": "Resize", "keep_ratio": False, "size": [512, 256]}],
        ),
        (
            {"resize_rule": "paddleseg"},
            [{"type": "Resize", "keep_ratio": True, "size": [2048, 512]}],
        ),
    ],
)
def test_pipeline_json_resizes_as_the_metadata_say(
    tmp_path: Path, rule: dict[str, Any], resize: list[dict[str, Any]]
) -> None:
    _, pipeline, _ = dumped(tmp_path, ExportOptions(), replace(METADATA, **rule))
    transforms = pipeline["pipeline"]["tasks"][0]["transforms"]
    assert [each for each in transforms if each["type"] == "Resize"] == resize


def test_detail_json_says_where_it_comes_from(tmp_path: Path) -> None:
    _, _, detail = dumped(tmp_path, ExportOptions(opset=16))
    assert detail["codebase"]["pth"] == "my.pth"
    assert detail["onnx_config"]["opset_version"] == 16
    assert detail["onnx_config"]["dynamic_axes"]["input"]["2"] == "height"


def test_fixed_shapes_and_logits(tmp_path: Path) -> None:
    options = ExportOptions(shape_hw=(512, 1024), logits=True, precision="fp16")
    deploy, pipeline, detail = dumped(tmp_path, options)
    assert (deploy["models"][0]["precision"], deploy["models"][0]["dynamic_shape"]) == (
        "FP16",
        False,
    )
    prepare, _, finish = pipeline["pipeline"]["tasks"]
    resize = prepare["transforms"][1]
    assert (resize["size"], resize["keep_ratio"]) == ([1024, 512], False)
    assert not finish["params"]["with_argmax"]
    assert detail["onnx_config"]["input_shape"] == [1024, 512]
    assert detail["onnx_config"]["dynamic_axes"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ExportOptions(embed_preprocessing="bgr"), "float32 input"),
        (ExportOptions(label_dtype="uint8"), "labels of int64 or int32"),
    ],
)
def test_what_the_sdk_cannot_run_is_refused(
    options: ExportOptions, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        dump_info(tmp_path / "end2end.onnx", METADATA, options)
    assert not list(tmp_path.iterdir())


def test_two_dumps_are_byte_identical(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        dumped(folder, ExportOptions())
    for name in FILE_NAMES:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    changed = replace(METADATA, short_side=256)
    paths = dump_info(first / "end2end.onnx", changed, ExportOptions())
    assert paths[1].read_bytes() != (second / FILE_NAMES[1]).read_bytes()
