"""What is asked for must be there."""

import os
from pathlib import Path

import pytest

from ppmobileseg_deploy.cli.inputs import check_inputs, check_models
from ppmobileseg_deploy.errors import UsageError


@pytest.mark.parametrize(
    ("path", "found"),
    [("none.pth", "there is none"), ("folder", "found a folder"), ("a\0b", "there is none")],
)
def test_what_is_not_there_is_wrong_use(tmp_path, monkeypatch, path, found):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("a.onnx").touch()
    with pytest.raises(UsageError) as raised:
        check_inputs("a.onnx", None, path)
    assert str(raised.value).endswith(found)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_file_or_a_pipe_will_do(tmp_path):
    (tmp_path / "a.onnx").touch()
    os.mkfifo(tmp_path / "pipe")
    check_inputs(tmp_path / "a.onnx", str(tmp_path / "pipe"), None)


def test_an_official_model_needs_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_models("tiny", "base")
    with pytest.raises(UsageError, match=r"at small, there is none \(official models: tiny, b"):
        check_models("tiny", "small")
