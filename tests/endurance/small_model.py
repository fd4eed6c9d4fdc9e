"""Networks of one node, so that what surrounds them is what is tried: strongest colour wins."""

from dataclasses import replace
from pathlib import Path

import onnx
from onnx import NodeProto, TensorProto, helper

from ppmobileseg_deploy.metadata import ModelMetadata

METADATA = ModelMetadata(
    class_names=("red", "green", "blue"),
    palette_rgb=((200, 10, 20), (30, 210, 40), (50, 60, 220)),
)
_TWO = replace(METADATA, class_names=("land", "water"), palette_rgb=METADATA.palette_rgb[:2])


def write_small_model(path: Path) -> Path:
    """Write an ONNX file that labels a pixel with the index of its largest channel.

    Returns:
        The path.
    """
    path.write_bytes(_labels(METADATA))
    return path


def small_models() -> dict[str, bytes]:
    """Make files of every form: labels, logits, a head of one class, bytes, one size only."""
    logits = helper.make_node("Identity", ["input"], ["output"])
    first = helper.make_node("Slice", ["input", "from", "to", "axis"], ["output"])
    sliced = [
        helper.make_tensor(name, TensorProto.INT64, [1], [value])
        for name, value in (("from", 0), ("to", 2), ("axis", 1))
    ]
    one_class = replace(_TWO, output="logits", threshold=0.3)
    return {
        "labels": _labels(METADATA),
        "logits": _model(logits, replace(METADATA, output="logits"), channels=3),
        "one_class": _model(first, one_class, channels=2, initializers=sliced),
        "static": _labels(METADATA, ("batch", 3, 64, 96)),
        "bytes": _model(
            helper.make_node("ArgMax", ["planes"], ["output"], axis=1),
            METADATA,
            shape=("batch", "height", "width", 3),
            before=[
                helper.make_node("Transpose", ["input"], ["turned"], perm=[0, 3, 1, 2]),
                helper.make_node("Cast", ["turned"], ["planes"], to=TensorProto.FLOAT),
            ],
        ),
    }


def _labels(metadata: ModelMetadata, shape: tuple[str | int, ...] | None = None) -> bytes:
    argmax = helper.make_node("ArgMax", ["input"], ["output"], axis=1, keepdims=1)
    return _model(argmax, metadata, shape=shape)


def _model(
    node: NodeProto,
    metadata: ModelMetadata,
    *,
    channels: int | None = None,
    shape: tuple[str | int, ...] | None = None,
    before: list[NodeProto] | None = None,
    initializers: list[TensorProto] | None = None,
) -> bytes:
    """Make a file; with ``channels`` it gives logits, else labels."""
    taken = TensorProto.UINT8 if before else TensorProto.FLOAT
    given = TensorProto.INT64 if channels is None else TensorProto.FLOAT
    graph = helper.make_graph(
        [*(before or ()), node],
        "strongest_colour",
        [helper.make_tensor_value_info("input", taken, shape or ("batch", 3, "height", "width"))],
        [helper.make_tensor_value_info("output", given, ("batch", channels or 1, "h", "w"))],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata.to_props())
    content: bytes = model.SerializeToString()
    onnx.checker.check_model(model)
    return content
