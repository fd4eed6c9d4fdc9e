"""``ppms-eval`` as its users meet it: what it prints, writes and refuses."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.cli import eval as eval_module
from ppmobileseg_deploy.cli.eval import main
from ppmobileseg_deploy.runtime.segmenter import OrtSegmenter

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def evaluate(desk: Path, monkeypatch, in_process) -> Run:
    """``evaluate("a.onnx", ...)``: run ppms-eval in the current folder."""

    return in_process("ppms-eval", main)


@pytest.fixture
def write_labels() -> Callable[[str, np.ndarray], None]:
    """``write_labels("l/a.png", ids)``: a file of class ids."""

    def write(name: str, ids: np.ndarray) -> None:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", ids)[1].tobytes())

    return write


@pytest.fixture
def dataset(desk: Path, picture, write_labels) -> None:
    """Two images in ADE20K's layout whose labels the model finds, but for one half of one."""
    for name, wrong in (("a", 0), ("b", 24)):
        labels = picture(f"set/images/validation/{name}.png").copy()
        labels[:, :wrong] = 2
        write_labels(f"set/annotations/validation/{name}.png", labels + np.uint8(1))


def test_the_figures_of_one_model_are_printed_and_written(evaluate, dataset):
    code, out, err = evaluate("end2end.onnx", "--ade20k", "set", "--json", "found.json")
    assert (code, err) == (0, "")
    # Of 96 columns 24 are wrong: 16 red and 8 green ones that are truly blue.
    assert "2 images; 3 of 3 classes in the labels; all figures" in out
    assert "only found" not in out
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


def test_classes_that_are_only_found_are_told_from_those_of_the_labels(
    evaluate, picture, write_labels, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "200")
    truth = picture("i/a.png").copy()
    truth[truth == 1] = 0
    write_labels("l/a.png", truth)
    code, out, err = evaluate("end2end.onnx", "--images", "i", "--labels", "l")
    assert (code, err) == (0, "")
    assert "1 image; 2 of 3 classes in the labels, 1 more only found; all figures" in out
    assert "mIoU counts a class that is only found as 0, as mmsegmentation does" in out
    assert [line.split() for line in out.splitlines() if "(only found)" in line] == [
        ["green", "(only", "found)", "0.00", "0.00", "-"]
    ]
    assert "50.00" in out  # half of red, nothing of green, all of blue


@pytest.mark.parametrize(
    ("option", "noted"), [((), True), (("--reduce-zero-label",), False)], ids=["as is", "reduced"]
)
def test_no_right_pixel_makes_it_ask_where_ids_begin(
    evaluate, picture, write_labels, option, noted
):
    write_labels("l/a.png", picture("i/a.png", (0, 1)) + np.uint8(1))
    code, _, err = evaluate("end2end.onnx", "--images", "i", "--labels", "l", *option)
    assert code == 0
    # One half of the truth is what the model finds in the other half: none of it is right.
    assert err == (
        "note: mIoU is near zero: do ids begin at 1? --reduce-zero-label\n" if noted else ""
    )


def test_a_model_of_other_classes_than_cityscapes_is_noted(evaluate, picture, write_labels):
    labels = picture("streets/leftImg8bit/val/ulm/a_leftImg8bit.png")
    write_labels("streets/gtFine/val/ulm/a_gtFine_labelTrainIds.png", labels)
    code, _, err = evaluate("end2end.onnx", "--cityscapes", "streets")
    assert code == 0
    assert "note: --cityscapes has 19 classes, end2end.onnx has 3" in err
    assert err.count("\n") == 1


def test_a_checkpoint_beside_a_file_of_labels_is_explained(
    evaluate, dataset, model_bytes, monkeypatch
):
    def stand_in(model: str, threads: int | None) -> OrtSegmenter:
        return OrtSegmenter("end2end.onnx")

    monkeypatch.setattr(eval_module, "_open", stand_in)
    expected = "note: a checkpoint decides at the image's size, as mmsegmentation does"
    for models, noted in ((("end2end.onnx", "my.pth"), True), (("my.pth",), False)):
        code, _, err = evaluate(*models, "--ade20k", "set")
        assert code == 0
        assert (expected in err) == noted


def test_models_have_short_names_where_these_are_unique(
    evaluate, dataset, model_bytes, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    long = "a_rather_long_folder_of_models/exported_with_options"
    for path in (f"{long}/fast.onnx", "x/end2end.onnx"):
        Path(path).parent.mkdir(parents=True)
        Path(path).write_bytes(model_bytes())
    out = evaluate("end2end.onnx", "x/end2end.onnx", f"{long}/fast.onnx", "--ade20k", "set")[1]
    shown = [line.split()[1] for line in out.splitlines() if ".onnx" in line]
    assert shown == ["end2end.onnx", "x/end2end.onnx", "fast.onnx"]
    assert max(map(len, out.splitlines())) <= 80


def test_a_limit_takes_the_first_images(evaluate, dataset):
    assert "1 image;" in evaluate("end2end.onnx", "--ade20k", "set", "--limit", "1")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "expected one data set"),
        (("--images", "set/images"), 2, "--images and --labels belong together"),
        (("--labels", "set/annotations"), 2, "--images and --labels belong together"),
        (("--ade20k", "set", "--cityscapes", "set"), 2, "found 2: --ade20k, --cityscapes"),
        (("--ade20k", "set", "--images", "set"), 2, "found 2: --images/--labels, --ade20k"),
        (("--cityscapes", "streets"), 2, "expected labels *_gtFine_labelTrainIds.png in"),
        (("--images", "set/images", "--labels", "blank"), 1, "found only 255 in all 2, such as"),
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
def test_wrong_use_is_one_line(evaluate, dataset, write_labels, arguments, code, message):
    Path("model.json").symlink_to("end2end.onnx")
    Path("label.json").symlink_to("set/annotations/validation/a.png")
    for path in ("blank/validation/a.png", "blank/validation/b.png", "streets/gtFine/val/a.png"):
        write_labels(path, np.full((32, 48), 255, np.uint8))
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
