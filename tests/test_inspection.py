from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ppmobileseg_deploy.errors import ModelError
from ppmobileseg_deploy.inspection import Tensor, inspect


@pytest.fixture(scope="module")
def exported(exported_demo):
    return inspect(exported_demo())


def test_an_exported_file_is_described(exported):
    assert exported.inputs == (Tensor("input", "float32", ("batch", 3, "height", "width")),)
    assert exported.outputs == (
        Tensor("output", "int64", ("batch", 1, "height", "width")),
        Tensor("logits", "float32", ("batch", 150, "logits_height", "logits_width")),
    )
    assert exported.opsets == {"ai.onnx": 17}
    assert exported.ir_version == 8
    assert exported.metadata is not None
    assert exported.metadata.variant == "tiny"
    assert exported.runtimes == (
        "standard operators only: any ONNX runtime of this opset",
        "ONNX 1.12 or newer (opset 17, IR version 8)",
    )


def test_sizes_add_up(exported):
    assert sum(exported.bytes_by_part.values()) == sum(exported.bytes_by_dtype.values())
    assert 0.9 * exported.size_bytes < sum(exported.bytes_by_part.values()) < exported.size_bytes
    assert next(iter(exported.bytes_by_part)) == "network/backbone/trans2"
    assert list(exported.operators.values()) == sorted(exported.operators.values(), reverse=True)


def test_weights_in_half_the_bytes_belong_to_the_part_that_uses_them(exported_demo):
    found = inspect(exported_demo(precision="fp16"))
    assert next(iter(found.bytes_by_part)) == "network/backbone/trans2"
    assert found.bytes_by_part.get("Cast", 0) < 1000


@pytest.fixture
def foreign(tmp_path):
    """A file with a subgraph, operators of strangers, a sequence, and unknown lengths."""

    def write(opset: int = 13, ir_version: int = 7, domain: str = "org.strange") -> Path:
        branch = helper.make_graph(
            [helper.make_node("Add", ["x", "inner"], ["s"])],
            "branch",
            [],
            [helper.make_tensor_value_info("s", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.ones((2, 3), np.float16), "inner")],
        )
        nodes = [
            helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch),
            helper.make_node("Fancy", ["y"], ["z"], domain=domain),
        ]
        graph = helper.make_graph(
            nodes,
            "g",
            [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, "n", 3]),
                helper.make_tensor_value_info("c", TensorProto.BOOL, []),
                helper.make_tensor_sequence_value_info("many", TensorProto.FLOAT, None),
            ],
            [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        )
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(domain, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
        path = tmp_path / "foreign.onnx"
        onnx.save(model, path)
        return path

    return write


def test_a_foreign_file_is_described(foreign):
    found = inspect(foreign())
    assert found.metadata is None
    assert [each.shape for each in found.inputs] == [("?", "n", 3), (), None]
    assert found.inputs[2].dtype == "sequence"
    assert found.operators == {"Add": 2, "If": 1, "org.strange.Fancy": 1}
    assert found.bytes_by_dtype == {"float16": 24}
    assert found.bytes_by_part == {"Add": 24}
    assert found.parameters == 12


@pytest.mark.parametrize(
    ("opset", "ir_version", "domain", "runtimes"),
    [
        (
            13,
            7,
            "org.strange",
            ["a runtime with the operators of org.strange", "ONNX 1.8 or newer"],
        ),
        (
            17,
            9,
            "com.microsoft",
            ["ONNX Runtime only: it has operators of com.microsoft", "ONNX 1.14 or newer"],
        ),
        (13, 3, "com.microsoft", ["ONNX Runtime only", "ONNX 1.8 or newer"]),
        (
            999,
            8,
            "com.microsoft",
            ["ONNX Runtime only", f"newer than ONNX {onnx.__version__} (opset 999, IR version 8)"],
        ),
    ],
)
def test_what_it_takes_to_run_it(foreign, opset, ir_version, domain, runtimes):
    found = inspect(foreign(opset, ir_version, domain)).runtimes
    assert len(found) == len(runtimes)
    for sentence, beginning in zip(found, runtimes, strict=True):
        assert sentence.startswith(beginning)


def test_external_data_is_named_and_not_opened(tmp_path):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
        [tensor],
    )
    path = tmp_path / "split.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert any(sentence.startswith("further files") for sentence in inspect(path).runtimes)


def test_functions_of_the_file_need_no_special_runtime(tmp_path):
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    doubled = helper.make_function(
        "own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], opsets[:1]
    )
    graph = helper.make_graph(
        [helper.make_node("Twice", ["x"], ["y"], domain="own")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    path = tmp_path / "functions.onnx"
    onnx.save(helper.make_model(graph, functions=[doubled], opset_imports=opsets), path)
    found = inspect(path)
    assert found.operators == {"own.Twice": 1, "Add": 1}
    assert found.runtimes[0].startswith("standard operators only")


@pytest.mark.parametrize(
    "dims", [[1 << 62] * 300, [1 << 62] * 30_000, [1 << 62, 4], [-1], [0, -(1 << 63)]]
)
def test_a_shape_that_cannot_be_is_refused_at_once(tmp_path, dims):
    name = "w" * 1000
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims)
    nodes = [helper.make_node("Identity", [name], ["y"])]
    path = tmp_path / "huge.onnx"
    path.write_bytes(
        helper.make_model(helper.make_graph(nodes, "g", [], [], [tensor])).SerializeToString()
    )
    with pytest.raises(
        ModelError, match=rf"below 2.63 numbers, found 'w+\.\.\. of {len(dims)}: "
    ) as no:
        inspect(path)
    assert len(str(no.value)) < 500


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "without a graph"),
        (b"\xff\xd8\xff\xe0 a photograph", "expected an ONNX file"),
        (b"\x00\x00\x00\x00ORTM\x00\x00", "ONNX Runtime's own format"),
    ],
)
def test_what_is_no_onnx_file_is_refused(tmp_path, content, message):
    path = tmp_path / "bad.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError) as raised:
        inspect(path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
