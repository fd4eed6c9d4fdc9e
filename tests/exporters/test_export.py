import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from ppmobileseg_deploy import OrtSegmenter, ade20k
from ppmobileseg_deploy.checkpoints import Checkpoint, Description, build_model
from ppmobileseg_deploy.errors import OutputError, ParityError, UsageError
from ppmobileseg_deploy.exporters import ExportOptions, ExportReport, export_onnx
from ppmobileseg_deploy.exporters.options import Vim
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import labels_image, labels_off, upsample_logits

MakeCheckpoint = Callable[..., Checkpoint]
STANDARD_DOMAINS = {"", "ai.onnx"}
QUIET = ort.SessionOptions()
QUIET.log_severity_level = 3


def dims(model: onnx.ModelProto) -> dict[str, tuple[str | int, ...]]:
    return {
        value.name: tuple(
            dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim
        )
        for value in (*model.graph.input, *model.graph.output)
    }


def run(path: Path, image: np.ndarray, **feed: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(path, QUIET, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": image, **feed})[0]


@pytest.fixture(scope="module")
def tiny(
    make_checkpoint: MakeCheckpoint, tmp_path_factory: pytest.TempPathFactory
) -> ExportReport:
    output = tmp_path_factory.mktemp("tiny") / "end2end.onnx"
    return export_onnx(make_checkpoint("tiny"), output)


def test_file_keeps_the_interface(tiny: ExportReport) -> None:
    model = onnx.load(tiny.path)
    onnx.checker.check_model(model, full_check=True)
    assert dims(model) == {
        "input": ("batch", 3, "height", "width"),
        "output": ("batch", 1, "height", "width"),
        "logits": ("batch", 150, "logits_height", "logits_width"),
    }
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert model.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.INT64
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 17}
    assert model.ir_version <= 8
    assert {node.domain for node in model.graph.node} <= STANDARD_DOMAINS
    assert not model.graph.doc_string
    assert not any(node.doc_string for node in model.graph.node)


def test_metadata_travels_with_the_file(tiny: ExportReport) -> None:
    props = {prop.key: prop.value for prop in onnx.load(tiny.path).metadata_props}
    metadata = ModelMetadata.from_props(props)
    assert metadata == tiny.metadata
    assert metadata is not None
    assert (metadata.variant, metadata.vim, metadata.stride) == ("tiny", "cell", 16)
    assert metadata.class_names == ade20k.NAMES
    assert metadata.checkpoint == "golden_tiny.pth"
    assert not any("/" in value for value in props.values())


def test_report_tells_what_was_measured(tiny: ExportReport) -> None:
    content = tiny.path.read_bytes()
    assert tiny.size_bytes == len(content)
    assert tiny.sha256 == hashlib.sha256(content).hexdigest()
    assert sum(tiny.operators.values()) == len(onnx.load(tiny.path).graph.node)
    assert tiny.parity is not None
    sizes_hw = {case.size_hw for case in tiny.parity.cases}
    assert len(sizes_hw) >= 3
    assert any(side % 32 for size_hw in sizes_hw for side in size_hw)
    assert max(case.batch for case in tiny.parity.cases) == 2
    assert tiny.parity.max_relative_difference < 1e-3
    assert tiny.parity.equal_labels > 0.999
    # Drawn weights amplify rounding; the demo's stay within 4 times.
    assert 0 < tiny.parity.float64_error <= 64 * tiny.parity.pytorch_float64_error


def test_second_export_is_byte_identical(
    tiny: ExportReport, make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    again = export_onnx(make_checkpoint("tiny"), tmp_path / "other.onnx", verify=False)
    assert again.sha256 == tiny.sha256


@pytest.mark.parametrize("variant", ["tiny", "base"])
@pytest.mark.parametrize("vim", ["cell", "off"])
def test_exported_labels_equal_the_golden_ones(
    variant: str,
    vim: Vim,
    make_checkpoint: MakeCheckpoint,
    golden_image: Callable[..., np.ndarray],
    golden_arrays: Callable[[str], dict[str, np.ndarray]],
    tmp_path: Path,
) -> None:
    checkpoint = make_checkpoint(variant)
    report = export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(vim=vim), verify=False)
    labels = run(report.path, golden_image(1, 64, 96, 1))
    assert (labels[:, 0] == golden_arrays(variant)["labels_1x64x96"]).mean() >= 0.999


@pytest.mark.parametrize(("height", "width"), [(97, 131), (1, 1), (32, 65), (33, 32)])
def test_odd_sizes_are_padded_at_the_end_and_cut_back(
    height: int,
    width: int,
    tiny: ExportReport,
    make_checkpoint: MakeCheckpoint,
    golden_image: Callable[..., np.ndarray],
) -> None:
    image = golden_image(2, height, width, 4)
    padded_hw = -(-height // 32) * 32, -(-width // 32) * 32
    padded = np.zeros((2, 3, *padded_hw), np.float32)
    padded[:, :, :height, :width] = image
    with torch.inference_mode():
        logits = build_model(make_checkpoint("tiny"))(torch.from_numpy(padded))
    expected = labels_off(logits, padded_hw)[:, :, :height, :width].numpy()
    labels = run(tiny.path, image)
    assert labels.shape == expected.shape
    assert (labels == expected).mean() >= 0.999


@pytest.mark.parametrize("size_hw", [(64, 90), (1, 1)])
def test_logits_are_those_of_the_padded_image(
    size_hw: tuple[int, int],
    tiny: ExportReport,
    make_checkpoint: MakeCheckpoint,
    golden_image: Callable[..., np.ndarray],
) -> None:
    image = golden_image(2, *size_hw, 6)
    padded = np.zeros((2, 3, *(-(-side // 32) * 32 for side in size_hw)), np.float32)
    padded[:, :, : size_hw[0], : size_hw[1]] = image
    with torch.inference_mode():
        expected = build_model(make_checkpoint("tiny"))(torch.from_numpy(padded)).numpy()
    session = ort.InferenceSession(tiny.path, QUIET, providers=["CPUExecutionProvider"])

    (logits,) = session.run(["logits"], {"input": image})

    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=1e-3 * np.abs(expected).max())


def test_a_second_output_can_be_left_out(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    options = ExportOptions(logits_output=False)
    report = export_onnx(make_checkpoint("tiny", 19), tmp_path / "m.onnx", options, verify=False)

    assert [each.name for each in onnx.load(report.path).graph.output] == ["output"]
    with pytest.raises(UsageError, match="without `--no-logits-output`"):
        OrtSegmenter(report.path, confidence=True)


@pytest.mark.parametrize(
    ("options", "num_classes"),
    [
        (ExportOptions(), 150),
        (ExportOptions(), 19),
        (ExportOptions(vim="image"), 19),
        (ExportOptions(vim="off"), 19),
        (ExportOptions(vim="off", label_dtype="uint8"), 256),
        (ExportOptions(label_dtype="int32"), 300),
        (ExportOptions(logits=True), 19),
        (ExportOptions(shape_hw=(64, 96)), 19),
        (ExportOptions(shape_hw=(64, 96), vim="image"), 19),
        (ExportOptions(simplify=False), 19),
        (ExportOptions(opset=15), 19),
        (ExportOptions(opset=20), 19),
    ],
    ids=str,
)
def test_every_form_computes_what_pytorch_computes(
    options: ExportOptions,
    num_classes: int,
    make_checkpoint: MakeCheckpoint,
    golden_image: Callable[..., np.ndarray],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if (options.opset, options.simplify) == (17, True):  # the network of `tiny`, above
        request.getfixturevalue("small_smooth_images")
    checkpoint = make_checkpoint("tiny", num_classes)
    report = export_onnx(checkpoint, tmp_path / "model.onnx", options)
    image = golden_image(1, 64, 96, 5)
    with torch.inference_mode():
        logits = build_model(checkpoint)(torch.from_numpy(image))
    output = run(report.path, image)
    if options.logits:
        expected = upsample_logits(logits, (64, 96)).numpy()
        assert output.shape == (1, num_classes, 64, 96)
        assert output.dtype == np.float32
        assert np.abs(output - expected).max() <= 1e-3 * np.abs(expected).max()
    else:
        upsampling = labels_image if options.vim == "image" else labels_off
        assert output.shape == (1, 1, 64, 96)
        assert output.dtype == options.label_dtype
        assert (output == upsampling(logits, (64, 96)).numpy()).mean() >= 0.999
    assert report.metadata.num_classes == num_classes


def test_image_vim_takes_the_union_of_a_batch(
    make_checkpoint: MakeCheckpoint, golden_image: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    image = golden_image(3, 64, 96, 8)
    checkpoint = make_checkpoint("tiny")
    with torch.inference_mode():
        logits = build_model(checkpoint)(torch.from_numpy(image))
    expected = labels_image(logits, (64, 96)).numpy()
    options = ExportOptions(vim="image")
    report = export_onnx(checkpoint, tmp_path / "image.onnx", options, verify=False)
    assert (run(report.path, image) == expected).mean() >= 0.999


def test_static_shape_has_no_dynamic_dimension(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    report = export_onnx(
        make_checkpoint("tiny", 19), tmp_path / "s.onnx", ExportOptions(shape_hw=(64, 96))
    )
    assert dims(onnx.load(report.path)) == {
        "input": (1, 3, 64, 96),
        "output": (1, 1, 64, 96),
        "logits": (1, 19, 4, 6),
    }


def test_images_are_stretched_to_one_size_only(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        export_onnx(
            make_checkpoint("tiny", 19),
            tmp_path / "s.onnx",
            ExportOptions(shape_hw=(64, 96)),
            description=Description(stretched_hw=(128, 64)),
        )
    message = "expected a fixed shape of 128x64, to which images are stretched, found 64x96"
    assert str(raised.value) == message
    assert list(tmp_path.glob("*.onnx")) == []


@pytest.mark.parametrize("shape_hw", [(97, 131), (5, 5), (33, 31)])
def test_static_shapes_are_padded_too(
    shape_hw: tuple[int, int], make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    report = export_onnx(
        make_checkpoint("tiny", 19), tmp_path / "s.onnx", ExportOptions(shape_hw=shape_hw)
    )
    assert dims(onnx.load(report.path))["output"] == (1, 1, *shape_hw)


@pytest.mark.parametrize("limit", [{"atol": 0.0}, {"tolerance": 0.0}], ids=str)
def test_a_failed_export_keeps_the_file_that_was_there(
    limit: dict[str, float], make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"precious")
    with pytest.raises(ParityError):
        export_onnx(make_checkpoint("tiny", 19), target, **limit)
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


def test_class_names_come_from_a_file(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("background\nroad\n")
    report = export_onnx(
        make_checkpoint("tiny", 2), tmp_path / "m.onnx", classes=names, verify=False
    )
    assert report.metadata.class_names == ("background", "road")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"atol": -1.0}, UsageError, "tolerance of at least 0, found -1.0"),
        ({"atol": float("nan")}, UsageError, "tolerance of at least 0, found nan"),
        ({"options": ExportOptions(label_dtype="uint8")}, UsageError, "at most 256 .* found 300"),
        ({"classes": "nowhere.txt"}, UsageError, "cannot read class names from nowhere.txt"),
    ],
)
def test_wrong_use_is_refused_before_the_work(
    arguments: dict[str, object],
    error: type[Exception],
    message: str,
    make_checkpoint: MakeCheckpoint,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=message):
        export_onnx(make_checkpoint("tiny", 300), tmp_path / "m.onnx", **arguments)


def test_output_that_cannot_be_written(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found the folder"):
        export_onnx(make_checkpoint("tiny", 2), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        export_onnx(make_checkpoint("tiny", 2), tmp_path / "file" / "m.onnx", verify=False)
