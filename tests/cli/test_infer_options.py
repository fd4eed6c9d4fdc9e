"""Every option of ``ppms-infer``: once as it is meant, once as it is not."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.runtime.drawing import lettering

COLORS_BGR = np.array([(20, 10, 250), (40, 240, 30), (230, 60, 50)], np.uint8)


@pytest.fixture
def folder(desk, picture, film, model_bytes):
    """A desk with pictures, a video, and a model that gives logits."""
    Path("logits.onnx").write_bytes(model_bytes(logits=True))
    picture("a.png")
    picture("trip/a.png", classes=(0,))
    picture("trip/day/b.png", classes=(1,))
    film("clip.avi", (0, 1, 2, 2, 2, 2))
    Path("names.txt").write_text("rot\ngrün\nblau\n")
    Path("named.json").write_text('{"rot": [1, 2, 3], "grün": [4, 5, 6], "blau": [7, 8, 9]}')
    Path("colors.json").write_text("[[1, 2, 3], [4, 5, 6], [7, 8, 9]]")
    Path("some.json").write_text('{"green": [4, 5, 6]}')
    return desk


def _written() -> set[str]:
    return {path.as_posix() for path in Path("out").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("a.png", {"a_overlay.png"}),
        ("a.png --save overlay,json", {"a_overlay.png", "a_json.json"}),
        ("a.png --save indexed,rle,legend", {"a_indexed.png", "a_rle.json", "a_legend.png"}),
        ("trip", {"a_overlay.png"}),
        ("trip -r", {"a_overlay.png", "day/b_overlay.png"}),
        ("trip --recursive", {"a_overlay.png", "day/b_overlay.png"}),
        ("clip.avi", {"clip_overlay.mp4"}),
        ("clip.avi --save json", {"clip_json.jsonl"}),
        (
            "clip.avi --save labels --vid-stride 2",
            {f"clip_labels/00000{frame}.png" for frame in (0, 2, 4)},
        ),
        (
            "clip.avi --save labels --max-frames 2",
            {"clip_labels/000000.png", "clip_labels/000001.png"},
        ),
        ("a.png --max-pixels 1536", {"a_overlay.png"}),
    ],
)
def test_what_is_read_and_written(folder, infer, arguments, files):
    done = infer(*arguments.split(), "-o", "out")
    assert (done.code, done.stderr) == (0, "")
    assert _written() == {f"out/{name}" for name in files}


@pytest.mark.parametrize(
    ("arguments", "colors_rgb"),
    [
        ("", [(250, 10, 20), (30, 240, 40), (50, 60, 230)]),
        ("--palette colors.json", [(1, 2, 3), (4, 5, 6), (7, 8, 9)]),
        ("--palette some.json", [(250, 10, 20), (4, 5, 6), (50, 60, 230)]),
        ("--names names.txt", [(250, 10, 20), (30, 240, 40), (50, 60, 230)]),
        ("--names named.json", [(1, 2, 3), (4, 5, 6), (7, 8, 9)]),
        ("--names named.json --palette colors.json", [(1, 2, 3), (4, 5, 6), (7, 8, 9)]),
        ("-m logits.onnx --tile 32 --overlap 4", [(250, 10, 20), (30, 240, 40), (50, 60, 230)]),
        ("-m logits.onnx --confidence 0.5", [(250, 10, 20), (30, 240, 40), (50, 60, 230)]),
        ("-m logits.onnx --confidence 1", [None, None, None]),
        ("--classes red,2", [(250, 10, 20), None, (50, 60, 230)]),
        ("--classes GREEN", [None, (30, 240, 40), None]),
        ("--names names.txt --classes blau", [None, None, (50, 60, 230)]),
        (
            "--input-size 32x48 --threads 1 --device cpu",
            [(250, 10, 20), (30, 240, 40), (50, 60, 230)],
        ),
    ],
)
def test_which_classes_get_which_colours(folder, infer, arguments, colors_rgb):
    done = infer("a.png", "--save", "color", "-o", "out", *arguments.split())
    assert (done.code, done.stderr) == (0, "")
    image = cv2.imread("out/a_color.png", cv2.IMREAD_UNCHANGED)
    found = []
    for column in (8, 24, 40):
        blue, green, red, *alpha = image[16, column].tolist()
        found.append(None if alpha == [0] else (red, green, blue))
    assert found == colors_rgb


@pytest.mark.parametrize(
    "arguments", ["--contours", "--draw-names", "--opacity 0.9", "--classes red"]
)
def test_how_an_overlay_is_drawn(folder, infer, picture, arguments):
    picture("large.png", size_hw=(120, 300))
    for name, options in (("plain", []), ("other", arguments.split())):
        assert infer("large.png", "-o", f"{name}.png", *options).code == 0
    assert (cv2.imread("plain.png") != cv2.imread("other.png")).any()


def test_names_reach_the_table_and_json(folder, infer):
    done = infer("a.png", "--names", "names.txt", "--save", "json")
    assert "grün " in done.stdout
    found = json.loads(Path("a_json.json").read_text())
    assert [each["name"] for each in found["classes"]] == ["rot", "grün", "blau"]


def test_colours_of_unknown_classes_are_noted_unless_the_table_is_built_in(folder, infer):
    Path("typo.json").write_text('{"green": [4, 5, 6], "gren": [1, 2, 3]}')
    done = infer("a.png", "--palette", "typo.json")
    assert done.code == 0
    assert done.stderr == (
        "note: typo.json has 1 colour for classes that the model does not know, such as 'gren'\n"
    )
    Path("three.txt").write_text("road\nsky\npancake\n")
    done = infer("a.png", "--overwrite", "--names", "three.txt", "--palette", "cityscapes")
    assert done.code == 0
    assert "colour" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (
            "--draw-names",
            "cannot write \u5929 and 1 other name: pictures show 'class 0' and the like",
        ),
        ("--save legend --classes 2", "cannot write caf\u00e9: pictures show 'cafe'"),
        ("--save legend --classes sky", ""),
        ("--save overlay,json", ""),
    ],
)
def test_names_that_no_font_can_write_are_noted_once(folder, infer, monkeypatch, arguments, note):
    monkeypatch.setattr(lettering, "_system_fonts", tuple)
    monkeypatch.setattr(lettering, "_file_for", lettering._file_for.__wrapped__)
    Path("odd.txt").write_text("\u5929\nsky\ncaf\u00e9\n", "utf-8")
    done = infer("a.png", "clip.avi", "-o", "out", "--names", "odd.txt", *arguments.split())
    assert done.code == 0
    assert done.stderr == (f"note: the fonts here {note}\n" if note else "")


def test_json_lines_are_all_that_is_printed(folder, infer_process):
    done = infer_process("a.png", "trip", "clip.avi", "--json-lines", "--vid-stride", "3")
    assert (done.code, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = [(line["image"]["source"], line["image"]["frame_index"]) for line in lines]
    assert found == [("a.png", None), ("trip/a.png", None), ("clip.avi", 0), ("clip.avi", 3)]
    assert [line["classes"][0]["name"] for line in lines[1:]] == ["red", "red", "blue"]
    assert not list(Path().rglob("*_*.*"))


@pytest.mark.parametrize("source", ["a.png", "clip.avi"])
def test_json_and_run_lengths_tell_of_the_chosen_classes(folder, infer, source):
    arguments = ("--save", "json,rle,labels", "-o", "out", "--classes", "green", "--json-lines")
    done = infer(source, *arguments, "-m", "logits.onnx", "--confidence", "0.3")
    assert (done.code, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    ending = "json" if source == "a.png" else "jsonl"
    written = [
        text
        for kind in ("json", "rle")
        for text in Path(f"out/{Path(source).stem}_{kind}.{ending}").read_text().split("\n")
    ]
    found = [each["name"] for line in lines for each in line["classes"]]
    assert found == ["green"]
    text = "\n".join(written)
    assert '"green"' in text
    assert '"red"' not in text
    assert '"blue"' not in text


@pytest.mark.parametrize("kinds", ["labels", "indexed,labels"])
def test_labels_stay_whole_and_that_is_noted_where_nothing_else_is_made(folder, infer, kinds):
    done = infer("a.png", "--save", kinds, "--classes", "green")
    assert done.code == 0
    assert done.stderr.startswith("note: --classes and --confidence change nothing here: ")
    assert done.stderr.count("\n") == 1
    assert np.unique(cv2.imread("a_labels.png", 0)).tolist() == [0, 1, 2]
    assert infer("a.png", "--save", f"{kinds},rle", "--classes", "green", "-o", "x").stderr == ""


def test_json_lines_and_files(folder, infer):
    done = infer("a.png", "missing.png", "--json-lines", "--save", "labels")
    assert done.code == 1
    assert done.stderr == "error: no such file or folder: missing.png\n1 done, 1 failed\n"
    missing, segmented = map(json.loads, done.stdout.splitlines())
    assert missing == {
        "image": {"path": None, "source": "missing.png"},
        "error": "no such file or folder: missing.png",
    }
    assert segmented["image"]["path"] == "a.png"
    assert Path("a_labels.png").exists()


def test_json_lines_have_one_for_each_bad_source(folder, infer):
    Path("bad.png").write_bytes(b"no image")
    done = infer("bad.png", "gone.png", "a.png", "https://me:secret@/b.png?key=1", "--json-lines")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {line["image"]["source"]: line.get("error") for line in lines}
    assert list(found) == ["gone.png", "https:///b.png?...", "bad.png", "a.png"]
    assert found["a.png"] is None
    assert all(found[source] for source in found if source != "a.png")
    assert lines[2]["image"] == {"path": "bad.png", "source": "bad.png"}
    assert done.code == 1
    assert done.stderr.endswith("\n1 done, 3 failed\n")
    assert "secret" not in done.stdout + done.stderr


def test_json_lines_say_what_is_wrong_where_nothing_is_found(folder, infer):
    done = infer("gone.png", "--json-lines")
    assert done.code == 2
    assert json.loads(done.stdout)["error"] == "no such file or folder: gone.png"


def test_options_can_be_tried_on_one_image(folder, infer):
    Path("out").mkdir()
    found = []
    for options in [(), ("--contours",), ("--opacity", "0.9")]:
        assert infer("a.png", "-o", "out", *options).code == 0
        found.append(Path("out/a_overlay.png").read_bytes())
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trip",), "error: trip/a_overlay.png exists; --overwrite replaces it\n"),
        (("trip/*.png",), "error: trip/a_overlay.png exists; --overwrite replaces it\n"),
        (("a.png", "-o", "mine.png"), "error: mine.png exists; --overwrite replaces it\n"),
        (
            ("clip.avi", "--save", "json"),
            "error: clip_json.jsonl exists; --overwrite replaces it\n",
        ),
        (
            ("a.png", "clip.avi"),
            "error: a_overlay.png exists; --overwrite replaces what exists, "
            "--resume does only what is missing\n",
        ),
    ],
    ids=str,
)
def test_all_other_results_are_kept(folder, infer, arguments, message):
    for name in ("a_overlay.png", "trip/a_overlay.png", "mine.png", "clip_json.jsonl"):
        Path(name).write_bytes(b"earlier")
    done = infer(*arguments)
    assert (done.code, done.stdout, done.stderr) == (2, "", message)
    assert Path("a_overlay.png").read_bytes() == b"earlier"


def test_nothing_is_written_when_nothing_is_asked_for(folder, infer):
    before = sorted(folder.rglob("*"))
    done = infer("a.png", "clip.avi", "--save", "none")
    assert (done.code, done.stderr) == (0, "")
    assert "1 image and 6 frames, " in done.stdout
    assert "wrote" not in done.stdout
    assert sorted(folder.rglob("*")) == before


def test_results_are_kept_unless_told(folder, infer):
    assert infer("a.png", "--save", "labels").code == 0
    Path("a_labels.png").write_bytes(b"older")
    kept = infer("a.png", "trip", "--save", "labels")
    assert kept.code == 2
    assert "a_labels.png exists; --overwrite replaces what exists, --resume" in kept.stderr
    assert Path("a_labels.png").read_bytes() == b"older"
    assert not Path("trip/a_labels.png").exists()

    resumed = infer("a.png", "trip", "--save", "labels,color", "--resume")
    assert resumed.code == 0
    assert Path("a_labels.png").read_bytes() == b"older"
    assert "wrote a_color.png\nwrote trip/a_labels.png\nwrote trip/a_color.png\n" in resumed.stdout

    nothing = infer("a.png", "trip", "--save", "labels,color", "--resume", "-m", "end2end.onnx")
    assert (nothing.code, nothing.stdout) == (0, "")
    assert nothing.stderr == "note: 2 of 2 sources done before\n"

    assert infer("a.png", "--save", "labels", "--overwrite").code == 0
    assert Path("a_labels.png").read_bytes() != b"older"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("a.png --save none,overlay", "found 'none'"),
        ("a.png --save none -o out", "nothing is written: leave out -o"),
        ("a.png --json-lines --resume", "nothing is written: leave out -o"),
        ("a.png --overwrite --resume", "expected overwrite or resume, found both"),
        ("clip.avi --vid-stride 0", "expected a vid-stride of at least 1, found 0"),
        ("clip.avi --max-frames -3", "expected a max-frames of at least 1, found -3"),
        ("a.png --max-pixels 0", "expected a max-pixels of at least 1, found 0"),
        ("a.png --classes sky", "expected class names or ids from 0 to 2, found 'sky'"),
        ("a.png --classes grean", "did you mean 'green'?"),
        ("a.png --classes 3", "from 0 to 2, found '3'"),
        ("a.png --classes red,", "found ''"),
        ("a.png --opacity 2", "expected an opacity in [0, 1]"),
        ("a.png --confidence 2", "expected a confidence in [0, 1]"),
        ("a.png --confidence 0.5", "logits"),
        ("a.png --names nowhere.txt", "cannot read class names from nowhere.txt: no such file"),
        ("a.png --names cityscapes", "expected 3 class names, found 19"),
        ("a.png --palette a.png", "expected UTF-8 text in a.png"),
        ("a.png --palette names.txt", "expected JSON in names.txt"),
        (
            "a.png --palette ade20k",
            "only other names, such as 'wall': the model's classes are 'red', 'green'",
        ),
        ("a.png --tile 64", "logits"),
        ("a.png --overlap 8", "--overlap is that of tiles: give --tile HxW too"),
        ("a.png --input-size 7", "expected an --input-size of at least 32x32, found 7"),
        ("a.png --input-size 512x31", "at least 32x32, found 512x31"),
        ("a.png --tile 64 --input-size 64", "leave out --input-size"),
        ("a.png -m logits.onnx --tile 64 --overlap 40", "overlap"),
        ("a.png -m logits.onnx --tile 64 --overlap -1", "overlap"),
        ("a.png -m logits.onnx --tile 9000", "found 9000x9000"),
        ("a.png -m logits.onnx --tile big", "expected a size such as"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_nothing_is_written(folder, infer, arguments, message):
    before = sorted(folder.rglob("*"))
    done = infer(*arguments.split())
    assert done.code == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert sorted(folder.rglob("*")) == before


def test_a_picture_of_too_many_pixels_is_refused(folder, infer):
    done = infer("a.png", "trip/a.png", "--max-pixels", "1535")
    assert done.code == 1
    assert done.stdout == "0 done, 2 failed\n"
    assert done.stderr.count("1,535") + done.stderr.count("1535") >= 2
