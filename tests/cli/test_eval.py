"""``ppms-eval`` as its users meet it: what it prints, writes and refuses."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from ppmobileseg_deploy.cli import eval as eval_module
from ppmobileseg_deploy.cli.eval import main
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.segmenter import OrtSegmenter

CHECKPOINT = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"

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
def two_classes(desk, model_bytes) -> str:
    """The file of a model that knows red and green only."""
    model = onnx.load_from_string(model_bytes(metadata=False))
    model.graph.node.insert(0, helper.make_node("Gather", ["input", "first"], ["two"], axis=1))
    model.graph.node[1].input[0] = "two"
    model.graph.initializer.append(helper.make_tensor("first", TensorProto.INT64, [2], [0, 1]))
    described = ModelMetadata(
        variant="tiny",
        class_names=("red", "green"),
        palette_rgb=((250, 10, 20), (30, 240, 40)),
        short_side=64,
    )
    helper.set_model_props(model, described.to_props())
    onnx.save(model, "two.onnx")
    return "two.onnx"


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
    assert report["pixels"] == 2 * 32 * 48
    assert report["ignored_share"] == 0.0
    assert "do not count" not in out


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


def test_labels_of_0_and_255_are_taken_for_masks_in_a_note(evaluate, picture, write_labels):
    truth = picture("i/a.png", (0, 1)) * np.uint8(255)
    truth[:8] = 255
    write_labels("l/a.png", truth)
    options = ("--images", "i", "--labels", "l", "--json", "a.json")
    code, out, err = evaluate("end2end.onnx", *options)
    assert code == 0
    assert "62.50 % of the pixels do not count: their labels are 255\n" in out
    assert err == (
        "note: the labels are 0 and 255 only, and 255 does not count: 62.50 % of the pixels are "
        "left out, and the figures tell of class 0 alone; if these are masks, the model has 3 "
        "classes, so give each its own id\n"
    )
    assert json.loads(Path("a.json").read_text())["ignored_share"] == 0.625


def test_labels_that_are_no_class_are_told(evaluate, dataset):
    options = ("--images", "set/images", "--labels", "set/annotations", "--json", "a.json")
    code, out, err = evaluate("end2end.onnx", *options)
    assert code == 0
    assert "% of the pixels have labels that are no class of the model: they count" in " ".join(
        out.split()
    )
    assert (
        "a.png: expected class ids from 0 to 2, or 255 for what does not count, found 3 (" in err
    )
    assert "; as in mmsegmentation, such pixels are of no class, and lower the IoU" in err
    assert json.loads(Path("a.json").read_text())["beyond_share"] > 0


def test_masks_of_a_model_of_two_classes(evaluate, picture, write_labels, two_classes):
    truth = picture("i/a.png", (0, 1)) * np.uint8(255)
    truth[:8] = 255
    write_labels("l/a.png", truth)
    options = (two_classes, "--images", "i", "--labels", "l")
    code, out, err = evaluate(*options)
    assert (code, err.endswith("if these are masks, --foreground 255 makes that class 1\n")) == (
        0,
        True,
    )
    code, out, err = evaluate(*options, "--foreground", "255")
    assert (code, err) == (0, "")
    assert "do not count" not in out
    # 8 of 32 rows of the left half are truly foreground.
    assert " 87.50" in out
    write_labels("l/a.png", picture("i/a.png", (0, 1)) * np.uint8(255))
    out = evaluate(*options, "--foreground", "255")[1]
    assert "2 of 2 classes in the labels" in out
    assert "100.00" in out


@pytest.mark.parametrize(("ignored", "told"), [(15, False), (16, True)])
def test_more_than_one_percent_left_out_is_told(evaluate, picture, write_labels, ignored, told):
    truth = picture("i/a.png").copy()
    truth.reshape(-1)[:ignored] = 255
    write_labels("l/a.png", truth)
    code, out, err = evaluate("end2end.onnx", "--images", "i", "--labels", "l")
    assert (code, err) == (0, "")
    assert ("1.04 % of the pixels do not count: their labels are 255\n" in out) == told
    assert ("do not count" in out) == told


def test_zeros_that_do_not_count_are_told_too(evaluate, picture, write_labels):
    truth = picture("i/a.png") + np.uint8(1)
    truth[:8] = 0
    write_labels("l/a.png", truth)
    options = ("--images", "i", "--labels", "l", "--reduce-zero-label")
    code, out, err = evaluate("end2end.onnx", *options)
    assert (code, err) == (0, "")
    assert "25.00 % of the pixels do not count: their labels are 0 or 255\n" in out


@pytest.mark.parametrize("palette", ["model", "colours.json"])
def test_pictures_in_the_classes_colours_are_labels_by_option(
    evaluate, picture, write_labels, infer, palette
):
    picture("i/a.png")
    colours = {"red": [1, 2, 3], "green": [4, 5, 6], "blue": [7, 8, 9]}
    Path("colours.json").write_text(json.dumps(colours))
    recolour = () if palette == "model" else ("--palette", palette)
    assert infer("i/a.png", "-o", "l/a.png", "--save", "color", *recolour).code == 0
    options = ("--images", "i", "--labels", "l")
    code, _, err = evaluate("end2end.onnx", *options)
    assert code == 1
    assert "RGB pixels of 3 colours: if they are the classes' colours, ppms-eval takes " in err
    code, out, err = evaluate("end2end.onnx", *options, "--label-palette", palette)
    assert (code, err) == (0, "")
    assert "3 of 3 classes in the labels" in out
    assert "100.00" in out


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
    def stand_in(*_: object) -> OrtSegmenter:
        return OrtSegmenter("end2end.onnx")

    monkeypatch.setattr(eval_module, "_open_checkpoint", stand_in)
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
        (
            ("--images", "set/images", "--labels", "set/annotations", "--ignore", "1"),
            2,
            "no class of the 3, found 1",
        ),
        (("--ade20k", "set", "--limit", "0"), 2, "--limit"),
        (
            ("--ade20k", "set", "--against", "cuda"),
            2,
            "expected --against openvino or openvino-bf16, or both with a comma, found 'cuda'",
        ),
        (
            ("--ade20k", "set", "--against", "openvino"),
            2,
            "device 'openvino' needs an ONNX Runtime with OpenVINOExecutionProvider",
        ),
        (("--ade20k", "set", "--foreground", "255"), 2, "expected one of --reduce-zero-label (as"),
        (
            ("--images", "set/images", "--labels", "blank", "--foreground", "255"),
            2,
            "expected a model of 2 classes for masks with a foreground, found 3",
        ),
        (
            ("--images", "set/images", "--labels", "blank", "--label-palette", "ade20k"),
            2,
            "expected colours for classes of this model, found only other names",
        ),
        (
            ("--images", "set/images", "--labels", "blank", "--label-palette", "colours.json"),
            2,
            "cannot read colours from colours.json: no such file",
        ),
        (("end2end.onnx", "--ade20k", "set"), 2, "expected each model once"),
        (("--ade20k", "set", "--json", "end2end.onnx"), 2, "expected --json to end in .json"),
        (("--ade20k", "set", "--json", "model.json"), 2, "would overwrite an input of this run"),
        (("--ade20k", "set", "--json", "label.json"), 2, "would overwrite an input of this run"),
        (("set/images/validation/a.png", "--ade20k", "set"), 2, "found the image set/images"),
        (("missing.onnx", "--ade20k", "set"), 2, "expected an ONNX file at missing.onnx"),
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


def two_sets_of_weights(path: Path) -> None:
    weights = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    damaged = {key: tensor.clone() for key, tensor in weights.items()}
    damaged["decode_head.conv_seg.bias"][:] = torch.arange(150) * 100.0
    torch.save({"model": weights, "ema": damaged}, path)


def test_of_a_checkpoint_the_weights_and_the_input_can_be_chosen(evaluate, dataset):
    two_sets_of_weights(Path("two.pth"))
    folders = ("--images", "set/images/validation", "--labels", "set/annotations/validation")
    code, _, err = evaluate("two.pth", *folders, "--json", "a.json")
    assert code == 0
    assert "took ema, the averaged one; --weights NAME takes another" in err
    numbers = ("--mean", "0", "--std", "255", "--channel-order", "bgr")
    chosen = ("--weights", "model", *numbers)
    code, _, err = evaluate("two.pth", *folders, *chosen, "--json", "b.json")
    assert code == 0
    first, second = (json.loads(Path(name).read_text()) for name in ("a.json", "b.json"))
    assert first != second
    code, _, err = evaluate("two.pth", *folders, "--weights", "best")
    assert code == 2
    assert "expected one of model, ema for the weights of two.pth, found 'best'" in err
    code, _, err = evaluate("end2end.onnx", *folders, "--channel-order", "bgr")
    assert code == 2
    assert "--channel-order is for checkpoints, found none among the models" in err


def test_a_checkpoint_is_prepared_by_a_recipe_or_its_numbers(evaluate, dataset):
    folders = ("--images", "set/images/validation", "--labels", "set/annotations/validation")
    command = (str(CHECKPOINT), *folders, "--json", "a.json")
    figures = []
    for given in (
        ("--recipe", "cityscapes-paddleseg"),
        ("--mean", "127.5", "--std", "127.5", "--no-resize"),
        ("--mean", "127.5", "--std", "127.5", "--stretch", "32x48"),
        (),
    ):
        code, _, _ = evaluate(*command, *given)
        assert code == 0
        model = json.loads(Path("a.json").read_text())["models"][str(CHECKPOINT)]
        figures.append({key: value for key, value in model.items() if "ms" not in key})
    assert figures[0] == figures[1] == figures[2] != figures[3]  # the images are 32x48
    code, _, err = evaluate("end2end.onnx", *folders, "--recipe", "ade20k")
    assert code == 2
    assert "--recipe is for checkpoints, found none among the models" in err


def test_models_that_see_images_of_other_sizes_are_noted(evaluate, dataset, model_bytes):
    model = onnx.load_from_string(model_bytes())
    props = {each.key: each.value for each in model.metadata_props}
    helper.set_model_props(model, {**props, "ppms.short_side": "null", "ppms.long_side": "null"})
    onnx.save(model, "other.onnx")
    code, _, err = evaluate("end2end.onnx", "other.onnx", "--ade20k", "set")
    assert (code, err.count("\n")) == (0, 1)
    assert (
        "note: end2end.onnx and other.onnx see images of other sizes, short side to 64, long side "
        "to 2048 at most; padded to multiples of 32 against not: images stay as large as they are"
    ) in err


def test_models_that_see_other_numbers_are_noted(evaluate, dataset, model_bytes):
    model = onnx.load_from_string(model_bytes())
    props = {each.key: each.value for each in model.metadata_props}
    helper.set_model_props(model, {**props, "ppms.mean_rgb": "[1, 2, 3]"})
    onnx.save(model, "other.onnx")
    code, _, err = evaluate("end2end.onnx", "other.onnx", "--ade20k", "set")
    assert code == 0
    assert "note: end2end.onnx and other.onnx are normalised by other numbers, mean 123" in err
    assert "against 1,2,3 and 58.395" in err


def test_a_checkpoint_needs_the_export_extra(evaluate, dataset, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    Path("my.pth").touch()
    code, _, err = evaluate("my.pth", "--ade20k", "set")
    assert code == 2
    assert "evaluating a checkpoint needs torch; install with: pip install" in err
