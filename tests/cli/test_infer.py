"""``ppms-infer`` does what a user asks for."""

import inspect
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from ppmobileseg_deploy.cache import official_model_path
from ppmobileseg_deploy.cli.infer import infer as command
from ppmobileseg_deploy.version import VERSION

COLORS_BGR = np.array([(20, 10, 250), (40, 240, 30), (230, 60, 50)], np.uint8)


def _read(path: str) -> np.ndarray:
    image = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    return image


def _files() -> list[str]:
    return sorted(
        path.as_posix() for path in Path().rglob("*") if path.is_file() and path.suffix != ".onnx"
    )


def test_one_image_gets_an_overlay_beside_it(desk, picture, infer):
    labels = picture("street.png")
    done = infer("street.png")
    assert (done.code, done.stderr) == (0, "")
    assert _files() == ["street.png", "street_overlay.png"]
    expected = _read("street.png") * 0.5 + COLORS_BGR[labels] * 0.5
    assert np.abs(_read("street_overlay.png") - expected).max() <= 0.5
    assert "1 image: preprocess " in done.stdout
    assert done.stdout.endswith("wrote street_overlay.png\n")


def test_all_kinds_of_result(desk, picture, infer):
    labels = picture("street.png", classes=(2, 0))
    assert infer("street.png", "--save", "overlay,color,labels", "-o", "out").code == 0
    names = ["out/street_color.png", "out/street_labels.png", "out/street_overlay.png"]
    assert _files() == [*names, "street.png"]
    found = _read("out/street_labels.png")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(_read("out/street_color.png"), COLORS_BGR[labels])


def test_labels_of_many_classes_have_16_bits(desk, picture, infer, model_bytes):
    labels = picture("a.png")
    names = tuple(f"class {class_id}" for class_id in range(300))
    Path("many.onnx").write_bytes(model_bytes(names=names))
    assert infer("a.png", "-m", "many.onnx", "--save", "labels").code == 0
    found = _read("a_labels.png")
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, labels)


def test_opacity(desk, picture, infer):
    labels = picture("a.png")
    assert infer("a.png", "--opacity", "1").code == 0
    np.testing.assert_array_equal(_read("a_overlay.png"), COLORS_BGR[labels])
    assert infer("a.png", "--opacity", "0", "--overwrite").code == 0
    np.testing.assert_array_equal(_read("a_overlay.png"), _read("a.png"))


def test_a_folder_twice_gives_the_same_files(desk, picture, infer):
    for name in ("in/a.png", "in/b.jpg", "in/c.bmp"):
        picture(name)
    first = infer("in")
    assert first.code == 0
    assert "3 images, " in first.stdout
    assert first.stdout.endswith("wrote in/c_overlay.png\n3 done, 0 failed\n")
    files = _files()
    assert files[3:] == ["in/b_overlay.jpg", "in/c.bmp", "in/c_overlay.png"]
    second = infer("in", "--overwrite")
    assert second.code == 0
    assert _files() == files
    assert second.stderr.startswith("note: left out earlier results, 3 in number")


def test_equal_names_from_two_folders_stay_apart(desk, picture, infer):
    first = picture("x/a.png", classes=(0,))
    second = picture("y/a.png", classes=(1,))
    assert infer("x", "y", "-o", "out", "--save", "labels").code == 0
    np.testing.assert_array_equal(_read("out/x/a_labels.png"), first)
    np.testing.assert_array_equal(_read("out/y/a_labels.png"), second)


def test_one_result_into_a_named_file_as_with_the_old_script(desk, picture, infer):
    labels = picture("a.png")
    Path("models").mkdir()
    Path("end2end.onnx").rename("models/end2end.onnx")
    done = infer(
        *("a.png", "-m", "models/end2end.onnx", "--input-size", "32x64"),
        *("--device", "cpu", "-o", "output.jpg", "--opacity", "0.8"),
    )
    assert (done.code, done.stderr) == (0, "")
    found = _read("output.jpg")
    assert found.shape == (*labels.shape, 3)
    assert Path("output.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def test_the_model_is_found_as_promised(desk, picture, infer, monkeypatch, model_bytes):
    picture("a.png")
    Path("end2end.onnx").unlink()
    missing = infer("a.png")
    assert missing.code == 2
    assert "ppms-export tiny" in missing.stderr
    cached = official_model_path("tiny")
    cached.parent.mkdir(parents=True)
    cached.write_bytes(model_bytes())
    assert infer("a.png").code == 0
    monkeypatch.setenv("PPMS_MODEL", "nowhere.onnx")
    assert infer("a.png", "--overwrite").stderr.startswith(
        "error: $PPMS_MODEL: expected an ONNX file"
    )


def test_a_model_without_metadata_is_noted_in_one_line(desk, picture, infer, model_bytes):
    picture("a.png")
    Path("bare.onnx").write_bytes(model_bytes(metadata=False))
    done = infer("a.png", "-m", "bare.onnx")
    assert done.code == 0
    assert done.stderr.startswith("note: bare.onnx carries no metadata")
    assert done.stderr.count("\n") == 1


def test_the_table_counts_pixels_of_all_images(desk, picture, infer):
    picture("small.png", classes=(0,), size_hw=(10, 10))
    picture("large.png", classes=(1, 2, 1), size_hw=(30, 30))
    lines = infer("small.png", "large.png").stdout.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["class", "pixels"],
        ["green", "60.0%"],
        ["blue", "30.0%"],
        ["red", "10.0%"],
    ]
    assert not any("\x1b" in line or "█" in line for line in lines)


def test_many_files_are_counted_by_folder(desk, picture, infer):
    for number in range(5):
        picture(f"in/{number}.png")
    assert infer("in", "-o", "out").stdout.endswith("wrote 5 files in out\n5 done, 0 failed\n")


@pytest.fixture
def terminal(monkeypatch):
    """``terminal("stdout", "stderr")``: what is printed there goes to a terminal with colours."""

    def make(*names: str) -> None:
        for name in names:
            console = Console(
                stderr=name == "stderr",
                force_terminal=True,
                force_interactive=True,
                color_system="truecolor",
            )
            user = {"stdout": "infer", "stderr": "progress_observer"}[name]
            monkeypatch.setattr(f"ppmobileseg_deploy.cli.{user}.{name}", console)

    return make


def test_a_terminal_sees_progress_and_colours(desk, picture, infer, terminal):
    picture("in/a.png")
    picture("in/b.png")
    terminal("stdout", "stderr")
    done = infer("in")
    assert done.code == 0
    assert "in/b.png" in done.stderr
    assert "2/2" in done.stderr
    red, green, blue = 250, 10, 20
    assert f"\x1b[38;2;{red};{green};{blue}m██ \x1b[0mred" in done.stdout


def test_progress_does_not_take_json_lines_away(desk, picture, infer, terminal):
    picture("in/a.png")
    picture("in/b.png")
    terminal("stderr")
    done = infer("in", "--json-lines")
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 2
    assert "{" not in done.stderr


@pytest.mark.parametrize("options", [[], ["--contours", "--classes", "red", "--opacity", "1"]])
def test_show_shows_what_is_written(desk, picture, infer, monkeypatch, options):
    shown = []

    class Screen:
        is_open = True

        def __init__(self, title):
            assert title == "ppms-infer"

        def show(self, image_bgr, *, wait):
            assert wait
            shown.append(image_bgr)

    monkeypatch.setattr("ppmobileseg_deploy.runtime.drawing.window.Window", Screen)
    picture("a.png", size_hw=(20, 30))
    assert infer("a.png", "--show", *options).code == 0
    (image_bgr,) = shown
    np.testing.assert_array_equal(image_bgr, _read("a_overlay.png"))


@pytest.mark.parametrize(("save", "frames"), [("none", 2), ("json", 9)])
def test_closing_the_window_ends_what_is_only_shown(desk, film, infer, monkeypatch, save, frames):
    shown = []

    class Screen:
        is_open = True

        def __init__(self, _):
            pass

        def show(self, image_bgr, *, wait):
            assert not wait
            shown.append(image_bgr)
            self.is_open = len(shown) < 2

    monkeypatch.setattr("ppmobileseg_deploy.runtime.drawing.window.Window", Screen)
    film("clip.avi", (0,) * 9)
    done = infer("clip.avi", "--show", "--save", save)
    assert (done.code, done.stderr) == (0, "")
    assert f"{frames} frames, " in done.stdout


def test_a_name_with_brackets_is_printed_as_it_is(desk, picture, infer):
    picture("[red]a.png")
    assert infer("[red]a.png").stdout.endswith("wrote [red]a_overlay.png\n")


def test_a_name_that_the_terminal_cannot_show_is_escaped(
    desk, picture, infer_process, monkeypatch
):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    picture("straße.png")
    done = infer_process("straße.png")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.endswith("wrote stra\\xdfe_overlay.png\n")


def test_as_a_process(desk, picture, infer_process):
    picture("a.png")
    done = infer_process("a.png", "--threads", "1")
    assert (done.code, done.stderr) == (0, "")
    assert "wrote a_overlay.png" in done.stdout


@pytest.mark.parametrize("width", ["80", "120"])
def test_help_names_every_option(desk, infer, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    done = infer("--help")
    assert done.code == 0
    options = (
        "SOURCE -m --model -o --output --save --overwrite --resume --json-lines --show "
        "-r --recursive --vid-stride --max-frames --max-pixels --classes --opacity --contours "
        "--draw-names --confidence --names --palette --input-size --tile --overlap --device "
        "--threads --timeout "
        "--version PPMS_MODEL end2end.onnx overlay color labels indexed json rle legend none"
    )
    assert [word for word in options.split() if word not in done.stdout] == []
    assert "<" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= int(width)
    for name, parameter in inspect.signature(command).parameters.items():
        (option,) = parameter.annotation.__metadata__
        assert option.help or option.hidden, name


def test_version(desk, infer):
    assert infer("--version").stdout == f"ppms-infer {VERSION}\n"


def test_the_command_needs_no_pytorch(desk, picture, infer_process):
    picture("a.png")
    without = "import sys; sys.modules.update(torch=None, onnx=None, onnxsim=None)"
    assert infer_process("a.png", before=without).code == 0


def test_workers_change_nothing_in_the_files(desk, picture, film, infer):
    for number in range(9):
        picture(f"in/{number}.png", (number % 3, 1, 2), size_hw=(32 + 16 * (number % 2), 48))
    Path("in/55.png").write_bytes(b"no image")
    film("in/clip.avi", (0, 1, 2) * 8)
    found = {}
    for workers in ("1", "2", "5"):
        done = infer("in", "-o", workers, "--save", "overlay,labels,json", "--workers", workers)
        assert done.code == 1
        written = sorted(path for path in Path(workers).rglob("*") if path.is_file())
        lines = [line for line in done.stdout.splitlines() if "/s with files" not in line]
        found[workers] = (
            [re.sub(f"in {workers}\\b", "in N", line) for line in lines],
            done.stderr,
            {path.relative_to(workers): _timeless(path) for path in written},
        )
    assert found["2"] == found["1"]
    assert found["5"] == found["1"]
    assert len(found["1"][2]) == 9 * 3 + 1 + 24 + 1


def _timeless(path):
    return re.sub(rb'"speed_ms": \{[^}]*\}', b"", path.read_bytes())


def test_tiles_come_one_at_a_time(desk, picture, infer):
    picture("a.png")
    done = infer("a.png", "--tile", "32x32", "--workers", "2")
    assert done.code == 2
    assert "--tile is for images that are segmented one at a time: no --workers" in done.stderr
