"""What a graph tells before it is run: what its numbers mean, and what it would never end."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ppmobileseg_deploy import ModelError
from ppmobileseg_deploy.runtime.inference.model_graph import ModelGraph
from ppmobileseg_deploy.runtime.inference.onnx_file import check_model_file

node = helper.make_node


def model(
    nodes: Sequence[NodeProto],
    initializers: Sequence[TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
) -> bytes:
    """A file whose input is x and whose output is y."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 3, "h", "w"))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        initializers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    made.functions.extend(functions)
    return made.SerializeToString()


def known(content: bytes) -> ModelGraph:
    found = check_model_file(content)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("nodes", "ends_in"),
    [
        ([node("Softmax", ["x"], ["y"], axis=1)], "softmax"),
        ([node("Sigmoid", ["x"], ["y"])], "sigmoid"),
        ([node("Softmax", ["x"], ["a"]), node("Resize", ["a", "", "s"], ["y"])], "softmax"),
        (
            [
                node("Transpose", ["x"], ["a"], perm=[0, 2, 3, 1]),
                node("Softmax", ["a"], ["b"]),
                node("Transpose", ["b"], ["y"], perm=[0, 3, 1, 2]),
            ],
            "softmax",
        ),
        (
            [
                node("Sigmoid", ["x"], ["a"]),
                node("QuantizeLinear", ["a", "s"], ["b"]),
                node("DequantizeLinear", ["b", "s"], ["c"]),
                node("Slice", ["c", "s", "s"], ["y"]),
            ],
            "sigmoid",
        ),
        ([node("ArgMax", ["x"], ["a"]), node("Cast", ["a"], ["y"], to=1)], "argmax"),
        ([node("Softmax", ["x"], ["a"]), node("Conv", ["a", "w"], ["y"])], ""),
        ([node("Softmax", ["x"], ["a"]), node("Mul", ["a", "x"], ["y"])], ""),
        ([node("Sigmoid", ["x"], ["a"]), node("Conv", ["x", "w"], ["y"])], ""),
        ([node("LogSoftmax", ["x"], ["y"])], ""),
        ([node("Identity", ["x"], ["y"])], ""),
        ([node("Identity", ["y"], ["y"])], ""),
        ([node("Identity", ["b"], ["y"]), node("Identity", ["y"], ["b"])], ""),
        ([node("Identity", [], ["y"])], ""),
        ([], ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(n.op_type for n in value),
)
def test_what_the_output_comes_out_of(nodes: list[NodeProto], ends_in: str) -> None:
    assert known(model(nodes)) == ModelGraph(ends_in, has_loop=False)


def _body(nodes: Sequence[NodeProto]) -> GraphProto:
    return helper.make_graph(nodes, "body", [], [])


LOOP = node("Loop", ["n", "t", "x"], ["y"], body=_body([node("Identity", ["a"], ["b"])]))


@pytest.mark.parametrize(
    "content",
    [
        model([LOOP]),
        model([node("If", ["t"], ["y"], then_branch=_body([LOOP]), else_branch=_body([]))]),
        model([], functions=[helper.make_function("d", "f", [], ["y"], [LOOP], [])]),
    ],
    ids=["graph", "branch", "function"],
)
def test_loops_are_seen_wherever_they_are(content: bytes) -> None:
    assert known(content).has_loop


def test_a_loop_that_nothing_could_stop_is_refused() -> None:
    with pytest.raises(ModelError, match=r"cannot load model: .* found a loop that does nothing"):
        check_model_file(model([node("Loop", ["n", "t", "x"], ["y"], body=_body([]))]))


def _raw(name: str, values: Sequence[float], dtype: type = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype), name)


def _typed(name: str, values: Sequence[int]) -> TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def _scalar(name: str, value: float, dtype: type = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.array(value, dtype), name)


def _whole(name: str, value: int) -> TensorProto:
    return _scalar(name, value, np.int64)


SHAPE = [node("ConstantOfShape", ["s"], ["y"])]
RANGE = [node("Range", ["a", "b", "c"], ["y"])]
LARGE = (1, 1, 30_000, 30_000)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (model(SHAPE, [_raw("s", LARGE)]), "ConstantOfShape of 9e\\+08 elements"),
        (model(SHAPE, [_typed("s", LARGE)]), "ConstantOfShape of 9e\\+08"),
        (model(SHAPE, [_raw("s", LARGE, np.int32)]), "ConstantOfShape of 9e\\+08"),
        (model(SHAPE, [_raw("s", (1 << 62, 1 << 62))]), "ConstantOfShape of 2.13e\\+37"),
        (
            model([node("Constant", [], ["s"], value=_raw("v", LARGE)), *SHAPE]),
            "ConstantOfShape of 9e\\+08",
        ),
        (
            model([node("Constant", [], ["s"], value_ints=LARGE), *SHAPE]),
            "ConstantOfShape of 9e\\+08",
        ),
        (
            model([node("If", ["t"], ["y"], then_branch=_body(SHAPE))], [_raw("s", LARGE)]),
            "ConstantOfShape of 9e\\+08",
        ),
        (model([node("Expand", ["x", "s"], ["y"])], [_raw("s", LARGE)]), "Expand of 9e"),
        (model([node("Tile", ["x", "s"], ["y"])], [_raw("s", LARGE)]), "Tile of 9e"),
        (
            model(
                [node("Pad", ["x", "s"], ["y"])], [_raw("s", (0, 0, 30_000, 0, 0, 0, 0, 30_000))]
            ),
            "Pad of 9e",
        ),
        (model([node("OneHot", ["x", "s", "v"], ["y"])], [_raw("s", [1 << 40])]), "OneHot of 1.1"),
        (model([node("RandomNormal", [], ["y"], shape=LARGE)]), "RandomNormal of 9e\\+08"),
        (
            model(RANGE, [_scalar("a", 0), _scalar("b", 9e8), _scalar("c", 1)]),
            "Range of 9e\\+08 elements, more than 268435456",
        ),
        (
            model(RANGE, [_whole("a", 0), _whole("b", -(10**9)), _whole("c", -1)]),
            "Range of 1e\\+09",
        ),
        (
            model(RANGE, [_scalar("a", 0), _scalar("b", np.inf), _scalar("c", 1)]),
            "Range of inf elements",
        ),
    ],
)
def test_sizes_in_the_file_are_looked_at_before_memory_is_taken(
    content: bytes, found: str
) -> None:
    with pytest.raises(ModelError, match=f"cannot load model: .* found {found}"):
        check_model_file(content)


@pytest.mark.parametrize(
    "content",
    [
        model(SHAPE, [_raw("s", (1, 150, 1024, 1024))]),
        model(SHAPE, [_raw("s", [30_000] * 100)]),  # no shape, but weights
        model(SHAPE),
        model([node("ConstantOfShape", [], ["y"])]),
        model(RANGE, [_scalar("a", 0), _scalar("b", 9e8), _scalar("c", 0)]),
        model(RANGE, [_scalar("a", 0), _scalar("b", 9e8)]),
        model([node("Pad", ["x", "s"], ["y"])], [_raw("s", (0, 0, 1, 1, 0, 0, 1, 1))]),
        model([node("Pad", ["x", "s"], ["y"])], [_raw("s", (0, 0, -3, -3, 0, 0, -3, -3))]),
    ],
)
def test_usual_sizes_pass(content: bytes) -> None:
    assert known(content) == ModelGraph()


def test_what_the_walk_finds_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from ppmobileseg_deploy.runtime.inference import onnx_walk

    monkeypatch.setattr(onnx_walk, "MAX_NODES", 5)
    known(model([node("Identity", ["x"], [f"y{i}"]) for i in range(5)]))
    with pytest.raises(ModelError, match="more than 5 nodes"):
        check_model_file(model([node("Identity", ["x"], [f"y{i}"]) for i in range(6)]))


def test_two_graphs_are_one_as_protobuf_has_it() -> None:
    first, second = model([node("Softmax", ["x"], ["a"])]), model([node("Identity", ["a"], ["y"])])
    merged = ModelProto()
    merged.ParseFromString(first + second)
    assert [each.op_type for each in merged.graph.node] == ["Softmax", "Identity"]
    assert known(first + second).ends_in == "softmax"
