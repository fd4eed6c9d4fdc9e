"""A model repository of Triton: its description is read by the protocol's own definition."""

import importlib.util
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest
from google.protobuf import text_format

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.exporters import write_triton


@pytest.fixture(scope="module")
def proto():
    """Triton's ``model_config.proto``, from its client, which needs gRPC for all else."""
    client = importlib.util.find_spec("tritonclient")
    path = Path(client.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_TYPES = {
    "tensor(float)": "TYPE_FP32",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(uint8)": "TYPE_UINT8",
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"coarse_logits": True},
        {"embed_preprocessing": "rgba", "label_dtype": "uint8"},
        {"shape_hw": (64, 96), "label_dtype": "int32"},
    ],
    ids=str,
)
def test_the_description_is_of_the_file(proto, exported_demo, tmp_path, options):
    model = exported_demo(**options)
    folder = write_triton(model, tmp_path / "models")
    assert folder == tmp_path / "models" / model.stem
    assert (folder / "1" / "model.onnx").read_bytes() == model.read_bytes()

    text = (folder / "config.pbtxt").read_text()
    config = text_format.Parse(text, proto.ModelConfig())
    assert (config.name, config.backend, config.max_batch_size) == (model.stem, "onnxruntime", 0)
    session = ort.InferenceSession(folder / "1" / config.default_model_filename)
    for described, there in (
        (config.input, session.get_inputs()),
        (config.output, session.get_outputs()),
    ):
        assert [(each.name, list(each.dims)) for each in described] == [
            (each.name, [side if isinstance(side, int) else -1 for side in each.shape])
            for each in there
        ]
        assert [proto.DataType.Name(each.data_type) for each in described] == [
            _TYPES[each.type] for each in there
        ]
    names = (folder / config.output[0].label_filename).read_text().splitlines()
    assert len(names) == 150
    assert names[2] == "sky"
    assert config.instance_group[0].kind == proto.ModelInstanceGroup.KIND_CPU


def test_other_models_of_the_repository_stay(exported_demo, tmp_path):
    other = tmp_path / "models" / "other" / "config.pbtxt"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    write_triton(exported_demo(), tmp_path / "models")
    write_triton(exported_demo(), tmp_path / "models")
    assert other.read_text() == "mine"


def test_a_file_of_others_is_refused(looping_model, tmp_path):

    model = onnx.load_from_string(looping_model(1))
    del model.metadata_props[:]
    path = tmp_path / "other.onnx"
    onnx.save(model, path)
    with pytest.raises(UsageError, match="expected a file of ppms-export"):
        write_triton(path, tmp_path / "models")
    assert not (tmp_path / "models").exists()
