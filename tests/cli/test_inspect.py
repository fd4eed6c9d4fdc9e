"""``ppms-export inspect`` as its users meet it."""

import json
from pathlib import Path

import pytest

from ppmobileseg_deploy.cli.export import main

CHECKPOINT = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"


@pytest.fixture(scope="module")
def exported(exported_demo):
    return exported_demo(precision="fp16")


@pytest.fixture
def run(tmp_path, monkeypatch, in_process):
    """``run("inspect", "a.onnx")``: run ppms-export in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return in_process("ppms-export", main)


def test_a_table(run, exported):
    code, out, err = run("inspect", exported)
    assert (code, err) == (0, "")
    for text in ("ai.onnx 17", "input: float32 (batch, 3, height, width)", "float16", "HardSwish"):
        assert text in out
    assert "…" not in out  # nothing is cut off


def test_json(run, exported):
    code, out, _ = run("inspect", exported, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["path"] == str(exported)
    assert found["properties"]["ppms.precision"] == "fp16"
    assert found["size_bytes"] == exported.stat().st_size


def test_help_has_its_name(run):
    code, out, _ = run("inspect", "--help")
    assert code == 0
    assert "ppms-export inspect [OPTIONS]" in " ".join(out.split()).replace("pytest ", "")
    assert "--json" in out


def test_a_checkpoint_of_that_name_can_still_be_exported(run):
    Path("inspect").write_bytes(CHECKPOINT.read_bytes())
    code, out, _ = run("./inspect", "--shape", "64", "--verify", "off")
    assert code == 0
    assert "not checked" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing argument"),
        (["none.onnx"], 1, "cannot read none.onnx: no such file"),
        (["."], 1, "found a folder"),
        ([CHECKPOINT], 1, "expected an ONNX file"),
        (["a.onnx", "--yaml"], 2, "--yaml"),
    ],
    ids=str,
)
def test_what_goes_wrong_is_one_line(run, arguments, code, message):
    found, out, err = run("inspect", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
