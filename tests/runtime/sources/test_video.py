"""Frames of videos: in order, timed, and told where something is missing."""

import logging
import struct
import warnings
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import Source, read_frames
from ppmobileseg_deploy.runtime.sources.conversion import Converter
from ppmobileseg_deploy.runtime.sources.decoder import Decoder
from ppmobileseg_deploy.runtime.sources.video import VideoWarning

ON_LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it tells memory")
SUFFIXES = [
    *("3gp", "asf", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf"),
    *("ogv", "ts", "vob", "webm", "wmv"),
]


def _grays(frames):
    """Return the number that `make_video` painted into each frame."""
    return [round(float(frame.image_bgr[20:, 20:].mean()) / 8) for frame in frames]


def _until_error(path):
    frames = []
    with pytest.raises(ImageError) as raised:
        frames.extend(read_frames(Source(str(path), Path("a"), Path(path), "video")))
    return frames, str(raised.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_videos_are_read_frame_by_frame(make_video, read, suffix):
    path = make_video(f"a.{suffix}", rate=25)
    frames = read(path)
    assert _grays(frames) == pytest.approx(range(20), abs=1)
    assert [frame.index for frame in frames] == list(range(20))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(20) / 25, abs=0.045)
    assert {frame.fps for frame in frames} == {25}
    image_bgr = frames[3].image_bgr
    assert (image_bgr.shape, image_bgr.dtype) == ((48, 64, 3), np.uint8)
    assert image_bgr.flags.c_contiguous
    assert image_bgr[5, 5].argmax() == 2


@pytest.mark.parametrize(
    ("choice", "indices"),
    [
        ({"vid_stride": 7}, [0, 7, 14]),
        ({"max_frames": 3}, [0, 1, 2]),
        ({"vid_stride": 4, "max_frames": 2}, [0, 4]),
        ({"vid_stride": 100}, [0]),
        ({"max_frames": 20}, list(range(20))),
    ],
)
def test_frames_can_be_chosen(make_video, read, choice, indices):
    frames = read(make_video("a.mp4"), **choice)
    assert [frame.index for frame in frames] == indices
    assert _grays(frames) == pytest.approx(indices, abs=1)
    assert [frame.time_s for frame in frames] == pytest.approx([n / 10 for n in indices])
    assert frames[0].fps == pytest.approx(10 / choice.get("vid_stride", 1))


def test_each_frame_has_memory_of_its_own(make_video, read):
    frames = read(make_video("a.mp4"), max_frames=2)
    assert not np.shares_memory(frames[0].image_bgr, frames[1].image_bgr)


@pytest.mark.parametrize(
    ("name", "options"), [("a.mp4", {"movflags": "faststart"}), ("a.mkv", {}), ("a.webm", {})]
)
def test_of_a_video_that_breaks_off_the_rest_is_missed(make_video, name, options):
    path = make_video(name, 30, **options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    frames, error = _until_error(path)
    assert 3 < len(frames) < 25
    assert _grays(frames[:-1]) == pytest.approx(range(len(frames) - 1), abs=1)
    found = frames[-1].time_s + 0.1
    assert error == (
        f"cannot read {path} to its end: expected 3.0 s, found {found:.1f} s "
        f"({len(frames)} frames): the file is incomplete or damaged"
    )


def test_what_is_missing_at_the_end_does_not_matter_to_whom_stops_before(make_video, read):
    path = make_video("a.mkv", 30)
    path.write_bytes(path.read_bytes()[:-500])
    assert [frame.index for frame in read(path, max_frames=5)] == [0, 1, 2, 3, 4]


def test_a_trimmed_clip_is_whole(make_video, read, tmp_path):
    # As phones trim: the frames before stay in the file, a note says where to begin.
    path = tmp_path / "trimmed.mp4"
    with av.open(str(make_video("a.mp4", 40))) as whole, av.open(str(path), "w") as trimmed:
        video = whole.streams.video[0]
        stream = trimmed.add_stream_from_template(video)
        for packet in whole.demux(video):
            if packet.dts is not None:
                packet.pts -= round(2 / video.time_base)
                packet.dts -= round(2 / video.time_base)
                packet.stream = stream
                trimmed.mux(packet)
    frames = read(path)
    assert 15 < len(frames) < 25
    assert frames[0].time_s == 0


def test_matroska_tells_how_long_the_video_is_without_its_sound(tmp_path, make_video, read):
    """A soundtrack that is much longer does not make a video look cut off."""
    path = tmp_path / "sound.mkv"
    with av.open(str(make_video("a.mkv", 20))) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("pcm_s16le", rate=8000)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                target.mux(packet)
        for number in range(10):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
            samples.sample_rate, samples.pts = 8000, 8000 * number
            target.mux(sound.encode(samples))
        target.mux(sound.encode(None))
    assert [frame.index for frame in read(path)] == list(range(20))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.webm"])
def test_frames_have_the_times_of_their_file(encode, tmp_path, read, name):
    times_ms = [0, 40, 200, 210, 900, 1000]
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx" if name == "a.webm" else "libx264", rate=1000)
        stream.width, stream.height = 64, 48
        for time_ms in times_ms:
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert [frame.time_s for frame in read(path)] == pytest.approx(np.array(times_ms) / 1000)


def test_large_frames_are_refused_before_they_are_decoded(make_video, read, monkeypatch):
    path = make_video("a.mp4")
    monkeypatch.delattr(Decoder, "frames")
    with pytest.raises(ImageError, match="at most 3071 pixels, found 48x64"):
        read(path, max_pixels=3071)


@pytest.mark.parametrize("side", [80, 512])
def test_frames_that_grow_beyond_the_limit_are_refused(encode, read, tmp_path, side):
    path = tmp_path / "joined.ts"
    with path.open("wb") as joined:
        for each in (64, side):
            part = encode(f"{each}.ts", [av.VideoFrame(each, each, "yuv420p")] * 3)
            joined.write(part.read_bytes())
    assert [len(frame.image_bgr) for frame in read(path)] == [64] * 3 + [side] * 3
    with pytest.raises(ImageError, match=f"at most 4096 pixels, found {side}x{side}"):
        read(path, max_pixels=4096)


@ON_LINUX
@pytest.mark.parametrize("side", [8400, 65500])
def test_frames_that_only_claim_to_be_enormous_are_not_made(encode, refused, side):
    frame = av.VideoFrame(64, 48, "yuvj420p")
    path = encode("a.avi", [frame] * 3, "mjpeg")
    content = bytearray(path.read_bytes())
    at = content.find(b"\xff\xc0")
    while at > 0:
        content[at + 5 : at + 9] = struct.pack(">HH", side, side)
        at = content.find(b"\xff\xc0", at + 4)
    path.write_bytes(content)
    before_mb = _resident_mb()
    assert "found no frame in it: 3 packets of it could not be decoded" in refused(path)
    assert _resident_mb() - before_mb < 50


@ON_LINUX
@pytest.mark.parametrize("claim", [1 << 30, 0x7FFFFF00])
def test_packets_that_only_claim_to_be_enormous_take_no_memory(encode, refused, claim):
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    frames = [av.VideoFrame(64, 48, "yuv420p")] * 6
    path = encode("a.mp4", frames, container_options=fragments)
    content = bytearray(path.read_bytes())
    at = content.index(b"trun") + 20  # the size of its first sample
    content[at : at + 4] = struct.pack(">I", claim)
    path.write_bytes(content)
    before_mb = _resident_mb()
    assert "expected a video, found no frame in it" in refused(path)
    assert _resident_mb() - before_mb < 50


def _resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@ON_LINUX
@pytest.mark.parametrize("interlaced", [False, True])
def test_memory_does_not_grow_with_the_frames(encode, interlaced):
    """Of 400 frames of 1.4 MB, decoded and converted."""
    options = {"preset": "ultrafast"} | ({"flags": "+ildct"} if interlaced else {})
    path = encode("a.mp4", [av.VideoFrame(640, 480, "yuv420p")] * 400, options=options)
    frames = read_frames(Source("a", Path("a"), path, "video"))
    used_mb = [_resident_mb() for frame in frames if frame.index in (100, 399)]
    assert used_mb[1] - used_mb[0] < 30


def test_frames_between_are_not_converted(make_video, read, monkeypatch):
    converted = []
    convert = Converter.convert
    monkeypatch.setattr(
        Converter, "convert", lambda self, frame: converted.append(1) or convert(self, frame)
    )
    frames = read(make_video("a.mp4"), vid_stride=5)
    assert [frame.index for frame in frames] == [0, 5, 10, 15]
    assert len(converted) == 4


def test_nothing_is_open_before_the_first_frame_and_after_closing(make_video, monkeypatch):
    opened = []
    real = av.open
    monkeypatch.setattr(
        av, "open", lambda *args, **options: opened.append(real(*args, **options)) or opened[-1]
    )
    path = make_video("a.mp4")
    opened.clear()
    frames = read_frames(Source("a", Path("a"), path, "video"))
    assert not opened
    with closing(frames):
        next(frames)
        assert opened[0].duration == 2_000_000
    with pytest.raises(AssertionError, match="not open"):
        _ = opened[0].duration


def _edited(path, edit):
    """Write a video again, with ``edit(number, packet)`` in place of each packet."""
    edited = path.with_name(f"edited{path.suffix}")
    with av.open(str(path)) as source, av.open(str(edited), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.dts is not None]
        for number, packet in enumerate(packets):
            content = edit(number, bytes(packet))
            if content is not None:
                new = av.Packet(content)
                new.pts, new.dts, new.time_base = packet.pts, packet.dts, packet.time_base
                new.duration, new.is_keyframe = packet.duration, packet.is_keyframe
                new.stream = stream
                target.mux(new)
    return edited


@pytest.mark.parametrize("damaged", [{4}, {0, 1}, {3, 4, 5, 9}])
def test_damaged_packets_are_counted_and_told(encode, read, damaged):
    whole = encode("a.mov", [av.VideoFrame(64, 48, "rgb24")] * 10, "png")
    path = _edited(whole, lambda n, content: content[:9] if n in damaged else content)
    count = "1 packet" if len(damaged) == 1 else f"{len(damaged)} packets"
    with pytest.warns(
        VideoWarning, match=f"edited.mov is damaged: {count} of it could not"
    ) as warned:
        found = read(path)
    assert len(warned) == 1
    assert len(found) == 10 - len(damaged)


def test_a_video_of_damaged_packets_only_is_an_error(encode, refused):
    whole = encode("a.mov", [av.VideoFrame(64, 48, "rgb24")] * 3, "png")
    path = _edited(whole, lambda _, content: content[:9])
    assert "found no frame in it: 3 packets of it could not be decoded" in refused(path)


def test_a_recording_that_begins_midway_is_read_from_where_it_can_be(encode, read, tmp_path):
    """As recordings of broadcasts do: the first key frame comes later."""
    frames = []
    for number in range(30):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * number, np.uint8))
        frames.append(frame.reformat(format="yuv420p"))
    options = {"x264-params": "keyint=10:scenecut=0:bframes=0"}
    path = encode("a.ts", frames, options=options)
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.dts is not None]
    cut = tmp_path / "cut.ts"
    cut.write_bytes(path.read_bytes()[places[4] // 188 * 188 :])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VideoWarning)
        found = read(cut)
    assert _grays(found) == pytest.approx(range(10, 30), abs=1)
    assert [frame.index for frame in found] == list(range(20))
    assert found[0].time_s == 0


def test_what_is_honoured_is_logged(encode, read, caplog):
    frames = [av.VideoFrame(192, 64, "yuv420p")] * 3
    facts = {"colorspace": 9, "color_range": 2, "sample_aspect_ratio": Fraction(4, 3)}
    path = encode("a.mkv", frames, rate=25, **facts)
    with caplog.at_level(logging.INFO, "ppmobileseg_deploy"):
        read(path)
    honoured = "BT.2020, full range, pixels of 4:3 scaled to 64x256"
    assert caplog.messages == [f"{path}: h264 yuvj420p 64x192, 25 fps: {honoured}"]
