"""``ppms-export`` as its users meet it: what it prints, writes and refuses."""

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest
import torch

from ppmobileseg_deploy import ade20k, web
from ppmobileseg_deploy.cache import official_model_path
from ppmobileseg_deploy.checkpoints import OfficialCheckpoint, loading
from ppmobileseg_deploy.cli.export import main
from ppmobileseg_deploy.exporters import export as exporting
from ppmobileseg_deploy.exporters.precision.held_out import HeldOutScorer
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.version import VERSION

CHECKPOINT = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"
IMAGES = CHECKPOINT.parent / "images"
PHOTO = sorted(IMAGES.iterdir())[0]
INT8 = [CHECKPOINT, "--precision", "int8", "--calibrate"]

Export = Callable[..., tuple[int, str, str]]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process) -> Export:
    """``export("my.pth", "--vim", "off")``: run ppms-export in an empty folder."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in ("FORCE_COLOR", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)

    return in_process("ppms-export", main)


def test_the_table_tells_what_came_out(export: Export) -> None:
    code, stdout, _ = export(CHECKPOINT)
    assert code == 0
    for text in ("end2end.onnx", "tiny", "150", "labels, int64, VIM cell", "MB", "labels equal"):
        assert text in stdout
    assert [path.name for path in Path().iterdir()] == ["end2end.onnx"]
    assert not official_model_path("tiny").exists()


def test_work_dir_and_output_combine(export: Export) -> None:
    code, stdout, _ = export(
        CHECKPOINT, "--work-dir", "out", "-o", "m.onnx", "--shape", "64x96", "--verify", "off"
    )
    assert code == 0
    assert "not checked" in stdout
    session = ort.InferenceSession(Path("out/m.onnx"))
    assert session.get_inputs()[0].shape == [1, 3, 64, 96]


@pytest.mark.parametrize("output", [".", "here", "new/", "new/deep/"])
def test_a_folder_for_output_gets_end2end_onnx(export: Export, output: str) -> None:
    Path("here").mkdir()
    code, stdout, _ = export(CHECKPOINT, "-o", output, "--shape", "64", "--verify", "off")
    assert code == 0
    assert str(Path(output) / "end2end.onnx") in stdout
    assert (Path(output) / "end2end.onnx").is_file()


UNCHECKED = ("--verify", "off")
QUICKLY = ("--shape", "64", *UNCHECKED)


def written() -> ModelMetadata:
    props = ort.InferenceSession("end2end.onnx").get_modelmeta().custom_metadata_map
    metadata = ModelMetadata.from_props(props)
    assert metadata is not None
    return metadata


def test_names_and_colours_are_those_of_ade20k_for_150_classes(export: Export) -> None:
    code, stdout, stderr = export(CHECKPOINT, *QUICKLY)
    assert (code, stderr) == (0, "")
    assert "ADE20K's, as there are 150 and no others are given" in stdout
    assert hashlib.sha256(CHECKPOINT.read_bytes()).hexdigest() in "".join(
        part.strip(" │\n") for part in stdout.splitlines()
    ).replace("│", "").replace(" ", "")
    assert written().class_names == ade20k.NAMES
    assert written().palette_rgb == ade20k.PALETTE_RGB


def test_the_former_name_of_the_option_for_names_is_noted(export: Export) -> None:
    code, stdout, stderr = export(CHECKPOINT, "--classes", "ade20k", *QUICKLY)
    assert code == 0
    assert "from ade20k" in stdout
    assert stderr == (
        "note: --classes is called --names now; the former name goes with the next release\n"
    )
    assert "--classes" not in export("--help")[1]


@pytest.fixture
def own_checkpoint(tmp_path: Path) -> Path:
    """The demo's weights beside what mmengine writes of a data set and a preprocessor."""
    weights = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    weights["data_preprocessor.mean"] = torch.tensor([1.5, 2.5, 3.5]).view(3, 1, 1)
    weights["data_preprocessor.std"] = torch.tensor([4.5, 5.5, 6.5]).view(3, 1, 1)
    meta = {
        "classes": tuple(f"crop {number}" for number in range(150)),
        "palette": [[number, 255 - number, number // 2] for number in range(150)],
    }
    path = tmp_path / "own.pth"
    torch.save({"meta": {"dataset_meta": meta}, "state_dict": weights}, path)
    return path


def test_what_the_checkpoint_says_of_itself_is_used_and_said(
    export: Export, own_checkpoint: Path
) -> None:
    code, stdout, stderr = export(own_checkpoint, *QUICKLY)
    assert (code, stderr) == (0, "")
    assert written().class_names[:2] == ("crop 0", "crop 1")
    assert written().palette_rgb[1] == (1, 254, 0)
    assert (written().mean_rgb, written().std_rgb) == ((1.5, 2.5, 3.5), (4.5, 5.5, 6.5))
    assert stdout.count("the checkpoint's") == 3
    assert "mean 1.5/2.5/3.5" in stdout


def test_what_the_user_says_comes_before_it(export: Export, own_checkpoint: Path) -> None:
    Path("names.txt").write_text("\n".join(f"animal {number}" for number in range(150)))
    Path("colours.json").write_text('{"animal 2": [1, 2, 3]}')
    code, stdout, stderr = export(
        *(own_checkpoint, "--names", "names.txt", "--palette", "colours.json", *QUICKLY),
        *("--mean", "9", "--std", "7,8,9", "--channel-order", "bgr"),
    )
    assert (code, stderr) == (0, "")
    assert written().class_names[2] == "animal 2"
    assert written().palette_rgb[1:3] == ((1, 254, 0), (1, 2, 3))
    assert (written().mean_rgb, written().std_rgb) == ((9, 9, 9), (7, 8, 9))
    assert written().channel_order == "bgr"
    for text in ("from names.txt", "from colours.json", "float32 BGR (as given)"):
        assert text in stdout


def test_a_recipe_is_written_and_said(export: Export) -> None:
    code, stdout, stderr = export(CHECKPOINT, "--recipe", "cityscapes-paddleseg", *UNCHECKED)
    assert (code, stderr) == (0, "")
    for text in (
        "mean 127.5/127.5/127.5",
        "std 127.5/127.5/127.5 (recipe cityscapes-paddleseg)",
        "not: images stay as large as they are (recipe cityscapes-paddleseg)",
        "not, by PaddleSeg's arithmetic (recipe cityscapes-paddleseg)",
    ):
        assert text in " ".join(stdout.replace("│", " ").split())
    assert (written().short_side, written().size_multiple) == (None, 1)
    assert written().resize_rule == "paddleseg"


def test_a_configuration_gives_the_numbers_and_options_come_before_it(export: Export) -> None:
    Path("mine.yml").write_text(
        "val_dataset:\n  transforms:\n"
        "  - {type: Resize, target_size: [640, 320], keep_ratio: true, size_divisor: 64}\n"
        "  - {type: Normalize, mean: [0, 0, 0], std: [1, 1, 1]}\n"
    )
    given = ("--config", "mine.yml", "--std", "9,8,7", "--resize-rule", "mmseg")
    code, stdout, stderr = export(CHECKPOINT, *given, *UNCHECKED)
    assert (code, stderr) == (0, "")
    assert (written().mean_rgb, written().std_rgb) == ((0, 0, 0), (9, 8, 7))
    assert (written().short_side, written().long_side, written().size_multiple) == (320, 640, 64)
    assert written().resize_rule == "mmseg"
    shown = " ".join(stdout.replace("│", " ").split())
    assert "mean 0/0/0, std 9/8/7 (from mine.yml and as given)" in shown
    assert "short side to 320, long side to 640 at most (from mine.yml)" in shown
    assert "padded to multiples of 64 (from mine.yml and as given)" in shown


def test_sizes_are_said_one_by_one(export: Export) -> None:
    code, stdout, _ = export(CHECKPOINT, "--short-side", "300", "--long-side", "900", *UNCHECKED)
    assert (code, written().short_side, written().long_side) == (0, 300, 900)
    code, stdout, _ = export(CHECKPOINT, "--stretch", "64x96", "--size-multiple", "64", *UNCHECKED)
    assert (code, written().stretched_hw, written().size_multiple) == (0, (64, 96), 64)
    assert "to 64x96, whatever their ratio (as given)" in " ".join(stdout.split())


def test_one_fixed_size_is_what_images_are_brought_to(export: Export) -> None:
    code, stdout, _ = export(CHECKPOINT, "--no-resize", "--shape", "96x64", "--verify", "off")
    assert code == 0
    shown = " ".join(stdout.replace("│", " ").split())
    assert "to fit inside 96x64, the file's only size (--shape)" in shown


def test_several_sets_of_weights_are_noted_and_chosen(export: Export, tmp_path: Path) -> None:
    model = torch.load(CHECKPOINT, weights_only=True)["state_dict"]
    averaged = {key: tensor.clone() for key, tensor in model.items()}
    averaged["decode_head.conv_seg.bias"] += 1
    torch.save({"model": model, "ema": averaged}, tmp_path / "two.pth")
    code, _, stderr = export(tmp_path / "two.pth", *QUICKLY)
    assert (code, stderr.count("\n")) == (0, 1)
    assert "took ema, the averaged one; --weights NAME takes another" in stderr
    first = Path("end2end.onnx").read_bytes()
    assert export(tmp_path / "two.pth", "--weights", "model", *QUICKLY)[0] == 0
    assert Path("end2end.onnx").read_bytes() != first


def test_numbers_for_pixels_from_0_to_1_are_noted(export: Export) -> None:
    numbers = ("--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225")
    code, _, stderr = export(CHECKPOINT, *numbers, *QUICKLY)
    assert code == 0
    assert stderr.startswith("note: means such as 0.485 look as if for pixels from 0 to 1")
    assert "--mean 123.675,116.28,103.53" in stderr


@pytest.mark.usefixtures("small_smooth_images")
def test_a_head_of_one_class_is_proven_at_its_threshold(
    export: Export, one_class_pth: Path
) -> None:
    code, stdout, _ = export(one_class_pth, "--threshold", "0.6", "--verify", "full")
    assert code == 0
    assert "2 (foreground where its probability is above 0.6)" in stdout
    assert "on pictures" in stdout
    props = {each.key: each.value for each in onnx.load("end2end.onnx").metadata_props}
    assert props["ppms.threshold"] == "0.6"


def test_help_is_grouped_and_shows_what_values_look_like(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, stdout, _ = export("--help")
    assert code == 0
    assert "ppms inspect FILE" in stdout
    options = stdout[stdout.index("Where to:") :]
    assert "<" not in options
    assert max(map(len, options.splitlines())) <= 80
    headings = [line for line in options.splitlines() if line[:1].strip()]
    assert headings == [
        "Where to:",
        "About the network:",
        "Form of the file:",
        "Precision:",
        "Files beside it:",
        "Validation:",
        "Others:",
    ]


@pytest.mark.usefixtures("small_smooth_images")
def test_a_former_absolute_tolerance_is_taken_with_a_note(export: Export) -> None:
    code, _, stderr = export(CHECKPOINT, "--atol", "0.1", *QUICKLY)
    assert code == 2  # nothing is compared
    assert "--atol, an absolute difference, goes with the next release" in stderr
    code, _, stderr = export(CHECKPOINT, "--atol", "0", "--shape", "64")
    assert code == 1
    assert "error: expected logits within 0 of PyTorch's" in stderr
    code, _, stderr = export(CHECKPOINT, "--atol", "1", "--tolerance", "1", "--shape", "64")
    assert code == 2
    assert "found both" in stderr


def test_a_full_proof_shows_the_pictures(export: Export) -> None:
    code, stdout, _ = export(
        CHECKPOINT, "--verify", "full", "--image", PHOTO, "--precision", "fp16"
    )
    assert code == 0
    for text in ("synthetic 3", "(256x320)", PHOTO.name, "fp16", "of labels equal on 4 images"):
        assert text in stdout


def test_a_full_proof_that_fails_names_the_layer_and_writes_nothing(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_one_activation(model: onnx.ModelProto) -> onnx.ModelProto:
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        next(node for node in changed.graph.node if node.op_type == "HardSwish").op_type = "Relu"
        return changed

    monkeypatch.setattr(exporting, "simplify", without_one_activation)
    monkeypatch.setattr(exporting, "prove", lambda *_, **__: None)
    code, stdout, stderr = export(CHECKPOINT, "--verify", "full", "-o", "m.onnx")
    assert (code, stdout, stderr.count("\n")) == (1, "", 1)
    assert "expected m.onnx to compute what ppmobileseg_tiny_demo.pth computes" in stderr
    assert "the first layer that differs is backbone.smb1.conv.activation, after" in stderr
    assert list(Path().iterdir()) == []


def test_files_beside_it(export: Export) -> None:
    code, stdout, _ = export(
        *(CHECKPOINT, "-o", "m.onnx", "--shape", "64", "--verify", "off", "--ort", "--dump-info")
    )
    assert code == 0
    assert "m.ort: " in stdout
    assert "for mmdeploy's SDK: deploy.json, pipeline.json, detail.json" in stdout
    assert sorted(path.name for path in Path().iterdir()) == [
        "deploy.json",
        "detail.json",
        "m.onnx",
        "m.ort",
        "m.required_operators.config",
        "pipeline.json",
    ]


def test_bytes_as_input(export: Export) -> None:
    code, stdout, _ = export(CHECKPOINT, "--embed-preprocessing", "bgr", "--shape", "64")
    assert code == 0
    assert "uint8 BGR pixels" in stdout
    assert "uint8 bgr input" in stdout


def test_int8_shows_what_it_costs_and_gains(
    export: Export, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(HeldOutScorer, "latency_ms", lambda *_: (10.0, 12.5))
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        shutil.copy(PHOTO, images / f"{number}{PHOTO.suffix}")
    code, stdout, stderr = export(*INT8, images, "--shape", "64", "--min-agreement", "0.5")
    assert code == 0
    for text in ("2 images for the ranges, 1 judged", "12.5 ms", "mIoU, with fp32's labels"):
        assert text in stdout
    assert "all layers in int8" in stdout
    assert stderr == (
        "note: int8 is slower than fp32 on this machine, 12.5 ms against 10.0 ms (one thread)\n"
    )


@pytest.mark.usefixtures("small_smooth_images")
def test_an_official_model_is_fetched_by_name_and_kept_for_ppms_infer(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(CHECKPOINT.read_bytes()).hexdigest()
    official = OfficialCheckpoint("tiny", "http://127.0.0.1:9/demo.pth", digest[:8])
    monkeypatch.setattr(loading, "OFFICIAL", {"tiny": official})
    code, _, stderr = export("tiny")
    assert code == 1
    assert official.url in stderr
    assert str(official.cached_path) in stderr

    official.cached_path.parent.mkdir(parents=True, exist_ok=True)
    official.cached_path.write_bytes(CHECKPOINT.read_bytes())
    for options in (["--verify", "off"], ["--vim", "off"]):
        assert export("tiny", *options)[0] == 0
        assert not official_model_path("tiny").exists()
    code, _, stderr = export("tiny")
    assert code == 0
    assert official_model_path("tiny").read_bytes() == Path("end2end.onnx").read_bytes()
    assert str(official_model_path("tiny")) in stderr


def test_a_file_with_the_name_of_an_official_model_is_not_taken_for_it(export: Export) -> None:
    Path("tiny").write_bytes(CHECKPOINT.read_bytes())
    code, _, stderr = export("tiny")
    assert (code, stderr) == (0, "")
    assert not official_model_path("tiny").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.pth"], 2, "file at nowhere.pth, there is none (official models: tiny, base)"),
        (["."], 2, "found a folder"),
        ([CHECKPOINT, "--vim", "cubic"], 2, "expected vim to be one of cell, image, off"),
        ([CHECKPOINT, "--opset", "99"], 2, "expected an opset from 15 to 20, found 99"),
        ([CHECKPOINT, "--opset", "new"], 2, "--opset"),
        ([CHECKPOINT, "--shape", "0x64"], 2, "expected a size of at least 1x1"),
        ([CHECKPOINT, "--shape", "big"], 2, "expected a size such as 512x512"),
        ([CHECKPOINT, "--label-dtype", "int8"], 2, "expected label dtype to be one of"),
        ([CHECKPOINT, "--threshold", "0.5"], 2, "expected a head of one class with a threshold"),
        ([CHECKPOINT, "--names", "none.txt"], 2, "cannot read class names from none.txt"),
        ([CHECKPOINT, "--names", "a", "--classes", "a"], 2, "expected --names alone"),
        ([CHECKPOINT, "--names", "cityscapes"], 2, "expected 150 class names for this checkp"),
        ([CHECKPOINT, "--palette", "none.json"], 2, "cannot read colours from none.json"),
        ([CHECKPOINT, "--mean", "1,2"], 2, "expected three numbers for --mean, such as 127.5"),
        ([CHECKPOINT, "--mean", "a,b,c"], 2, "expected three numbers for --mean, such as 127.5"),
        ([CHECKPOINT, "--mean", "nan"], 2, "expected three means from -1e+06 to 1e+06, found (na"),
        ([CHECKPOINT, "--std", "1,1,0"], 2, "expected three standard deviations from 1e-06 to 1e"),
        ([CHECKPOINT, "--channel-order", "gbr"], 2, "channel order to be one of bgr, rgb, found"),
        ([CHECKPOINT, "--weights", "ema"], 2, "expected one of state_dict for the weights of ppm"),
        ([CHECKPOINT, "--recipe", "coco"], 2, "expected recipe to be one of ade20k, ade20k-pad"),
        ([CHECKPOINT, "--no-resize", "--long-side", "9"], 2, "expected one of --no-resize, --str"),
        ([CHECKPOINT, "--stretch", "big"], 2, "big"),
        ([CHECKPOINT, "--config", "none.yml"], 2, "none.yml cannot be read: No such file or dir"),
        ([CHECKPOINT, "--config", CHECKPOINT], 2, "expected a configuration of mmsegmentation"),
        ([CHECKPOINT, "--tolerance", "-1"], 2, "expected a tolerance of at least 0"),
        ([CHECKPOINT, "--tolerance", "0"], 1, "expected logits within 0"),
        ([CHECKPOINT, "-o", ""], 2, "found an empty name"),
        ([CHECKPOINT, "--logits", "--vim", "cell"], 2, "leave out --vim"),
        ([CHECKPOINT, "--logits", "--label-dtype", "uint8"], 2, "leave out --label-dtype"),
        ([CHECKPOINT, "-o", "out/", "--work-dir", "c"], 2, "--output without a folder"),
        ([CHECKPOINT, "-o", "a/b.onnx", "--work-dir", "c"], 2, "--output without a folder"),
        ([CHECKPOINT, "--show", "--verify", "off"], 2, "which --verify off leaves out"),
        ([CHECKPOINT, "--tolerance", "1", "--verify", "off"], 2, "which --verify off leaves out"),
        ([CHECKPOINT, "--verify", "no"], 2, "--verify to be one of quick, full, off, found 'no'"),
        ([CHECKPOINT, "--image", "a.jpg"], 2, "needs --verify full, found quick"),
        ([CHECKPOINT, "--verify", "full", "--image", "a.jpg"], 2, "a.jpg"),
        ([CHECKPOINT, "-o", "m.ort"], 2, "--ort writes the ORT format beside it"),
        ([CHECKPOINT, "-o", "my.pth"], 2, "expected --output to end in .onnx, found my.pth"),
        ([CHECKPOINT, "--ort", "--precision", "fp16"], 2, "leave out fp16"),
        ([CHECKPOINT, "--dump-info", "--embed-preprocessing", "bgr"], 2, "float32 input for mm"),
        ([CHECKPOINT, "--dump-info", "--label-dtype", "uint8"], 2, "labels of int64 or int32"),
        ([CHECKPOINT, "--precision", "fp8"], 2, "precision to be one of fp32, fp16, int8"),
        (
            [CHECKPOINT, "--embed-preprocessing", "gbr"],
            2,
            "one of bgr, rgb, bgra, rgba, found 'gbr'",
        ),
        ([CHECKPOINT, "--precision", "int8"], 2, "needs images: --calibrate DIR"),
        ([*INT8, "nowhere"], 2, "found none at nowhere"),
        ([*INT8, IMAGES, "--max-miou-loss", "0"], 2, "give --calibrate-labels DIR too"),
        ([*INT8, IMAGES, "--reduce-zero-label"], 2, "give --calibrate-labels DIR too"),
        ([*INT8, IMAGES, "--min-agreement", "2"], 2, "above 0 and up to 1, found 2"),
        ([CHECKPOINT, "--calibrate", IMAGES], 2, "--calibrate is for --precision int8"),
        ([CHECKPOINT, "--calibrate-labels", IMAGES], 2, "--calibrate-labels is for --precision"),
        ([CHECKPOINT, "--reduce-zero-label"], 2, "--reduce-zero-label is for --precision int8"),
        ([CHECKPOINT, "--max-miou-loss", "0"], 2, "--max-miou-loss is for --precision int8"),
        (
            [CHECKPOINT, "--precision", "fp16", "--min-agreement", "1"],
            2,
            "--min-agreement is for --precision int8, found fp16",
        ),
        ([CHECKPOINT, "--show"], 2, "showing needs a display"),
        ([], 2, "Missing argument"),
    ],
    ids=str,
)
def test_what_goes_wrong_is_one_line_and_leaves_no_file(
    arguments: list[str | Path], code: int, message: str, export: Export
) -> None:
    found, stdout, stderr = export(*arguments)
    assert found == code
    assert message in stderr
    assert stderr.count("\n") == 1, stderr
    assert stderr.startswith("error: ")
    assert stdout == ""
    assert list(Path().iterdir()) == []


def test_without_the_extra_it_prints_how_to_install_it(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    code, _, stderr = export("tiny")
    assert code == 2
    assert "install with: pip install torch onnx onnxsim safetensors pyyaml" in stderr


def test_version(export: Export) -> None:
    assert export("--version") == (0, f"ppms-export {VERSION}\n", "")


def test_a_file_is_put_into_a_model_repository(export: Export) -> None:
    code, out, _ = export(CHECKPOINT, "-o", "m.onnx", "--triton", "models", "--verify", "off")
    assert code == 0
    assert "model of Triton: models/m\n" in out
    written = Path("models", "m", "1", "model.onnx").read_bytes()
    assert written == Path("m.onnx").read_bytes()
    assert Path("models", "m", "config.pbtxt").read_text().startswith('name: "m"\n')

    Path("file").write_text("mine")
    code, out, err = export(CHECKPOINT, "-o", "n.onnx", "--triton", "file", "--verify", "off")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert not Path("n.onnx").exists()


def test_a_label_head_is_written_beside_the_file(export: Export) -> None:
    code, stdout, _ = export(CHECKPOINT, "-o", "m.onnx", "--label-head", "--verify", "off")
    assert code == 0
    assert "label head: m.labels.onnx" in stdout
    inputs = ort.InferenceSession("m.labels.onnx").get_inputs()
    assert [each.name for each in inputs] == ["logits", "resized_hw", "size_hw"]


@pytest.mark.parametrize("option", ["--logits", "--no-logits-output"])
def test_a_label_head_needs_logits(option: str, export: Export) -> None:
    code, _, error = export(CHECKPOINT, "-o", "m.onnx", "--label-head", option)
    assert code == 2
    assert "--label-head takes the logits of a file of labels and logits" in error
    assert not list(Path().iterdir())


def test_coarse_logits_alone_are_labelled_by_the_head(export: Export) -> None:
    code, stdout, _ = export(
        CHECKPOINT, "-o", "m.onnx", "--coarse-logits", "--label-head", "--verify", "off"
    )
    assert code == 0
    assert "logits / 16, float32" in stdout
    assert [each.name for each in ort.InferenceSession("m.onnx").get_outputs()] == ["logits"]
    assert Path("m.labels.onnx").is_file()


def test_a_sidecar_and_golden_files_are_written(export: Export) -> None:
    code, stdout, _ = export(
        CHECKPOINT, "-o", "m.onnx", "--sidecar", "--golden", "g", "--verify", "off"
    )
    assert code == 0
    assert "sidecar: m.json" in stdout
    assert f"golden files: {Path('g', 'golden.json')}" in stdout
    sidecar, golden = (json.loads(Path(name).read_text()) for name in ("m.json", "g/golden.json"))
    assert sidecar["model"]["sha256"] == golden["model"]["sha256"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--logits", "--coarse-logits"), "are two outputs: choose one"),
        (("--coarse-logits", "--vim", "off"), "--coarse-logits gives no labels: leave out --vim"),
        (("--logits", "--label-dtype", "int32"), "--logits gives no labels: leave out"),
        (("--coarse-logits", "--no-logits-output"), "leave out --no-logits-output"),
        (("--coarse-logits", "--dump-info"), "found logits before upsampling"),
        (("--embed-preprocessing", "argb"), "found 'argb'"),
        (("--sidecar", "--dump-info", "-o", "deploy.onnx"), "would both write deploy.json"),
    ],
)
def test_forms_that_exclude_each_other(
    options: tuple[str, ...], expected: str, export: Export
) -> None:
    code, _, error = export(CHECKPOINT, *options)
    assert code == 2
    assert expected in error
    assert not list(Path().iterdir())


def test_golden_files_need_a_folder(export: Export) -> None:
    Path("g").write_text("x")
    code, _, error = export(CHECKPOINT, "--golden", "g")
    assert code == 1
    assert "g is no folder" in error
    assert not Path("end2end.onnx").exists()


@pytest.fixture
def runtime_for_browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of what npm would fetch."""
    monkeypatch.setattr(web, "runtime_files", lambda: {"ort.wasm.min.js": b"runtime"})


@pytest.mark.usefixtures("runtime_for_browsers")
def test_a_page_has_its_model_in_the_form_that_it_needs(export: Export) -> None:
    code, stdout, _ = export(CHECKPOINT, "--web", "page", "--precision", "fp16", "--verify", "off")
    assert code == 0
    assert "page: ppms web page" in stdout
    assert [each.name for each in Path().iterdir()] == ["page"]
    web.check_page(Path("page"))
    sidecar = json.loads(Path("page/end2end.json").read_text())
    assert sidecar["model"]["file"] == "end2end.onnx"
    assert sidecar["input"]["channel_order"] == "rgba"
    assert sidecar["input"]["shape"] == ["batch", "height", "width", 4]
    assert [each["name"] for each in sidecar["outputs"]] == ["logits"]
    assert Path("page/end2end.labels.onnx").is_file()
    assert Path("page/onnxruntime/ort.wasm.min.js").read_bytes() == b"runtime"


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "m.onnx"),
        ("--work-dir", "out"),
        ("--vim", "off"),
        ("--logits",),
        ("--coarse-logits",),
        ("--no-logits-output",),
        ("--label-dtype", "uint8"),
        ("--embed-preprocessing", "rgb"),
        ("--shape", "64"),
        ("--dump-info",),
    ],
)
def test_a_page_decides_on_form_and_place(options: tuple[str, ...], export: Export) -> None:
    code, _, error = export(CHECKPOINT, "--web", "page", *options)
    assert code == 2
    assert "error: --web decides on the form and the place of the file: leave out -" in error
    assert not list(Path().iterdir())


def test_a_page_without_npm_costs_no_export(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, _, error = export(CHECKPOINT, "--web", "page")
    assert code == 2
    assert error.startswith("error: a page for the browser needs npm, which comes with Node.js")
    assert not list(Path().iterdir())
