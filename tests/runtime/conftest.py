"""Networks small enough to be foreseen: the class of a pixel is its strongest colour."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import skimage
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ppmobileseg_deploy.metadata import ModelMetadata

MakeModel = Callable[..., Path]
_CHANNELS = 3


@pytest.fixture(scope="session")
def photograph() -> Callable[[str], Path]:
    """Give the path of a photograph that scikit-image carries."""
    return lambda name: Path(skimage.__file__).parent / "data" / name


@pytest.fixture(scope="session")
def rgb_metadata() -> ModelMetadata:
    """Three classes, named and painted like the colours that they react to."""
    return ModelMetadata(
        class_names=("red", "green", "blue"),
        palette_rgb=((200, 10, 20), (30, 210, 40), (50, 60, 220)),
    )


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Make ONNX files of one or two nodes."""

    def make(
        name: str = "model.onnx",
        *,
        props: Mapping[str, str] | None = None,
        kind: str = "labels",
        input_shape: tuple[int | str, ...] = ("batch", 3, "height", "width"),
        input_type: int = TensorProto.FLOAT,
        label_type: int = TensorProto.INT64,
        rank: int = 4,
        first_id: int = 0,
        second_input: bool = False,
    ) -> Path:
        nodes, output = _network(kind, label_type, rank, first_id)
        inputs = [helper.make_tensor_value_info("input", input_type, input_shape)]
        if input_type != TensorProto.FLOAT:
            nodes.insert(0, helper.make_node("Cast", ["input"], ["values"], to=TensorProto.FLOAT))
            order = [0, 3, 1, 2] if input_shape[-1] == _CHANNELS else [0, 1, 2, 3]
            nodes.insert(1, helper.make_node("Transpose", ["values"], ["pixels"], perm=order))
        else:
            nodes.insert(0, helper.make_node("Identity", ["input"], ["pixels"]))
        if second_input:
            inputs.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1]))
        graph = helper.make_graph(
            nodes, "g", inputs, [output], [numpy_helper.from_array(np.int64(first_id), "first")]
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, dict(props or {}))
        path = tmp_path / name
        onnx.save(model, path)
        return path

    return make


def _network(
    kind: str, label_type: int, rank: int, first_id: int
) -> tuple[list[onnx.NodeProto], onnx.ValueInfoProto]:
    plane = ["batch", 1, "h", "w"] if rank == 4 else ["batch", "h", "w"]
    if kind == "labels":
        return [
            helper.make_node("ArgMax", ["pixels"], ["ids"], axis=1, keepdims=int(rank == 4)),
            helper.make_node("Add", ["ids", "first"], ["shifted"]),
            helper.make_node("Cast", ["shifted"], ["output"], to=label_type),
        ], helper.make_tensor_value_info("output", label_type, plane)
    if kind == "logits":
        return [
            helper.make_node("Identity", ["pixels"], ["output"])
        ], helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 3, "h", "w"])
    if kind == "half-size labels":
        return [
            helper.make_node("MaxPool", ["pixels"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("ArgMax", ["p"], ["output"], axis=1),
        ], helper.make_tensor_value_info("output", TensorProto.INT64, plane)
    if kind == "classifier":
        return [
            helper.make_node("ReduceMean", ["pixels"], ["output"], axes=[2, 3], keepdims=0)
        ], helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 3])
    raise ValueError(kind)


@pytest.fixture
def rgb_model(make_model: MakeModel, rgb_metadata: ModelMetadata) -> Path:
    """A labels model with metadata."""
    return make_model("rgb.onnx", props=rgb_metadata.to_props())


@pytest.fixture
def logits_model(make_model: MakeModel, rgb_metadata: ModelMetadata) -> Path:
    """A logits model with metadata."""
    props = replace(rgb_metadata, output="logits").to_props()
    return make_model("logits.onnx", props=props, kind="logits")


@pytest.fixture
def coarse_model(tmp_path: Path, rgb_metadata: ModelMetadata) -> Path:
    """A file as the exporter writes them: 8x8 means as logits, beside the labels made of these."""
    nodes = [
        helper.make_node(
            "AveragePool", ["input"], ["logits"], kernel_shape=[8, 8], strides=[8, 8]
        ),
        helper.make_node(
            "Resize",
            ["logits", "", "scales"],
            ["enlarged"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        ),
        helper.make_node("ArgMax", ["enlarged"], ["output"], axis=1),
    ]
    return _coarse(tmp_path / "coarse.onnx", rgb_metadata, nodes, [], ["output", "logits"])


@pytest.fixture
def older_model(tmp_path: Path, rgb_metadata: ModelMetadata) -> Path:
    """A file of an earlier release: labels only, and an optional input for a finer grid."""
    nodes = [
        helper.make_node("AveragePool", ["input"], ["l"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Shape", ["l"], ["batch_channels"], start=0, end=2),
        helper.make_node("Shape", ["l"], ["cells"], start=2),
        helper.make_node("Mul", ["cells", "labels_per_cell"], ["grid"]),
        helper.make_node("Concat", ["batch_channels", "grid"], ["sizes"], axis=0),
        helper.make_node(
            "Resize",
            ["l", "", "", "sizes"],
            ["enlarged"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        ),
        helper.make_node("ArgMax", ["enlarged"], ["output"], axis=1),
    ]
    optional = helper.make_tensor_value_info("labels_per_cell", TensorProto.INT64, [])
    return _coarse(tmp_path / "older.onnx", rgb_metadata, nodes, [optional], ["output"])


def _coarse(
    path: Path,
    rgb_metadata: ModelMetadata,
    nodes: list[onnx.NodeProto],
    optional: list[onnx.ValueInfoProto],
    outputs: list[str],
) -> Path:
    sides = "batch", "height", "width"
    values = {
        "output": (TensorProto.INT64, ("batch", 1, *sides[1:])),
        "logits": (TensorProto.FLOAT, ("batch", 3, "logits_height", "logits_width")),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, ("batch", 3, *sides[1:])),
            *optional,
        ],
        [helper.make_tensor_value_info(name, *values[name]) for name in outputs],
        [
            numpy_helper.from_array(np.array([1, 1, 8, 8], np.float32), "scales"),
            *(numpy_helper.from_array(np.int64(8), each.name) for each in optional),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    # One range for all colours, so that edges are where they mix in equal parts.
    middle = (127.5, 127.5, 127.5)
    metadata = replace(rgb_metadata, stride=8, mean_rgb=middle, std_rgb=middle)
    helper.set_model_props(model, metadata.to_props())
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def quadrants_bgr() -> Callable[[int, int], NDArray[np.uint8]]:
    """Draw red, green, blue and red quarters (left to right, top to bottom)."""

    def draw(height: int, width: int) -> NDArray[np.uint8]:
        image = np.zeros((height, width, 3), np.uint8)
        image[: height // 2, : width // 2, 2] = 255
        image[: height // 2, width // 2 :, 1] = 255
        image[height // 2 :, : width // 2, 0] = 255
        image[height // 2 :, width // 2 :, 2] = 255
        return image

    return draw
