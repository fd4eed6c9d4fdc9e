"""Only video files are opened, as what they are, and whatever is none is one error."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import Source, read_frames
from ppmobileseg_deploy.runtime.sources.containers import decoder_threads
from ppmobileseg_deploy.runtime.sources.video import VideoWarning


def _until_error(path):
    frames = []
    with pytest.raises(ImageError) as raised:
        frames.extend(read_frames(Source(str(path), Path("a"), Path(path), "video")))
    return frames, str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "found an empty file"),
        (b"hello " * 500, "found a file that starts with b'hello hello '"),
        pytest.param(b"#EXTM3U\n#EXTINF:5,\na.ts\n", "starts with b'#EXTM3U", id="playlist"),
        pytest.param(b"v=0\nc=IN IP4 127.0.0.1\n", "starts with b'v=0", id="session"),
        pytest.param(b"ffconcat version 1.0\nfile a.mp4\n", "b'ffconcat", id="concatenation"),
        pytest.param(b"\0\0\0\x10ftypisom" + bytes(99), "expected a complete video", id="damage"),
        pytest.param(b"\x1aE\xdf\xa3" + b"\xff" * 99, "expected a complete video", id="noise"),
    ],
)
def test_what_is_no_video_is_one_error(tmp_path, content, said):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    frames, error = _until_error(path)
    assert not frames
    assert error.startswith(f"cannot read {path}: ")
    assert said in error
    assert "\n" not in error


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gone.mp4", "nothing"),
        ("http://127.0.0.1:9/a.mp4", "nothing"),
        ("concat:a.mp4", "nothing"),
        (".", "a folder"),
        ("/dev/null", "a device or a pipe"),
    ],
)
def test_only_files_are_opened_as_videos(name, found):
    _, error = _until_error(name)
    assert error.endswith(f": expected a video file, found {found}")


def test_names_of_files_are_no_protocols(make_video, read, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    make_video("a.mp4").rename("concat:b.mp4")
    frames = read(Path("concat:b.mp4"), max_frames=3)
    assert [frame.index for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize("name", ["\udcff.mp4", "ä ö.mkv", "100%d.avi", "-a.ts", "a:b.mp4"])
def test_unusual_names_are_names(make_video, read, tmp_path, name):
    path = make_video(f"plain{Path(name).suffix}").rename(tmp_path / name)
    assert [frame.index for frame in read(path, max_frames=3)] == [0, 1, 2]


def _with_sound(path, picture=None):
    """Write a file of sound, and of a cover picture if one is given."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=8000)
        if picture is not None:
            cover = container.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
            cover.disposition = av.stream.Disposition.attached_pic.value
            container.mux(cover.encode(picture))
            container.mux(cover.encode(None))
        for number in range(4):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            samples.sample_rate, samples.pts = 8000, 1024 * number
            container.mux(sound.encode(samples))
        container.mux(sound.encode(None))


def test_sound_is_no_video(tmp_path, refused):
    path = tmp_path / "a.mp4"
    _with_sound(path)
    assert refused(path).endswith(": expected a video, found sound only")


def test_a_cover_picture_is_no_video(tmp_path, refused):
    path = tmp_path / "a.mp4"
    _with_sound(path, av.VideoFrame(64, 48, "yuvj420p"))
    assert refused(path).endswith(": expected a video, found a cover picture only")


def test_of_several_videos_the_first_is_read_and_it_is_said(tmp_path, read):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("ffv1", rate=10) for _ in range(2)]
        for side, stream in zip((64, 96), streams, strict=True):
            stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame(stream.width, stream.height, "yuv420p")))
            container.mux(stream.encode(None))
    with pytest.warns(VideoWarning, match="a.mkv holds 2 videos: the first is read"):
        (frame,) = read(path)
    assert frame.image_bgr.shape == (64, 64, 3)


def test_a_format_that_nobody_knows_is_said(make_video, refused):
    path = make_video("a.mp4")
    path.write_bytes(path.read_bytes().replace(b"mp4v", b"zzzz").replace(b"esds", b"zzzz"))
    assert refused(path).endswith("that this PyAV can decode, found one unknown to it")


def test_dolby_visions_own_colours_are_refused(encode, refused):
    options = {"x265-params": "log-level=none"}
    path = encode("a.mp4", [av.VideoFrame(64, 64, "yuv420p")] * 3, "libx265", options=options)
    path.write_bytes(path.read_bytes().replace(b"hev1", b"dvhe"))
    assert refused(path).endswith("found one in Dolby Vision's own colours (profile 5)")


def test_titles_in_other_encodings_do_no_harm(make_video, read, tmp_path):
    with av.open(str(make_video("a.mkv"))) as source:
        path = tmp_path / "titled.mkv"
        with av.open(str(path), "w") as target:
            target.metadata["title"] = "XXXXXXXX"
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"XXXXXXXX", b"\xff\xfe\x80caf\xe9."))
    assert [frame.index for frame in read(path)] == list(range(20))


def test_without_pyav_videos_are_refused_with_what_installs_it(make_video, refused, monkeypatch):
    path = make_video("a.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    assert refused(path) == (
        f"cannot read {path}: videos need PyAV 17.1 or newer, found none: "
        "pip install 'ppmobileseg-deploy[video]'"
    )


def test_an_old_pyav_is_refused(make_video, refused, monkeypatch):
    path = make_video("a.mp4")
    monkeypatch.setattr(av, "__version__", "17.0.1")
    assert "need PyAV 17.1 or newer, found PyAV 17.0.1: pip install" in refused(path)


def test_decoders_take_no_more_threads_than_the_process_may(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert decoder_threads() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= decoder_threads() <= 8


def test_libraries_keep_quiet(make_video):
    path = make_video("a.mp4")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    program = """
import sys
from pathlib import Path
from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import Source, read_frames
try:
    list(read_frames(Source("a", Path("a"), Path(sys.argv[1]), "video")))
except ImageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"cannot read {path}")
    assert done.stderr == ""
