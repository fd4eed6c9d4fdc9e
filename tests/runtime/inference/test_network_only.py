"""What is opened of a file of labels and logits is the network, and computes the same."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ppmobileseg_deploy.runtime.inference.execution import Execution
from ppmobileseg_deploy.runtime.inference.network_only import network_only
from ppmobileseg_deploy.runtime.inference.onnx_file import check_model_file
from ppmobileseg_deploy.runtime.inference.ort_session import SessionFactory

node = helper.make_node

PLAIN = [
    node("Relu", ["x"], ["a"]),
    node("Neg", ["a"], ["logits"]),
    node("ArgMax", ["logits"], ["labels"]),
]


def model(nodes: Sequence[NodeProto], outputs: Sequence[str] = ("labels", "logits")) -> ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 3, "h", "w"))],
        [helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in outputs],
        [numpy_helper.from_array(np.ones(3, np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def cut(content: bytes) -> ModelProto:
    graph = check_model_file(content)
    assert graph is not None
    return onnx.load_model_from_string(network_only(content, graph.network))


@pytest.mark.parametrize("options", [{}, {"precision": "fp16"}, {"embed_preprocessing": "rgb"},
                                     {"vim": "off"}, {"shape_hw": (64, 96)}])  # fmt: skip
def test_an_exported_file_keeps_its_network_and_its_metadata(
    options: dict[str, object], exported_demo: Callable[..., Path]
) -> None:
    whole = onnx.load(exported_demo(**options))

    found = cut(whole.SerializeToString())

    onnx.checker.check_model(found)
    assert [each.name for each in found.graph.output] == ["logits"]
    assert found.metadata_props == whole.metadata_props
    kept = [each.name for each in found.graph.node]
    assert kept == [each.name for each in whole.graph.node if each.name in set(kept)]
    assert not {each.op_type for each in found.graph.node} & {"ArgMax", "TopK", "NonZero"}


def test_logits_are_the_same(exported_demo: Callable[..., Path]) -> None:
    path = exported_demo()
    image = np.random.default_rng(0).normal(size=(2, 3, 97, 131)).astype(np.float32)
    whole = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    opened = SessionFactory.of(path, Execution()).create()

    (logits,) = opened.run(None, {"input": image})

    np.testing.assert_allclose(logits, whole.run(["logits"], {"input": image})[0], atol=1e-4)


def test_only_what_the_logits_need_is_kept() -> None:
    found = cut(model([node("Abs", ["x"], ["unused"]), *PLAIN]).SerializeToString())

    assert [each.op_type for each in found.graph.node] == ["Relu", "Neg"]


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        (PLAIN, ["labels"]),
        (PLAIN, ["logits"]),
        (PLAIN, ["logits", "labels"]),
        (PLAIN, ["labels", "logits", "a"]),
        (PLAIN, ["labels", "a"]),
        (
            [
                *PLAIN,
                node(
                    "If",
                    ["c"],
                    ["d"],
                    then_branch=helper.make_graph([node("Neg", ["a"], ["e"])], "t", [], []),
                    else_branch=helper.make_graph([node("Neg", ["a"], ["e"])], "e", [], []),
                ),
            ],
            ["labels", "logits"],
        ),
    ],
)
def test_other_files_are_opened_as_they_are(
    nodes: Sequence[NodeProto], outputs: Sequence[str]
) -> None:
    graph = check_model_file(model(nodes, outputs).SerializeToString())

    assert graph is not None
    assert not graph.network


def test_a_file_with_external_data_is_opened_as_it_is(tmp_path: Path) -> None:
    whole = model(PLAIN)
    path = tmp_path / "external.onnx"
    onnx.save(whole, path, save_as_external_data=True, size_threshold=0, location="weights.bin")

    graph = check_model_file(str(path))

    assert graph is not None
    assert not graph.network


def test_a_graph_in_two_pieces_is_left_as_it_is() -> None:
    first, second = model(PLAIN), model([], [])
    del second.graph.initializer[:]
    content = first.SerializeToString() + ModelProto(graph=second.graph).SerializeToString()

    assert network_only(content, frozenset([0, 1])) == content
