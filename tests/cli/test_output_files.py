from pathlib import Path

import pytest

from ppmobileseg_deploy.cli.output_files import check_output
from ppmobileseg_deploy.errors import UsageError


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").touch()
    Path("link.onnx").symlink_to("model.onnx")


@pytest.mark.parametrize("path", ["new.onnx", "NEW.ONNX", "folder/new.onnx", "other.onnx"])
def test_other_files_may_be_written(path):
    Path("other.onnx").touch()
    check_output(Path(path), (".onnx",), ["model.onnx", "tiny"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("model.pth", "expected a file name ending in .onnx or .json, found model.pth"),
        ("README", "expected a file name ending in .onnx or .json, found README"),
        ("model.onnx", "expected another file to write than the input model.onnx"),
        ("./link.onnx", "expected another file to write than the input model.onnx"),
    ],
)
def test_inputs_and_strange_names_are_refused(path, message):
    with pytest.raises(UsageError) as raised:
        check_output(Path(path), (".onnx", ".json"), ["missing", "model.onnx"])
    assert str(raised.value) == message
