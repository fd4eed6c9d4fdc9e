"""``ppms inspect`` as its users meet it."""

import json
from pathlib import Path

import pytest

from ppmobileseg_deploy.cli.export import main as export_main
from ppmobileseg_deploy.cli.ppms import main

CHECKPOINT = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"


@pytest.fixture(scope="module")
def exported(exported_demo):
    return exported_demo(precision="fp16")


@pytest.fixture
def run(tmp_path, monkeypatch, in_process):
    """``run("inspect", "a.onnx")``: run ppms in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return in_process("ppms", main)


@pytest.fixture
def run_export(run, in_process):
    """``run_export("inspect", "a.onnx")``: how it was called before."""
    return in_process("ppms-export", export_main)


def test_a_table(run, exported):
    code, out, err = run("inspect", exported)
    assert (code, err) == (0, "")
    for text in (
        "ai.onnx 17",
        "input: float32 (batch, 3, height, width)",
        "float16",
        "HardSwish",
        "WebGPU",
    ):
        assert text in out
    assert "…" not in out  # nothing is cut off
    assert "WebGPU" in out
    assert "up to the logits, " in out


def test_json_on_standard_output_is_all_that_is_printed(run, exported):
    code, out, err = run("inspect", exported, "--json", "-")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["path"] == str(exported)
    assert found["properties"]["ppms.precision"] == "fp16"
    assert found["size_bytes"] == exported.stat().st_size


def test_json_in_a_file_comes_with_the_table(run, exported):
    code, out, _ = run("inspect", exported, "--json", "found.json")
    assert code == 0
    assert "ai.onnx 17" in out
    assert json.loads(Path("found.json").read_text())["path"] == str(exported)


def test_help_has_its_name(run):
    code, out, _ = run("inspect", "--help")
    assert code == 0
    assert out.startswith("Usage: ppms inspect [OPTIONS] FILE\n")
    assert "--json FILE" in out


def test_the_former_name_works_with_a_note(run_export, exported):
    code, out, err = run_export("inspect", "--json", exported)
    assert code == 0
    assert err == (
        "note: this is called `ppms inspect` now; the former name goes with the next release\n"
    )
    assert json.loads(out)["path"] == str(exported)


def test_a_checkpoint_of_that_name_can_still_be_exported(run_export):
    Path("inspect").write_bytes(CHECKPOINT.read_bytes())
    code, out, _ = run_export("./inspect", "--shape", "64", "--verify", "off")
    assert code == 0
    assert "not checked" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing argument"),
        (["none.onnx"], 2, "expected a file at none.onnx, there is none"),
        (["."], 2, "expected a file at ., found a folder"),
        ([CHECKPOINT], 1, "expected an ONNX file"),
        (["a.onnx", "--yaml"], 2, "--yaml"),
        (["a.onnx", "--json"], 2, "'--json' requires an argument"),
        ([CHECKPOINT, "--json", "found.txt"], 2, "expected --json to end in .json"),
    ],
    ids=str,
)
def test_what_goes_wrong_is_one_line(run, arguments, code, message):
    found, out, err = run("inspect", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
