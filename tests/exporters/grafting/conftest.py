"""Small segmentation networks with ends of every form."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ppmobileseg_deploy.exporters.grafting import proof

Nodes = list[onnx.NodeProto]


class Builder:
    """Nodes and stored tensors of a network, one after the other."""

    def __init__(self) -> None:
        self.nodes: Nodes = []
        self.stored: list[onnx.TensorProto] = []

    def store(self, name: str, numbers: Any, dtype: Any = np.int64) -> str:
        self.stored.append(numpy_helper.from_array(np.array(numbers, dtype), name))
        return name

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], f"{name}/{kind}", **attributes))
        return name

    def resize(self, scores: str, to: str, rule: str, name: str = "full") -> str:
        """``to`` is "image" (the input's size), or a factor."""
        roi = self.store(f"{name}_roi", [], np.float32)  # opset 11 wants one
        options = {"mode": "linear", "coordinate_transformation_mode": rule}
        if to != "image":
            scales = self.store(f"{name}_scales", [1, 1, float(to), float(to)], np.float32)
            return self.add("Resize", [scores, roi, scales], name, **options)
        image = self.add("Shape", ["input"], f"{name}_image")
        axes = self.store(f"{name}_axes", [2, 3])
        size = self.add("Gather", [image, axes], f"{name}_hw")
        shape = self.add("Shape", [scores], f"{name}_shape")
        first = self.store(f"{name}_first", [0, 1])
        kept = self.add("Gather", [shape, first], f"{name}_nc")
        none = self.store(f"{name}_scales", [], np.float32)
        sizes = self.add("Concat", [kept, size], f"{name}_sizes", axis=0)
        return self.add("Resize", [scores, roi, none, sizes], name, **options)


@pytest.fixture
def make_network(tmp_path: Path) -> Callable[..., Path]:
    """``make_network(lambda b: [b.add(...)], classes=21, stride=8)``: path of an ONNX file.

    The function gets a `Builder` and the name of the coarse scores; it returns the outputs' names.
    """

    def make(
        end: Callable[[Builder, str], list[str]],
        *,
        classes: int = 21,
        stride: int = 8,
        opset: int = 17,
        size_hw: tuple[int, int] | None = None,
        types: tuple[int, ...] = (),
        properties: dict[str, str] | None = None,
        name: str = "network.onnx",
    ) -> Path:
        builder, rng = Builder(), np.random.default_rng(0)
        kernel = 2 * stride + 1
        smooth = np.outer(*[np.hanning(kernel + 2)[1:-1]] * 2)
        weights = rng.normal(0, 3, (classes, 3, 1, 1)) * (smooth / smooth.sum())
        builder.store("weights", weights, np.float32)
        scores = builder.add(
            "Conv", ["input", "weights"], "scores", strides=[stride] * 2, pads=[stride] * 4
        )
        outputs = end(builder, scores)
        dims = ["batch", 3, *(size_hw or ("height", "width"))]
        kinds = types or (TensorProto.FLOAT,) * len(outputs)
        graph = helper.make_graph(
            builder.nodes,
            "network",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, dims)],
            [
                helper.make_tensor_value_info(each, kind, None)
                for each, kind in zip(outputs, kinds, strict=True)
            ],
            builder.stored,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        helper.set_model_props(model, properties or {})
        model = onnx.shape_inference.infer_shapes(model)
        path = tmp_path / name
        onnx.save_model(model, path)
        return path

    return make


@pytest.fixture(autouse=True)
def _untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timing takes longer than all else of small networks; tests of the command do it."""
    monkeypatch.setattr(proof, "_timed", lambda *_, **__: (2.0, 1.0))
    monkeypatch.setattr(proof, "_TIMED_HW", (64, 96))
