from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from ppmobileseg_deploy.agreement import ComparisonSession
from ppmobileseg_deploy.errors import ModelError


@pytest.fixture
def content() -> bytes:
    """``labels`` of ``logits`` of ``image``, as files of this package give them."""
    nodes = [
        helper.make_node("Mul", ["image", "image"], ["logits"]),
        helper.make_node("ArgMax", ["logits"], ["labels"], axis=1),
    ]
    shape = [1, 3, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info("labels", TensorProto.INT64, [1, 1, "h", "w"]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


@pytest.mark.parametrize("level", ["ORT_ENABLE_ALL", "ORT_DISABLE_ALL"])
def test_every_output_is_computed_also_what_the_runtime_leaves_out(content, level):
    optimization = getattr(ort.GraphOptimizationLevel, level)
    session = ComparisonSession(content, optimization=optimization)
    image = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    labels, logits = session.run(["labels", "logits"], {"image": image})
    np.testing.assert_array_equal(logits, image**2)
    np.testing.assert_array_equal(labels, (image**2).argmax(1, keepdims=True))


def test_messages_name_the_file_or_what_it_is_called(content, tmp_path: Path):
    path = tmp_path / "two.onnx"
    path.write_bytes(content)
    assert ComparisonSession(path).source == "two.onnx"
    session = ComparisonSession(content, "what was exported")
    with pytest.raises(ModelError, match=r"^what was exported failed: "):
        session.run(["labels"], {"image": np.zeros((1, 4, 2, 2), np.float32)})


def test_strangers_files_are_checked_as_by_the_runtime(content, tmp_path: Path):
    model = onnx.load_model_from_string(content)
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    model.graph.initializer.append(tensor)
    path = tmp_path / "outside.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="external data in the model's own folder"):
        ComparisonSession(path)
