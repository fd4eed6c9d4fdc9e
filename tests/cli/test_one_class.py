"""A head of one class through all commands."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.scenes import draw_scene
from ppmobileseg_deploy.cli import eval as eval_module
from ppmobileseg_deploy.cli import verify as verify_module
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx


@pytest.fixture(scope="module")
def files(one_class_pth, tmp_path_factory) -> Path:
    """A folder: labels.onnx (labels only) and logits.onnx at 0.3, high.onnx at 0.9; a scene."""
    folder = tmp_path_factory.mktemp("files")
    only = ExportOptions(logits_output=False)
    export_onnx(one_class_pth, folder / "labels.onnx", only, verify=False)
    export_onnx(one_class_pth, folder / "logits.onnx", ExportOptions(logits=True), verify=False)
    export_onnx(one_class_pth, folder / "high.onnx", threshold=0.9, verify=False)
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    scene = draw_scene(3, (512, 512))
    cv2.imwrite(str(folder / "images" / "scene.png"), scene.image_bgr)
    sky = (scene.labels == 2).astype(np.uint8)
    cv2.imwrite(str(folder / "labels" / "scene.png"), sky)
    return folder


@pytest.fixture
def desk(files, desk, monkeypatch) -> Path:
    monkeypatch.chdir(files)
    return files


@pytest.fixture
def evaluate(desk, in_process):
    return in_process("ppms-eval", eval_module.main)


@pytest.fixture
def verify(desk, in_process):
    return in_process("ppms-verify", verify_module.main)


DATA = ("--images", "images", "--labels", "labels")


def test_checkpoint_and_files_are_as_accurate_as_one_another(evaluate, one_class_pth):
    found = evaluate(one_class_pth, "labels.onnx", "logits.onnx", *DATA, "--json", "eval.json")
    assert found.code == 0, found.stderr
    report = json.loads(Path("eval.json").read_text())
    assert report["names"] == ["background", "foreground"]
    assert np.min(report["agreement"]) > 0.9999
    for model in report["models"].values():
        assert model["iou"][1] > 0.5, "the sky is found"
    assert "above different probabilities" not in found.stderr


def test_a_threshold_is_that_of_all_models(evaluate, one_class_pth):
    found = evaluate(
        one_class_pth, "high.onnx", "logits.onnx", *DATA, "--threshold", "0.9", "--json", "e.json"
    )
    assert found.code == 0, found.stderr
    assert np.min(json.loads(Path("e.json").read_text())["agreement"]) > 0.9999
    noted = evaluate("labels.onnx", "high.onnx", *DATA)
    assert (
        "note: the models see their class above different probabilities: 0.3 in labels.onnx, 0.9 "
        "in high.onnx\n"
    ) in noted.stderr
    refused = evaluate("labels.onnx", *DATA, "--threshold", "0.9")
    assert refused.code == 2
    assert "labels that were decided at 0.3" in refused.stderr


def test_checkpoint_and_files_compute_the_same(verify, one_class_pth):
    for file in ("labels.onnx", "logits.onnx"):
        found = verify(one_class_pth, file)
        assert found.code == 0, found.stdout
        assert found.stdout.splitlines()[-1].endswith("agree")
    found = verify(one_class_pth, "high.onnx", "--threshold", "0.9")
    assert found.code == 0
    found = verify(one_class_pth, "high.onnx")
    assert found.code == 1
    told = " ".join(found.stdout.split())
    assert "above different probabilities, 0.3 and 0.9: compare them at the same" in told
    found = verify("labels.onnx", "logits.onnx", "--threshold", "0.9")
    assert found.code == 2
    assert "labels that were decided at 0.3" in found.stderr


def test_stored_outputs_are_decided(verify, one_class_pth):
    assert verify(one_class_pth, "--store", "stored.npz").code == 0
    assert verify("stored.npz", "labels.onnx").code == 0
    refused = verify("stored.npz", "labels.onnx", "--threshold", "0.9")
    assert refused.code == 2
    assert "the labels in stored.npz are decided" in refused.stderr


def test_labels_and_confidence_go_by_the_threshold(infer, desk, tmp_path):
    shares = []
    for threshold in ("0.1", "0.3", "0.9"):
        found = infer(
            *("images/scene.png", "-m", "logits.onnx", "--threshold", threshold, "--json-lines"),
            *("--confidence", "0.00001"),
        )
        assert found.code == 0, found.stderr
        classes = json.loads(found.stdout)["classes"]
        shares.append({each["name"]: each["share"] for each in classes}["foreground"])
    assert shares[0] > shares[1] > shares[2] > 0
    sure = infer("images/scene.png", "-m", "logits.onnx", "--json-lines", "--confidence", "0.9")
    kept = {each["name"]: each["share"] for each in json.loads(sure.stdout)["classes"]}
    assert kept["foreground"] == pytest.approx(shares[2], abs=1e-3)
    assert sum(kept.values()) < 1
    refused = infer("images/scene.png", "-m", "labels.onnx", "--threshold", "0.9", "-o", tmp_path)
    assert refused.code == 2
    assert "labels that were decided at 0.3" in refused.stderr


@pytest.mark.parametrize("threshold", ["0", "1", "nan", "-3"])
def test_a_threshold_is_a_probability(infer, evaluate, verify, threshold, one_class_pth, tmp_path):
    for run in (
        lambda *given: infer("images/scene.png", "-m", "logits.onnx", "-o", tmp_path, *given),
        lambda *given: evaluate("logits.onnx", *DATA, *given),
        lambda *given: evaluate(one_class_pth, *DATA, *given),
        lambda *given: verify(one_class_pth, "logits.onnx", *given),
        lambda *given: verify("logits.onnx", "logits.onnx", *given),
    ):
        found = run("--threshold", threshold)
        assert found.code == 2
        assert "expected a threshold between 0 and 1" in found.stderr
