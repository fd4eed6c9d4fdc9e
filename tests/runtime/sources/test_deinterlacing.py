"""Interlaced videos: no frame is torn, and what stands still keeps its lines."""

import av
import numpy as np
import pytest
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext

FLAGS = "+ildct+ilme"
X264 = {"flags": FLAGS, "crf": "8"}
STEP = 12  # columns that the bar moves from field to field


def _torn(count, size_hw=(96, 256), *, top_first=True, pixels="yuv420p"):
    """Return frames of a bar that moves: each field is where the bar was at its time."""
    frames = []
    for number in range(count):
        luma = np.full(size_hw, 40, np.uint8)
        for late in (0, 1):
            start = STEP * (2 * number + late)
            luma[late if top_first else 1 - late :: 2, start : start + 24] = 220
        frames.append(_marked(_gray_frame(luma, pixels), "tff" if top_first else "bff"))
    return frames


def _marked(frame, order):
    """Mark a frame as interlaced, which PyAV itself cannot."""
    graph = Graph()
    size = f"{frame.width}x{frame.height}"
    options = {"video_size": size, "pix_fmt": frame.format.name, "time_base": "1/25"}
    nodes = [graph.add("buffer", **options), graph.add("setfield", mode=order)]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    nodes[0].push(frame)
    marked = graph.pull()
    assert marked.interlaced_frame
    return marked


def _gray_frame(luma, pixels="yuv420p"):
    frame = av.VideoFrame(luma.shape[1], luma.shape[0], "yuv420p")
    for plane, rows in zip(frame.planes, (luma, 128, 128), strict=True):
        values = np.zeros((plane.height, plane.line_size), np.uint8)
        values[:, : plane.width] = rows
        plane.update(values.tobytes())
    return frame.reformat(format=pixels, interpolation="POINT")


def _tearing(image_bgr):
    """Return how far lines differ from those above and below, at most."""
    gray = image_bgr[..., 1].astype(int)
    return int(np.abs(2 * gray[1:-1] - gray[:-2] - gray[2:]).max()) // 2


def _bar(image_bgr):
    """Return the first column of the bar."""
    return int(np.argmax(image_bgr[len(image_bgr) // 2, :, 1] > 130))


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "options", "top_first"),
    [
        ("a.mp4", "libx264", "yuv420p", X264, True),
        ("a.mkv", "libx264", "yuv420p", X264, False),
        ("a.ts", "libx264", "yuv420p10le", X264, True),
        ("a.mpg", "mpeg2video", "yuv420p", {"flags": FLAGS, "qmin": "1", "qmax": "2"}, True),
        ("a.m2ts", "mpeg2video", "yuv422p", {"flags": FLAGS, "qmin": "1", "qmax": "2"}, True),
        ("a.mov", "prores_ks", "yuv422p10le", {"flags": FLAGS}, True),
    ],
)
def test_no_frame_is_torn(encode, read, name, codec, pixels, options, top_first):
    frames = _torn(6, top_first=top_first, pixels=pixels)
    found = read(encode(name, frames, codec, rate=25, options=options))
    assert [frame.index for frame in found] == list(range(6))
    assert [frame.time_s for frame in found] == pytest.approx(np.arange(6) / 25, abs=1e-3)
    assert {frame.fps for frame in found} == {25}
    assert max(_tearing(frame.image_bgr) for frame in found) < 15
    # The field that was first is kept.
    assert [_bar(frame.image_bgr) for frame in found] == pytest.approx(
        [2 * STEP * number for number in range(6)], abs=2
    )


@pytest.mark.parametrize("name", ["a.avi", "a.mov", "a.dv"])
def test_dv_is_deinterlaced(encode, read, name):
    frames = _torn(4, (576, 720), top_first=False)
    found = read(encode(name, frames, "dvvideo", rate=25))
    assert len(found) == 4
    assert max(_tearing(frame.image_bgr) for frame in found) < 25


@pytest.mark.skipif(not hasattr(VideoCodecContext, "field_order"), reason="PyAV 17 does not tell")
@pytest.mark.parametrize(("order", "top_first"), [(2, True), (3, False)])
@pytest.mark.parametrize(("codec", "pixels"), [("mjpeg", "yuvj420p"), ("png", "rgb24")])
def test_what_only_the_container_says_of_photographs(
    encode, read, codec, pixels, order, top_first
):
    frames = _torn(4, top_first=top_first, pixels=pixels)
    options = {"qmin": "1", "qmax": "1"} if codec == "mjpeg" else {}
    path = encode("a.mov", frames, codec, options=options, field_order=order)
    found = read(path)
    assert len(found) == 4
    assert max(_tearing(frame.image_bgr) for frame in found) < 20
    assert [_bar(frame.image_bgr) for frame in found] == pytest.approx(
        [2 * STEP * number for number in range(4)], abs=2
    )


def test_what_stands_still_keeps_its_lines(encode, read):
    luma = np.tile(np.array([[60], [180]], np.uint8), (48, 256))
    found = read(encode("a.mp4", [_marked(_gray_frame(luma), "tff")] * 5, options=X264))
    # Before the first frame there is none to tell by, which only newer releases of FFmpeg ignore.
    assert min(_tearing(frame.image_bgr) for frame in found[1:]) > 100


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_frames(encode, read, count):
    found = read(encode("a.mp4", _torn(count), rate=25, options=X264))
    assert len(found) == count
    if count > 1:
        assert max(_tearing(frame.image_bgr) for frame in found) < 15


@pytest.mark.parametrize(("stride", "most"), [(2, None), (1, 3), (3, 2)])
def test_frames_can_be_chosen(encode, read, stride, most):
    path = encode("a.mp4", _torn(8), rate=25, options=X264)
    found = read(path, vid_stride=stride, max_frames=most)
    assert [frame.index for frame in found] == list(range(0, 8, stride))[:most]
    assert max(_tearing(frame.image_bgr) for frame in found) < 15


def test_progressive_frames_are_left_as_they_are(encode, read):
    found = read(encode("a.mp4", _torn(4), rate=25, options={"crf": "8"}))
    assert min(_tearing(frame.image_bgr) for frame in found) > 80


@pytest.mark.parametrize("order", [(False, True), (True, False)])
def test_a_video_that_begins_or_ceases_to_be_interlaced(encode, read, tmp_path, order):
    """As broadcasts do between programmes: every frame comes once, in order, as it says."""
    parts = []
    for number, interlaced in enumerate(order):
        options = X264 if interlaced else {"crf": "8"}
        path = encode(f"{number}.ts", _torn(5), rate=25, options=options)
        parts.append(path.read_bytes())
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    found = read(path)
    assert [frame.index for frame in found] == list(range(10))
    assert [_bar(frame.image_bgr) for frame in found] == pytest.approx(
        [2 * STEP * number for number in [*range(5), *range(5)]], abs=2
    )
    torn = [_tearing(frame.image_bgr) > 50 for frame in found]
    assert torn == [not interlaced for interlaced in order for _ in range(5)]


def test_a_video_that_changes_its_size_midway(encode, read, tmp_path):
    parts = []
    for number, size_hw in enumerate([(96, 256), (64, 320)]):
        path = encode(f"{number}.ts", _torn(4, size_hw), rate=25, options=X264)
        parts.append(path.read_bytes())
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    found = read(path)
    shapes = [frame.image_bgr.shape[:2] for frame in found]
    assert shapes == [(96, 256)] * 4 + [(64, 320)] * 4
    assert max(_tearing(frame.image_bgr) for frame in found) < 15


def test_hevc_in_single_fields_is_refused_by_name(encode, refused):
    options = {"x265-params": "interlace=tff:log-level=none"}
    path = encode("a.mp4", _torn(4), "libx265", rate=50, options=options)
    assert refused(path).endswith("found one in HEVC that holds its fields one by one")
