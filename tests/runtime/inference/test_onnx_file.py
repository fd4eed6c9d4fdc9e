"""Models of strangers: what they may read, and what they may claim."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from ppmobileseg_deploy import ModelError, OrtSegmenter
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.onnx_file import MAX_DEPTH, check_model_file

BIAS = np.array([0.5, 0.25, 0.125], np.float32).reshape(1, 3, 1, 1)
Entries = dict[str, str]


def _external(entries: Entries, dims: tuple[int, ...] = (1, 3, 1, 1)) -> TensorProto:
    tensor = TensorProto(name="bias", data_type=TensorProto.FLOAT, dims=dims)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def _model(bias: TensorProto, metadata: ModelMetadata) -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["input", "bias"], ["sum"]),
            helper.make_node("ArgMax", ["sum"], ["output"], axis=1),
        ],
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ("n", 3, "h", "w"))],
        [helper.make_tensor_value_info("output", TensorProto.INT64, ("n", 1, "h", "w"))],
        [bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata.to_props())
    return model


@pytest.fixture
def save(tmp_path: Path, rgb_metadata: ModelMetadata) -> Callable[[Entries], Path]:
    """Write a model whose bias is external, with files inside and outside its folder."""
    folder = tmp_path / "models"
    (folder / "weights").mkdir(parents=True)
    for place in (tmp_path, folder, folder / "weights"):
        (place / "bias.bin").write_bytes(BIAS.tobytes())

    def save(entries: Entries) -> Path:
        path = folder / "external.onnx"
        path.write_bytes(_model(_external(entries), rgb_metadata).SerializeToString())
        return path

    return save


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "bias.bin"},
        {"location": "bias.bin", "offset": "0", "length": "12"},
        {"location": "weights/bias.bin", "length": "12"},
        {"location": "./bias.bin"},
    ],
)
def test_weights_in_the_folder_of_the_model_are_read(
    entries: Entries, save: Callable[[Entries], Path]
) -> None:
    result = OrtSegmenter(save(entries))(np.full((8, 8, 3), 100, np.uint8))
    assert result.labels.shape == (8, 8)


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ({"location": "../bias.bin"}, r"own folder, found '\.\./bias\.bin'"),
        ({"location": "weights/../../bias.bin"}, "own folder"),
        ({"location": "..\\bias.bin"}, "own folder"),
        ({"location": "/etc/hostname"}, "own folder, found '/etc/hostname'"),
        ({"location": "C:\\bias.bin"}, "own folder"),
        ({"location": "*/_ORT_MEM_ADDR_/*", "offset": "4096", "length": "12"}, "own folder"),
        ({"location": "gone.bin"}, r"found no such file"),
        ({"location": "nul\0.bin"}, r"found no such file"),
        ({"location": "weights"}, "found a folder"),
        ({"location": ""}, "expected one location"),
        ({"length": "12"}, "expected one location"),
        ({"location": "bias.bin", "offset": "4", "length": "12"}, "at least 16 bytes.* found 12"),
        ({"location": "bias.bin", "offset": "13"}, "at least 13 bytes"),
        ({"location": "bias.bin", "offset": "-4"}, "whole number of bytes, found '-4'"),
        ({"location": "bias.bin", "length": "1" * 30}, "whole number of bytes"),
        ({"location": "bias.bin", "length": "0"}, r"shape \[1, 3, 1, 1\] with 0 bytes"),
        ({"location": "x" * 5000}, "described in 5000 bytes"),
    ],
)
def test_everything_else_is_refused_in_one_line(
    entries: Entries, found: str, save: Callable[[Entries], Path]
) -> None:
    with pytest.raises(ModelError, match=rf"cannot load external\.onnx: .*{found}") as caught:
        OrtSegmenter(save(entries))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="links need privileges there")
def test_links_may_not_lead_outside(save: Callable[[Entries], Path], tmp_path: Path) -> None:
    path = save({"location": "link.bin"})
    link = path.with_name("link.bin")
    link.symlink_to(tmp_path / "bias.bin")
    with pytest.raises(ModelError, match="own folder"):
        check_model_file(str(path))
    link.unlink()
    link.symlink_to("weights/bias.bin")
    check_model_file(str(path))
    (path.parent / "out").symlink_to(tmp_path)
    with pytest.raises(ModelError, match="own folder"):
        check_model_file(str(save({"location": "out/bias.bin"})))


@pytest.mark.skipif(os.name == "nt", reason="links need privileges there")
def test_a_cache_of_links_to_one_folder_of_contents_works(
    save: Callable[[Entries], Path], tmp_path: Path
) -> None:
    snapshot = tmp_path / "snapshots" / "main"
    snapshot.mkdir(parents=True)
    model = save({"location": "bias.bin"})
    for name in ("external.onnx", "bias.bin"):
        (snapshot / name).symlink_to(model.with_name(name))
    check_model_file(str(snapshot / "external.onnx"))


def test_content_has_no_folder(save: Callable[[Entries], Path]) -> None:
    content = save({"location": "bias.bin"}).read_bytes()
    with pytest.raises(ModelError, match=r"external data \('bias\.bin'\) from its content"):
        OrtSegmenter(content)


def _as_attribute(tensor: TensorProto, model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def _as_list(tensor: TensorProto, model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Custom", [], ["c"], values=[tensor]))


def _in_a_branch(tensor: TensorProto, model: onnx.ModelProto) -> None:
    branch = helper.make_graph([], "branch", [], [], [tensor])
    inner = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    outer = helper.make_graph([inner], "outer", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=outer))


def _in_a_function(tensor: TensorProto, model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["c"], value=tensor)
    model.functions.append(helper.make_function("d", "f", [], ["c"], [node], []))


def _in_a_default(tensor: TensorProto, model: onnx.ModelProto) -> None:
    function = helper.make_function("d", "f", [], [], [], [])
    function.attribute_proto.append(helper.make_attribute("a", tensor))
    model.functions.append(function)


def _as_sparse_values(tensor: TensorProto, model: onnx.ModelProto) -> None:
    indices = numpy_helper.from_array(np.arange(3), "i")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(tensor, indices, [9]))


def _as_sparse_indices(tensor: TensorProto, model: onnx.ModelProto) -> None:
    sparse = helper.make_sparse_tensor(numpy_helper.from_array(BIAS.ravel()), tensor, [9])
    attribute = onnx.AttributeProto(name="sparse_value", sparse_tensor=sparse)
    model.graph.node.append(onnx.NodeProto(op_type="Constant", attribute=[attribute]))


def _for_training(tensor: TensorProto, model: onnx.ModelProto) -> None:
    model.training_info.add().initialization.initializer.append(tensor)


@pytest.mark.parametrize(
    "hide",
    [
        _as_attribute,
        _as_list,
        _in_a_branch,
        _in_a_function,
        _in_a_default,
        _as_sparse_values,
        _as_sparse_indices,
        _for_training,
    ],
)
def test_no_tensor_hides(
    hide: Callable[[TensorProto, onnx.ModelProto], None],
    tmp_path: Path,
    rgb_metadata: ModelMetadata,
) -> None:
    path = tmp_path / "hidden.onnx"
    model = _model(numpy_helper.from_array(BIAS, "bias"), rgb_metadata)
    path.write_bytes(model.SerializeToString())
    check_model_file(str(path))
    hide(_external({"location": "/etc/hostname"}, dims=(3,)), model)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="own folder, found '/etc/hostname'"):
        check_model_file(str(path))


def _length(size: int) -> bytes:
    head = b""
    while size >= 0x80:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size])


def _field(number: int, content: bytes) -> bytes:
    return _length(number << 3 | 2) + _length(len(content)) + content


def _nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = _field(1, _field(5, _field(6, content)))  # node, attribute, graph
    return _field(7, content)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x3a\x05abc", "a field that ends behind its message"),
        (b"\x3a\xff\xff\xff\xff\x0f", "a field that ends behind its message"),
        (_field(7, b"\x2a\x05\x08\x01"), "a field that ends behind its message"),
        (_field(7, b"\x0d12"), "ends behind its message"),
        (b"\x3b\x3c", "wire type 3"),
        (_nested(MAX_DEPTH), f"nested more than {MAX_DEPTH} deep"),
        (_field(7, _field(5, b"\x08\x01" * 65)), "more than 64 dimensions"),
        (_field(7, _field(5, _field(1, b"\x01" * 65))), "more than 64 dimensions"),
        (_field(7, _field(5, _field(1, b"\x80\x80\x80\x80\x40"))), "17179869184.* with 7 bytes"),
        (_field(7, _field(5, b"\x08" + b"\xff" * 9 + b"\x01")), "18446744073709551615"),
        (_field(7, _field(15, b"\x18" + b"\xff" * 4 + b"\x7f")), "a sparse tensor of shape"),
        (_field(7, _field(1, _field(5, _field(5, b"") * 2))), "two tensors in place of one"),
        (_field(7, _field(5, _field(13, b"\x0a\x01\xff"))), "no UTF-8"),
    ],
)
def test_what_nobody_writes_in_good_faith_is_refused(
    content: bytes, found: str, tmp_path: Path
) -> None:
    path = tmp_path / "crafted.onnx"
    path.write_bytes(content)
    for model in (str(path), content):
        with pytest.raises(ModelError, match=rf"cannot load .*{found}") as caught:
            check_model_file(model)
        assert "\n" not in str(caught.value)


def test_location_twice_is_refused(save: Callable[[Entries], Path]) -> None:
    tensor = _external({"location": "bias.bin"})
    tensor.external_data.add(key="location", value="bias.bin")
    path = save({})
    path.write_bytes(_model(tensor, ModelMetadata()).SerializeToString())
    with pytest.raises(ModelError, match="expected one location"):
        check_model_file(str(path))


@pytest.mark.parametrize("as_content", [False, True])
def test_files_in_the_format_of_onnx_runtime_load(
    as_content: bool, rgb_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rgb.ort"
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(str(rgb_model), options, providers=["CPUExecutionProvider"])
    image = np.full((8, 8, 3), (0, 0, 255), np.uint8)
    result = OrtSegmenter(path.read_bytes() if as_content else path)(image)
    assert result.areas() == {"red": 1.0}


def test_an_onnx_file_that_looks_like_that_format_is_looked_through(
    save: Callable[[Entries], Path],
) -> None:
    path = save({"location": "../bias.bin"})
    disguised = _field(2, b"ORORTM") + path.read_bytes()
    assert disguised[4:8] == b"ORTM"
    path.write_bytes(disguised)
    with pytest.raises(ModelError, match="own folder"):
        OrtSegmenter(path)


_CLAIM = """
import resource, sys
from ppmobileseg_deploy import ModelError, OrtSegmenter
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    OrtSegmenter(sys.argv[1])
except ModelError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""


def test_a_claim_of_terabytes_takes_no_memory(tmp_path: Path, rgb_metadata: ModelMetadata) -> None:
    pytest.importorskip("resource", reason="Windows does not tell the peak of a process")
    bias = numpy_helper.from_array(BIAS, "bias")
    bias.dims[:] = [1 << 20, 1 << 20]
    path = tmp_path / "huge.onnx"
    path.write_bytes(_model(bias, rgb_metadata).SerializeToString())
    ran = subprocess.run(
        [sys.executable, "-c", _CLAIM, str(path)], capture_output=True, text=True, check=True
    )
    grown, message = ran.stdout.split(" ", 1)
    assert "expected tensors that hold what they declare" in message
    assert int(grown) < 64 << 10
