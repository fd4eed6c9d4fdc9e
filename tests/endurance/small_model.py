"""A network of one node, so that what surrounds it is what is tried: strongest colour wins."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from ppmobileseg_deploy.metadata import ModelMetadata

METADATA = ModelMetadata(
    class_names=("red", "green", "blue"),
    palette_rgb=((200, 10, 20), (30, 210, 40), (50, 60, 220)),
)


def write_small_model(path: Path) -> Path:
    """Write an ONNX file that labels a pixel with the index of its largest channel.

    Returns:
        The path.
    """
    shape = ("batch", 3, "height", "width")
    graph = helper.make_graph(
        [helper.make_node("ArgMax", ["input"], ["output"], axis=1, keepdims=1)],
        "strongest_colour",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", TensorProto.INT64, ("batch", 1, *shape[2:]))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, METADATA.to_props())
    onnx.save(model, path)
    return path
