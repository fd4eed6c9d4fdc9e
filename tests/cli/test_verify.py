"""``ppms-verify`` as its users meet it."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from ppmobileseg_deploy.cli.verify import main

CHECKPOINT = str(Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth")


@pytest.fixture(scope="module")
def exported(exported_demo) -> str:
    return str(exported_demo())


@pytest.fixture
def verify(tmp_path, monkeypatch, in_process):
    """``verify("a.pth", "b.onnx", ...)``: run ppms-verify in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    return in_process("ppms-verify", main)


def test_a_faithful_file_agrees(verify, exported):
    code, out, err = verify(CHECKPOINT, exported, "--json", "found.json")
    assert (code, err) == (0, "")
    assert "synthetic 1" in out
    assert out.rstrip().endswith("agree")
    found = json.loads(Path("found.json").read_text())
    assert found["agreed"] is True
    assert found["divergence"] is None
    assert len(found["examples"]) == 3


def test_of_a_checkpoint_the_weights_can_be_chosen(verify, exported):
    weights = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    other = {key: tensor * 1.5 for key, tensor in weights.items()}
    torch.save({"model": weights, "ema": other}, "two.pth")
    code, _, err = verify("two.pth", exported)
    assert code == 1
    assert "took ema, the averaged one; --weights NAME takes another" in err
    code, out, _ = verify("two.pth", exported, "--weights", "model")
    assert (code, out.rstrip().endswith("agree")) == (0, True)


def test_models_that_see_other_numbers_are_noted(verify, exported):
    model = onnx.load(exported)
    (mean,) = (each for each in model.metadata_props if each.key == "ppms.mean_rgb")
    mean.value = "[1, 2, 3]"
    onnx.save(model, "other.onnx")
    code, _, err = verify(CHECKPOINT, "other.onnx")
    assert code == 0
    assert "are normalised by other numbers, mean 123.675,116.28,103.53 and std" in err
    assert err.endswith("against 1,2,3 and 58.395,57.12,57.375\n")


def test_a_file_that_differs_ends_with_one_and_the_layer(verify, exported):
    model = onnx.load(exported)
    node = next(node for node in model.graph.node if node.op_type == "HardSwish")
    node.op_type = "Relu"
    onnx.save(model, "bad.onnx")
    code, out, _ = verify(CHECKPOINT, "bad.onnx", "--json", "found.json")
    assert code == 1
    assert "do not agree" in out
    assert "the first layer that differs: backbone.smb1.conv.activation" in out
    assert (
        json.loads(Path("found.json").read_text())["divergence"]["after"]
        == "backbone.smb1.conv.bn"
    )


def test_outputs_can_be_stored_and_compared_later(verify, exported):
    code, out, _ = verify(CHECKPOINT, "--store", "outputs.npz")
    assert (code, out) == (0, "wrote outputs.npz\n")
    assert verify("outputs.npz", exported)[0] == 0


def test_images_are_compared_too(verify, exported):
    from ppmobileseg_deploy.runtime.images.files import write_image

    rng = np.random.default_rng(0)
    write_image("photo.png", rng.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    code, out, _ = verify(exported, exported, "--image", "photo.png")
    assert code == 0
    assert "photo.png" in out
    assert "512x512" in out


def test_images_and_stored_outputs_do_not_go_together(verify, exported):
    assert verify(CHECKPOINT, "--store", "outputs.npz")[0] == 0
    Path("photo.png").touch()
    code, _, err = verify("outputs.npz", exported, "--image", "photo.png")
    assert code == 2
    assert "outputs.npz holds outputs of other inputs" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((CHECKPOINT,), 2, "expected two models to compare, or --store"),
        ((CHECKPOINT, "none.onnx"), 2, "expected a file at none.onnx, there is none"),
        ((CHECKPOINT, "none.npz"), 2, "expected a file at none.npz, there is none"),
        ((CHECKPOINT, CHECKPOINT, "--min-agreement", "2"), 2, "agreement in [0, 1]"),
        ((CHECKPOINT, "--store", "outputs.txt"), 2, "--store to end in .npz"),
        ((CHECKPOINT, CHECKPOINT, "--json", "my.pth"), 2, "--json to end in .json, found my.pth"),
        (
            (CHECKPOINT, "--image", "none.jpg", "--store", "o.npz"),
            2,
            "expected a file at none.jpg",
        ),
    ],
)
def test_wrong_use_is_one_line(verify, arguments, code, message):
    found_code, _, err = verify(*arguments)
    assert found_code == code
    assert message in err
    assert err.count("\n") == 1
