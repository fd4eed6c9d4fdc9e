"""What `write_sidecar` says is what the file is."""

import json
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort
import pytest
from jsonschema import Draft202012Validator

from ppmobileseg_deploy.errors import ModelError, UsageError
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx, write_sidecar
from ppmobileseg_deploy.files import sha256_of
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.sidecar import SCHEMA

SCHEMA_1 = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize(
    "options",
    [
        ExportOptions(),
        ExportOptions(logits=True, shape_hw=(64, 96)),
        ExportOptions(embed_preprocessing="rgba", label_dtype="uint8"),
        ExportOptions(embed_preprocessing="bgr", coarse_logits=True),
        ExportOptions(logits_output=False, label_dtype="int32", precision="fp16"),
    ],
    ids=lambda options: f"{options.output}-{options.embed_preprocessing}",
)
def test_it_names_the_files_inputs_and_outputs(
    options: ExportOptions, demo_checkpoint: Path, tmp_path: Path
) -> None:
    report = export_onnx(demo_checkpoint, tmp_path / "net.onnx", options, verify=False)
    path = write_sidecar(report.path)
    assert path == tmp_path / "net.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    SCHEMA_1.validate(found)
    assert found["model"]["file"] == "net.onnx"
    assert found["model"]["sha256"] == sha256_of(report.path) == report.sha256
    session = ort.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    for described, declared in zip(
        [found["input"], *found["outputs"]],
        [*session.get_inputs(), *session.get_outputs()],
        strict=True,
    ):
        assert described["name"] == declared.name
        assert described["shape"] == declared.shape
        assert f"tensor({described['dtype'].replace('float32', 'float')})" == declared.type
    assert len(found["input"]["channel_order"]) == (3 if not options.embed_preprocessing else
                                                    len(options.embed_preprocessing))  # fmt: skip
    kinds = [(each["kind"], each["stride"]) for each in found["outputs"]]
    first = {"labels": ("labels", 1), "logits": ("logits", 1), "coarse_logits": ("logits", 16)}
    assert kinds[0] == first[options.output]
    assert kinds[1:] == ([("logits", 16)] if options.second_output else [])
    names = report.metadata.class_names
    assert [each["name"] for each in found["classes"]] == list(names)


def test_a_second_one_has_the_same_bytes(demo_checkpoint: Path, tmp_path: Path) -> None:
    model = export_onnx(demo_checkpoint, tmp_path / "net.onnx", verify=False).path
    first = write_sidecar(model).read_bytes()
    assert write_sidecar(model).read_bytes() == first
    assert first.count(b"\n") < 200  # a class a line: people read it, too


def test_only_files_of_ours_have_one(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    with pytest.raises(ModelError, match="no such file"):
        write_sidecar(model)
    values = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xyz"]
    nodes = [onnx.helper.make_node("Add", ["x", "y"], ["z"])]
    graph = onnx.helper.make_graph(nodes, "g", values[:2], values[2:])
    proto = onnx.helper.make_model(graph)
    onnx.save(proto, model)
    with pytest.raises(UsageError, match="found no metadata"):
        write_sidecar(model)
    onnx.helper.set_model_props(proto, ModelMetadata().to_props())
    onnx.save(proto, model)
    with pytest.raises(UsageError, match="expected one input, found 2"):
        write_sidecar(model)
    assert not (tmp_path / "net.json").exists()
