from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from ppmobileseg_deploy.errors import ExportError, ImageError, UsageError
from ppmobileseg_deploy.exporters import (
    CalibrationSet,
    ExportOptions,
    ExportReport,
    Int8Options,
    export_onnx,
)
from ppmobileseg_deploy.exporters.precision import Score, int8
from ppmobileseg_deploy.exporters.precision.held_out import HeldOutScorer, PackedLabels
from ppmobileseg_deploy.exporters.precision.quantizer import group_of
from ppmobileseg_deploy.metadata import ModelMetadata

INT8 = ExportOptions(precision="int8")


@pytest.fixture(scope="module")
def images(drawn_images: tuple[np.ndarray, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number, image_bgr in enumerate(drawn_images):
        Image.fromarray(np.ascontiguousarray(image_bgr[..., ::-1])).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def quantized(
    images: Path, demo_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> ExportReport:
    return export_onnx(
        demo_checkpoint,
        tmp_path_factory.mktemp("int8") / "end2end.onnx",
        INT8,
        int8=Int8Options(CalibrationSet.find(images), min_equal_labels=0.95),
        verify=False,
    )


def test_int8_file_is_small_and_keeps_the_interface(
    quantized: ExportReport, demo_export: ExportReport
) -> None:
    assert quantized.size_bytes < 0.42 * demo_export.size_bytes
    model = onnx.load(quantized.path)
    onnx.checker.check_model(model, full_check=True)
    assert {each.domain: each.version for each in model.opset_import} == {"": 17}
    assert {node.domain for node in model.graph.node} == {""}
    assert model.ir_version <= 8
    original = onnx.load(demo_export.path)
    assert list(model.graph.input) == list(original.graph.input)
    assert list(model.graph.output) == list(original.graph.output)
    metadata = ModelMetadata.from_props({p.key: p.value for p in model.metadata_props})
    assert metadata == quantized.metadata
    assert quantized.metadata.precision == "int8"


def test_weights_have_a_scale_for_each_channel_and_the_labels_head_stays_float(
    quantized: ExportReport,
) -> None:
    graph = onnx.load(quantized.path).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    for node in convolutions:
        weight = made_by[node.input[1]]
        assert weight.op_type == "DequantizeLinear"
        assert shapes[weight.input[1]] == shapes[weight.input[0]][:1]
    assert len(convolutions) == 90
    behind = {"logits"}
    for node in graph.node:
        if behind.intersection(node.input):
            behind.update(node.output)
            assert node.op_type not in ("QuantizeLinear", "DequantizeLinear")


def test_report_tells_what_was_measured(quantized: ExportReport) -> None:
    report = quantized.int8
    assert report is not None
    assert (report.calibrating_images, report.held_out_images) == (4, 2)
    assert not report.has_labels
    assert report.float_layers == ()
    assert len(report.layers) == 33
    assert report.before.score == Score(1.0, 1.0, 1.0)
    assert 0.97 <= report.after.score.equal_labels < 1
    assert 0.8 < report.after.score.miou < 1
    assert report.after.size_bytes == quantized.size_bytes < report.before.size_bytes
    assert min(report.before.latency_ms, report.after.latency_ms) > 0
    assert report.slower == (report.after.latency_ms > report.before.latency_ms)


def test_second_export_is_byte_identical_also_with_true_labels(
    quantized: ExportReport,
    images: Path,
    demo_checkpoint: Path,
    drawn_images: tuple[np.ndarray, ...],
    tmp_path: Path,
) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    for path in images.iterdir():
        Image.new("L", drawn_images[0].shape[1::-1], 2).save(labels / path.name)
    again = export_onnx(
        demo_checkpoint,
        tmp_path / "again.onnx",
        INT8,
        int8=Int8Options(CalibrationSet.find(images, labels), 0.95, max_miou_loss=1),
        verify=False,
    )
    assert again.sha256 == quantized.sha256
    assert again.int8 is not None
    assert again.int8.has_labels
    assert again.int8.before.score.miou < 0.5  # the labels say that all is sky


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        (INT8, {}, "expected images to calibrate with for precision int8, found none"),
        (ExportOptions(), {"int8": "given"}, "no images to calibrate with for precision fp32"),
    ],
)
def test_images_go_with_int8_only(
    options: ExportOptions, arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    if arguments:
        arguments = {"int8": Int8Options(CalibrationSet((tmp_path,), (tmp_path / "b",)))}
    with pytest.raises(UsageError, match=message):
        export_onnx("nowhere.pth", tmp_path / "m.onnx", options, **arguments)


@pytest.mark.parametrize(
    "limits",
    [
        {"min_equal_labels": 0},
        {"min_equal_labels": 1.1},
        {"min_equal_labels": float("nan")},
        {"max_miou_loss": -0.1},
        {"max_miou_loss": float("nan")},
    ],
)
def test_limits_out_of_range(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="expected a"):
        Int8Options(CalibrationSet((Path("a"),), (Path("b"),)), **limits)


def test_a_damaged_image_ends_it_and_nothing_is_written(
    demo_checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"not an image")
    with pytest.raises(ImageError):
        export_onnx(
            demo_checkpoint,
            tmp_path / "m.onnx",
            ExportOptions(precision="int8", shape_hw=(32, 32)),
            int8=Int8Options(CalibrationSet.find(folder)),
            verify=False,
        )
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    ("true_id", "reduce_zero_label", "message"),
    [
        (255, False, "expected true labels that count, found only others"),
        (0, True, "expected true labels that count, found only others"),
        (150, False, "1.png: .*found 150 .*--reduce-zero-label"),
    ],
)
def test_true_labels_that_tell_nothing_end_it_before_the_search(
    true_id: int,
    reduce_zero_label: bool,
    message: str,
    demo_model: onnx.ModelProto,
    tmp_path: Path,
) -> None:
    for folder, value in (("i", 9), ("l", true_id)):
        (tmp_path / folder).mkdir()
        for name in ("0.png", "1.png"):
            Image.new("L", (40, 32), value).save(tmp_path / folder / name)
    found = CalibrationSet.find(
        tmp_path / "i", tmp_path / "l", reduce_zero_label=reduce_zero_label
    )
    with pytest.raises(ImageError, match=message):
        HeldOutScorer(demo_model, found)


class FakeQuantizer:
    """Layers that do a known harm, of which a "model" is just the list."""

    groups = ("first", "second", "third")
    has_optional_input = False

    def __init__(self, *_: object) -> None: ...

    def calibrate(self, reader: object) -> None: ...

    def quantize(self, groups: list[str]) -> onnx.ModelProto:
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [])
        return helper.make_model(helper.make_graph([], ",".join(groups), [], [output]))


class FakeScorer:
    harm = MappingProxyType({"first": 0.02, "second": 0.001, "third": 0.03})
    reference = Score(1.0, 1.0, 0.9)

    def __init__(self, *_: object) -> None: ...

    def score(self, model: onnx.ModelProto) -> Score:
        lost = sum(self.harm[group] for group in model.graph.name.split(","))
        return Score(1 - lost, 1 - lost, 0.9 - lost)

    def latency_ms(self, _: onnx.ModelProto) -> tuple[float, float]:
        return 10.0, 12.0


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int8.Int8Report]:
    monkeypatch.setattr(int8, "Quantizer", FakeQuantizer)
    monkeypatch.setattr(int8, "HeldOutScorer", FakeScorer)
    monkeypatch.setattr(int8, "seal", lambda model, *_: model)

    def run(labels: tuple[Path, ...] = (), **limits: float) -> int8.Int8Report:
        calibration = CalibrationSet((Path("a"),), (Path("b"),), labels)
        options = Int8Options(calibration, **limits)
        return int8.quantize_int8(onnx.ModelProto(), ModelMetadata(), options)[1]

    return run


@pytest.mark.parametrize(
    ("limits", "float_layers"),
    [
        ({"min_equal_labels": 0.9}, [()]),
        ({"min_equal_labels": 0.96}, [(), ("third",)]),
        ({"min_equal_labels": 0.99}, [(), ("third",), ("first", "third")]),
        (
            {"min_equal_labels": 0.9, "labels": (Path("c"),), "max_miou_loss": 0.03},
            [(), ("third",)],
        ),
        ({"min_equal_labels": 0.9, "labels": (Path("c"),), "max_miou_loss": 0.06}, [()]),
    ],
)
def test_layers_that_do_most_harm_stay_float_until_the_limits_are_met(
    limits: dict[str, Any],
    float_layers: list[tuple[str, ...]],
    search: Callable[..., int8.Int8Report],
) -> None:
    report = search(**limits)
    assert [step.float_layers for step in report.steps] == float_layers
    assert report.float_layers == float_layers[-1]
    assert report.slower
    if len(float_layers) > 1:
        assert list(report.equal_labels_alone) == ["first", "second", "third"]
        assert report.equal_labels_alone["third"] == pytest.approx(0.97)
    else:
        assert not report.equal_labels_alone


def test_a_model_that_no_layer_of_which_suffices_is_refused(
    search: Callable[..., int8.Int8Report],
) -> None:
    with pytest.raises(ExportError, match=r"found none; the best choice gives 99\.90%"):
        search(min_equal_labels=0.9995)
    with pytest.raises(ExportError, match=r"mIoU up to 0, found none; .* 99\.90% and 0\.0010$"):
        search(labels=(Path("c"),), min_equal_labels=0.9, max_miou_loss=0)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("/network/backbone/smb1/conv/conv/Conv", "backbone/smb1"),
        ("/network/backbone/smb2/blocks/blocks.1/mid_se/squeeze/Conv", "backbone/smb2/blocks.1"),
        ("/network/backbone/trans1/attentions.0/MatMul", "backbone/trans1/attentions.0"),
        (
            "/network/backbone/trans1/projections.0/projections.0.1/Conv",
            "backbone/trans1/projections.0",
        ),
        ("/network/backbone/trans2/Concat", "backbone/trans2"),
        ("/network/decode_head/linear_fuse/activation/Relu", "decode_head/linear_fuse"),
        ("/network/decode_head/conv_seg/Conv", "decode_head/conv_seg"),
    ],
)
def test_nodes_are_grouped_by_block(name: str, group: str) -> None:
    assert group_of(name) == group


@pytest.mark.parametrize("largest", [0, 255, 256, 70_000])
def test_labels_kept_for_the_search_are_small_and_come_back(largest: int) -> None:
    labels = np.zeros((40, 30), np.int64)
    labels[10:20] = largest
    kept = PackedLabels.of(labels)
    np.testing.assert_array_equal(kept.labels, labels)
    assert len(kept.content) < labels.size / 20
