from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.errors import ParityError
from ppmobileseg_deploy.exporters import ExportOptions, ExportReport, export_onnx
from ppmobileseg_deploy.exporters.precision import halve_weights

FP16 = ExportOptions(precision="fp16")


@pytest.fixture(scope="module")
def fp16(demo_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    return export_onnx(demo_checkpoint, tmp_path_factory.mktemp("fp16") / "end2end.onnx", FP16)


def weights(*values: np.ndarray) -> onnx.ModelProto:
    tensors = [
        numpy_helper.from_array(v.astype(np.float32), f"w{i}") for i, v in enumerate(values)
    ]
    nodes = [helper.make_node("Identity", [t.name], [f"y{i}"]) for i, t in enumerate(tensors)]
    outputs = [
        helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, v.shape)
        for i, v in enumerate(values)
    ]
    return helper.make_model(helper.make_graph(nodes, "g", [], outputs, tensors))


def test_file_has_half_the_size_and_float32_at_both_ends(
    fp16: ExportReport, demo_export: ExportReport
) -> None:
    assert fp16.size_bytes < 0.52 * demo_export.size_bytes
    model = onnx.load(fp16.path)
    onnx.checker.check_model(model, full_check=True)
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert model.graph.output[0].type.tensor_type.elem_type == TensorProto.INT64
    assert [value.name for value in model.graph.input] == ["input"]
    assert model.ir_version <= 8
    assert fp16.metadata.precision == "fp16"
    assert {p.key: p.value for p in model.metadata_props} == fp16.metadata.to_props()


def test_labels_are_those_of_float32(
    fp16: ExportReport,
    demo_model: onnx.ModelProto,
    drawn_images: tuple[np.ndarray, ...],
    normalized: Callable[..., np.ndarray],
    labels_of: Callable[..., np.ndarray],
) -> None:
    equal = [
        (labels_of(fp16.path, normalized(i)) == labels_of(demo_model, normalized(i))).mean()
        for i in drawn_images
    ]
    assert np.mean(equal) >= 0.999
    assert fp16.parity is not None
    (comparison,) = fp16.comparisons
    assert (comparison.form, comparison.images) == ("fp16", 4)
    assert 1 >= comparison.equal_labels >= comparison.least_equal_labels >= 0.999


def test_second_export_is_byte_identical(
    fp16: ExportReport, demo_checkpoint: Path, tmp_path: Path
) -> None:
    again = export_onnx(demo_checkpoint, tmp_path / "again.onnx", FP16, verify=False)
    assert again.sha256 == fp16.sha256
    assert again.comparisons == ()


@pytest.mark.usefixtures("small_smooth_images")
def test_weights_that_rounding_spoils_are_refused_and_nothing_is_written(
    make_checkpoint: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    # Synthetic weights let attention amplify rounding: 3 % of the labels change.
    with pytest.raises(ParityError, match=r"99\.9000% of the labels unchanged by fp16, found 9"):
        export_onnx(make_checkpoint("tiny"), tmp_path / "end2end.onnx", FP16)
    assert not list(tmp_path.iterdir())


def test_what_is_short_or_not_in_the_range_of_half_precision_stays() -> None:
    small, large = np.ones(255), np.full(1000, 65520.0)
    unusual = np.tile([np.inf, np.nan, -1.0, 65504.0], 100)
    tiny, zero = np.full(1000, 6e-5), np.zeros(1000)
    mixed = np.tile([1e-7, 1.0], 500)
    halved = halve_weights(weights(small, large, unusual, tiny, zero, mixed))
    types = {t.name: t.data_type for t in halved.graph.initializer}
    assert types == {
        "w0": TensorProto.FLOAT,
        "w1": TensorProto.FLOAT,
        "w2_fp16": TensorProto.FLOAT16,
        "w3": TensorProto.FLOAT,
        "w4_fp16": TensorProto.FLOAT16,
        "w5_fp16": TensorProto.FLOAT16,
    }
    onnx.checker.check_model(halved, full_check=True)
    values = onnx.reference.ReferenceEvaluator(halved).run(None, {})[2]
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, unusual.astype(np.float32))
