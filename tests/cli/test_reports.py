import json
import os
from pathlib import Path

import pytest

from ppmobileseg_deploy.cli.reports import JSON, STDOUT, check_report, write_json
from ppmobileseg_deploy.errors import OutputError, UsageError


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").touch()
    Path("link.onnx").symlink_to("model.onnx")
    Path("other.onnx").touch()


@pytest.mark.parametrize("path", ["new.onnx", "NEW.ONNX", "folder/new.onnx", "other.onnx", None])
def test_other_files_may_be_written(path):
    check_report("--output", path and Path(path), (".onnx",), ["model.onnx", "tiny"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("model.pth", "expected --json to end in .onnx or .json, found model.pth"),
        ("README", "expected --json to end in .onnx or .json, found README"),
        ("model.onnx", "--json model.onnx would overwrite an input of this run, model.onnx"),
        ("./link.onnx", "--json link.onnx would overwrite an input of this run, model.onnx"),
    ],
)
def test_inputs_and_strange_names_are_refused(path, message):
    with pytest.raises(UsageError) as raised:
        check_report("--json", Path(path), (".onnx", ".json"), ["missing", "model.onnx"])
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("folder.json", "expected a file or nothing, found a folder"),
        ("dangling.json", "found the link dangling.json that leads nowhere"),
        ("model.onnx/new.json", "cannot write to model.onnx: model.onnx is no folder"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(path, message):
    Path("folder.json").mkdir()
    Path("dangling.json").symlink_to("nowhere/new.json")
    with pytest.raises(OutputError, match=message):
        check_report("--json", Path(path), (".json",), [])


def test_json_may_go_to_standard_output(capfd):
    check_report("--json", STDOUT, JSON, [])
    with pytest.raises(UsageError, match=r"--plot to end in \.png, found -"):
        check_report("--plot", Path("-"), (".png",), [])
    report = {"name": "straße " * 40, "share": 0.25}
    write_json(report, STDOUT)
    written = capfd.readouterr().out
    assert written.isascii()
    assert json.loads(written) == report


def test_json_in_a_file_is_readable_whatever_files_are_called():
    report = {"名": os.fsdecode(b"a\xff.png")}
    write_json(report, Path("found.json"))
    text = Path("found.json").read_text("utf-8")
    assert "名" in text
    assert json.loads(text) == report
