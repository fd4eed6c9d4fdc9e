"""Everything that ``ppms-infer`` can be pointed at."""

import functools
import http.server
import json
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

RECORDED_MS = (0, 33, 50, 120, 133)


def _sources(outcome) -> list[str]:
    assert outcome.stderr == ""
    assert outcome.code == 0
    return [json.loads(line)["image"]["source"] for line in outcome.stdout.splitlines()]


def test_a_folder_of_many(desk, picture, infer):
    for number in range(200):
        picture(f"in/{number}.png", classes=(number % 3,), size_hw=(8, 8))
    done = infer("in", "-o", "out", "--save", "labels")
    assert (done.code, done.stderr) == (0, "")
    assert "200 images, " in done.stdout
    assert done.stdout.endswith("wrote 200 files in out\n200 done, 0 failed\n")
    for number in range(200):
        labels = cv2.imread(f"out/{number}_labels.png", cv2.IMREAD_UNCHANGED)
        assert (labels == number % 3).all()


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("in/*.png", ["in/a.png", "in/b.png"]),
        ("in/**/*.png", ["in/a.png", "in/b.png", "in/deep/c.png"]),
        ("in/%d.bmp", ["in/1.bmp", "in/2.bmp", "in/10.bmp"]),
        ("list.txt", ["in/b.png", "in/deep/c.png"]),
    ],
)
def test_patterns_and_lists(desk, picture, infer, pattern, found):
    for name in ("a.png", "b.png", "deep/c.png", "1.bmp", "2.bmp", "10.bmp"):
        picture(f"in/{name}")
    Path("list.txt").write_text("# what to do\nin/b.png\n\nin/deep/c.png\n")
    assert _sources(infer(pattern, "--json-lines")) == found


def test_images_whose_names_differ_only_in_case_get_results_side_by_side(desk, picture, infer):
    for number, name in enumerate(("in/a.png", "in/A.png", "in/a.PNG")):
        picture(name, classes=(number,))
    assert infer("in", "-o", "out", "--save", "labels").code == 0
    results = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*"))
    assert len(results) == len({name.lower() for name in results}) == 3
    assert not any("/" in name for name in results)
    values = [cv2.imread(f"out/{name}", cv2.IMREAD_UNCHANGED).max() for name in results]
    assert sorted(values) == [0, 1, 2]


def test_standard_input_is_an_image_or_a_list(desk, picture, infer_process):
    labels = picture("a.png", classes=(2, 0))
    picture("b.png")
    done = infer_process(
        "-", "-o", "out.png", "--save", "labels", given=Path("a.png").read_bytes()
    )
    assert (done.code, done.stderr) == (0, "")
    np.testing.assert_array_equal(cv2.imread("out.png", cv2.IMREAD_UNCHANGED), labels)
    done = infer_process("-", "--json-lines", given=b"b.png\na.png\n")
    assert _sources(done) == ["b.png", "a.png"]


@pytest.fixture
def server(desk):
    """Address of a server, on this machine, of the files in the current folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(desk))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_an_address(server, picture, infer):
    labels = picture("served/street.png")
    done = infer(f"{server}/served/street.png?token=secret", "--save", "labels")
    assert (done.code, done.stderr) == (0, "")
    found = cv2.imread("street_labels.png", cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, labels)
    (source,) = _sources(infer(f"{server}/served/street.png?token=secret", "--json-lines"))
    assert source.startswith(f"{server}/served/street.png")
    assert "secret" not in source


def test_an_address_that_gives_no_image(server, picture, infer):
    picture("a.png")
    done = infer(f"{server}/missing.png", f"{server}/end2end.onnx", "a.png", "--save", "none")
    assert done.code == 1
    assert "1 image: " in done.stdout
    missing, model = done.stderr.splitlines()
    assert missing.startswith("error: ")
    assert "missing.png" in missing
    assert "404" in missing
    assert "end2end.onnx" in model


def test_a_video_becomes_one(desk, film, infer):
    film("in/clip.avi", (0, 0, 1, 2))
    done = infer("in", "-o", "out", "--opacity", "1")
    assert done.code == 0
    assert "4 frames, " in done.stdout
    assert "frames/s" in done.stdout
    assert done.stdout.endswith("wrote out/clip_overlay.mp4\n")
    capture = cv2.VideoCapture("out/clip_overlay.mp4")
    frames = [frame for _ in range(5) if (frame := capture.read()[1]) is not None]
    capture.release()
    assert len(frames) == 4
    expected_bgr = [(20, 10, 250), (20, 10, 250), (40, 240, 30), (230, 60, 50)]
    for frame, color_bgr in zip(frames, expected_bgr, strict=True):
        assert np.abs(frame.mean(axis=(0, 1)) - color_bgr).max() < 12


@pytest.fixture
def recording(desk):
    """A recording of a telephone: BT.2020, anamorphic, held upright, and uneven in time."""
    with av.open("phone.mkv", "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"qp": "4"})
        stream.width, stream.height = 48, 64
        stream.codec_context.colorspace, stream.codec_context.color_range = 9, 1
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.codec_context.time_base = Fraction(1, 1000)
        for time_ms in RECORDED_MS:
            frame = av.VideoFrame(48, 64, "yuv420p")
            for plane, value in zip(frame.planes, (59, 108, 240), strict=True):  # BT.2020's red
                plane.update(bytes([value]) * plane.buffer_size)
            frame.colorspace, frame.color_range = 9, 1
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return "phone.mkv"


def test_what_a_video_says_about_itself_is_honoured_and_told(recording, infer):
    done = infer(recording, "--save", "color,labels", "-o", "out", "--verbose", "--workers", "1")
    assert (done.code, done.stderr) == (
        0,
        "note: segmenting one image at a time on all cores\n"
        "note: phone.mkv: h264 yuv420p 64x48, 30 fps: BT.2020, limited range, pixels of 4:3 "
        "scaled to 64x64\n",
    )
    for file in sorted(Path("out/phone_labels").iterdir()):
        labels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert labels.shape == (64, 64)
        assert not labels.any()
    with av.open("out/phone_color.mp4") as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx(np.array(RECORDED_MS) / 1000, abs=1e-3)
    assert infer(recording, "--save", "none").stderr == ""


def test_without_pyav_a_video_is_refused_and_images_are_not(
    recording, picture, infer, monkeypatch
):
    picture("a.png")
    monkeypatch.setitem(sys.modules, "av", None)
    done = infer(recording, "a.png", "--save", "labels")
    assert done.code == 1
    assert done.stderr == (
        "error: cannot read phone.mkv: videos need PyAV 17.1 or newer, found none: "
        "pip install 'ppmobileseg-deploy[video]'\n"
    )
    assert Path("a_labels.png").exists()


def test_a_video_that_breaks_off_keeps_what_there_was(desk, film, picture, infer):
    film("clip.avi", (0, 1, 2) * 20)
    whole = Path("clip.avi").read_bytes()
    Path("clip.avi").write_bytes(b"\0" * 100 + whole[100:])
    picture("a.png")
    done = infer("clip.avi", "a.png", "--save", "labels")
    assert done.code == 1
    assert done.stderr.count("\n") == 1
    assert "clip.avi" in done.stderr
    assert Path("a_labels.png").exists()


def test_a_camera_that_is_not_there(desk, infer_process):
    done = infer_process("97", "-o", "out")
    assert done.code in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "camera 97" in done.stderr
    assert not Path("out").exists()


def test_many_wrong_sources_are_not_all_listed(desk, infer):
    done = infer(*(f"missing{number}.png" for number in range(9)))
    assert done.code == 2
    assert done.stderr == (
        "error: no such file or folder: missing0.png; no such file or folder: missing1.png; "
        "no such file or folder: missing2.png; and 6 more like these\n"
    )


def test_shards_of_a_run_do_each_source_once_and_are_resumed(desk, picture, infer):
    for number in range(24):
        picture(f"in/{number}.png", classes=(number % 3,), size_hw=(8, 8))
    picture("in/deep/3.png")  # results get places that depend on all sources
    common = ("in", "-r", "-o", "out", "--save", "labels")
    counts = []
    for number in (1, 2, 3):
        before = {*Path("out").rglob("*.png")}
        done = infer(*common, "--shard", f"{number}/3", "--resume")
        assert done.code == 0
        counts.append(len({*Path("out").rglob("*.png")} - before))
        assert f"shard {number} of 3 has {counts[-1]} of 25 sources" in done.stderr
    assert sum(counts) == 25
    assert min(counts) > 0
    names = {path.relative_to("out") for path in Path("out").rglob("*.png")}
    assert infer(*common[:3], "whole", *common[4:]).code == 0
    assert names == {path.relative_to("whole") for path in Path("whole").rglob("*.png")}


def test_a_shard_without_sources_is_done(desk, picture, infer):
    picture("in/a.png")
    outcomes = [infer("in", "-o", "out", "--shard", f"{number}/2") for number in (1, 2)]
    assert [outcome.code for outcome in outcomes] == [0, 0]
    assert sum("has 0 of 1 source" in outcome.stderr for outcome in outcomes) == 1
    assert infer("in", "-o", "out", "--shard", "3/2").code == 2
