"""``ppms-eval`` as its users meet it: what it prints, writes and refuses."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.cli.eval import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def evaluate(desk: Path, monkeypatch, in_process) -> Run:
    """``evaluate("a.onnx", ...)``: run ppms-eval in the current folder."""

    return in_process("ppms-eval", main)


@pytest.fixture
def dataset(desk: Path, picture) -> None:
    """Two images in ADE20K's layout whose labels the model finds, but for one half of one."""
    for name, wrong in (("a", 0), ("b", 24)):
        labels = picture(f"set/images/validation/{name}.png").copy()
        labels[:, :wrong] = 2
        path = Path(f"set/annotations/validation/{name}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", labels + np.uint8(1))[1].tobytes())


def test_the_figures_of_one_model_are_printed_and_written(evaluate, dataset):
    code, out, err = evaluate("end2end.onnx", "--ade20k", "set", "--json", "found.json")
    assert (code, err) == (0, "")
    # Of 96 columns 24 are wrong: 16 red and 8 green ones that are truly blue.
    assert "2 images; 3 of 3 classes occur" in out
    assert "75.00" in out
    report = json.loads(Path("found.json").read_text())
    found = report["models"]["end2end.onnx"]
    assert found["pixel_accuracy"] == 0.75
    assert found["iou"] == pytest.approx([16 / 32, 24 / 32, 32 / 56])
    assert found["miou"] == pytest.approx(np.mean([16 / 32, 24 / 32, 32 / 56]))
    assert report["agreement"] == [[1.0]]
    assert report["images"] == 2


def test_folders_and_the_zero_label_do_the_same_as_the_layout(evaluate, dataset):
    folders = ("--images", "set/images", "--labels", "set/annotations", "--reduce-zero-label")
    assert evaluate("end2end.onnx", *folders)[1] != ""
    assert "75.00" in evaluate("end2end.onnx", *folders)[1]


def test_models_side_by_side_show_how_far_they_agree(evaluate, dataset, model_bytes):
    Path("other.onnx").write_bytes(model_bytes(names=("r", "g", "b")))
    code, out, _ = evaluate("end2end.onnx", "other.onnx", "--ade20k", "set")
    assert code == 0
    assert "equal labels" in out
    assert "100.000" in out


def test_a_limit_takes_the_first_images(evaluate, dataset):
    assert "1 image;" in evaluate("end2end.onnx", "--ade20k", "set", "--limit", "1")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "expected one data set"),
        (("--images", "set/images"), 2, "--images and --labels belong together"),
        (("--ade20k", "set", "--cityscapes", "set"), 2, "found 2"),
        (("--ade20k", "nowhere"), 2, "expected a folder of images, found none at"),
        (("--ade20k", "set", "--ignore", "1"), 2, "no class of the 3, found 1"),
        (("--ade20k", "set", "--limit", "0"), 2, "--limit"),
        (("end2end.onnx", "--ade20k", "set"), 2, "expected each model once"),
        (("--ade20k", "set", "--json", "end2end.onnx"), 2, "expected --json to end in .json"),
        (("--ade20k", "set", "--json", "model.json"), 2, "would overwrite an input of this run"),
        (("--ade20k", "set", "--json", "label.json"), 2, "would overwrite an input of this run"),
        (("set/images/validation/a.png", "--ade20k", "set"), 2, "found the image set/images"),
        (("missing.onnx", "--ade20k", "set"), 2, "expected an ONNX file at missing.onnx"),
        (
            ("--images", "set/images", "--labels", "set/annotations"),
            1,
            "found 1 to 3 (ids that do not count: 255;",
        ),
    ],
)
def test_wrong_use_is_one_line(evaluate, dataset, arguments, code, message):
    Path("model.json").symlink_to("end2end.onnx")
    Path("label.json").symlink_to("set/annotations/validation/a.png")
    found_code, out, err = evaluate("end2end.onnx", *arguments)
    assert (found_code, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_checkpoint_needs_the_export_extra(evaluate, dataset, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    code, _, err = evaluate("my.pth", "--ade20k", "set")
    assert code == 2
    assert "evaluating a checkpoint needs torch; install with: pip install" in err
