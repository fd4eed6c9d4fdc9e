"""Videos whose colours are known, of every kind, and what is read of them."""

from fractions import Fraction

import av
import numpy as np
import pytest

from ppmobileseg_deploy.runtime.sources.containers import decoder_threads

PATCHES = np.array(
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (220, 180, 40), (128, 128, 128), (255, 255, 255)]
)
SIDE = 32
# Shares of red and blue in the luma.
SHARES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
BT709, BT601, BT2020 = 1, 6, 9
LIMITED, FULL = 1, 2
X265 = {"x265-params": "log-level=none:bframes=0"}


def _frame(planes, pixels, matrix=2, color_range=0):
    """Return a frame whose planes hold these numbers."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixels)
    for plane, values in zip(frame.planes, planes, strict=True):
        itemsize = values.dtype.itemsize
        rows = np.zeros((plane.height, plane.line_size // itemsize), values.dtype)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = matrix, color_range
    return frame


def _yuv(signal_rgb, matrix, full, bits=8, chroma=(2, 2)):
    """Turn R'G'B', (h, w, 3) in [0, 1], into planes by the formulas of ITU-R BT.601 and 2020."""
    kr, kb = SHARES[matrix]
    r, g, b = np.moveaxis(signal_rgb, -1, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    unit, most = 1 << (bits - 8), (1 << bits) - 1
    luma = y * most if full else (219 * y + 16) * unit
    planes = [luma]
    if chroma is not None:
        for part in ((b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))):
            values = part * most + 128 * unit if full else (224 * part + 128) * unit
            planes.append(values[:: chroma[0], :: chroma[1]])
    dtype = np.uint8 if bits == 8 else np.uint16
    return [np.clip(np.round(plane), 0, most).astype(dtype) for plane in planes]


def _bands(height=64):
    return np.broadcast_to(np.repeat(PATCHES / 255, SIDE, axis=0), (height, SIDE * 6, 3))


def _seen(image_bgr):
    """Return the colours in the middle of the six patches, RGB."""
    height, width = image_bgr.shape[:2]
    return image_bgr[height // 2, width // 12 :: width // 6, ::-1].astype(int)


def _differ(image_bgr, expected=PATCHES):
    return int(np.abs(_seen(image_bgr) - expected).max())


@pytest.mark.parametrize("matrix", SHARES)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("pixels", "codec", "bits", "chroma"),
    [
        ("yuv420p", "libx264", 8, (2, 2)),
        ("yuv422p", "libx264", 8, (1, 2)),
        ("yuv444p", "libx264", 8, (1, 1)),
        ("yuv420p10le", "libx264", 10, (2, 2)),
        ("yuv422p10le", "libx264", 10, (1, 2)),
    ],
)
def test_what_is_stated_of_yuv_is_honoured(
    encode, read, matrix, full, pixels, codec, bits, chroma
):
    color_range = FULL if full else LIMITED
    planes = _yuv(_bands(), matrix, full, bits, chroma)
    frame = _frame(planes, pixels, matrix, color_range)
    options = {"qp": "4"} if codec == "libx264" else {}
    path = encode(
        "a.mov", [frame], codec, options=options, colorspace=matrix, color_range=color_range
    )
    assert _differ(read(path)[0].image_bgr) <= 5


@pytest.mark.parametrize(
    ("pixels", "bits", "chroma"),
    [
        ("yuv420p", 8, (2, 2)),
        ("yuv411p", 8, (1, 4)),
        ("yuv410p", 8, (4, 4)),
        ("yuv440p", 8, (2, 1)),
        ("yuv444p", 8, (1, 1)),
        ("yuv420p12le", 12, (2, 2)),
        ("yuv444p16le", 16, (1, 1)),
    ],
)
def test_unusual_sampling_and_depth(encode, read, pixels, bits, chroma):
    frame = _frame(_yuv(_bands(), BT601, False, bits, chroma), pixels, BT601, LIMITED)
    assert _differ(read(encode("a.mkv", [frame], "ffv1"))[0].image_bgr) <= 3


@pytest.mark.parametrize(
    ("size_hw", "primaries", "matrix"),
    [
        ((480, 720), 2, BT601),
        ((576, 1024), 2, BT601),
        ((578, 1024), 2, BT709),
        ((720, 1280), 2, BT709),
        ((64, 192), BT2020, BT2020),
    ],
)
@pytest.mark.parametrize("stated", [0, 2])
def test_a_matrix_that_is_not_stated_is_the_usual_one(
    encode, read, size_hw, primaries, matrix, stated
):
    height, width = size_hw
    rows = np.repeat(PATCHES / 255, -(-width // 6), axis=0)[:width]
    planes = _yuv(np.broadcast_to(rows, (height, width, 3)), matrix, False)
    frame = _frame(planes, "yuv420p", stated)
    options = {"qp": "4", "preset": "ultrafast"}
    path = encode("a.mp4", [frame], options=options, color_primaries=primaries)
    assert _differ(read(path)[0].image_bgr) <= 5


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mov", "png", "rgb24"),
        ("a.mov", "png", "rgba"),
        ("a.mov", "qtrle", "argb"),
        ("a.mp4", "libx264rgb", "rgb24"),
        ("a.mkv", "ffv1", "bgr0"),
        ("a.mkv", "ffv1", "gbrp10le"),
        ("a.avi", "rawvideo", "bgr24"),
        ("a.webm", "libvpx-vp9", "gbrp"),
    ],
)
def test_rgb_stays_as_it_is(encode, read, name, codec, pixels):
    image_rgb = np.ascontiguousarray((_bands() * 255).astype(np.uint8))
    frame = av.VideoFrame.from_ndarray(image_rgb, format="rgb24").reformat(format=pixels)
    options = {"lossless": "1"} if codec == "libvpx-vp9" else {"qp": "0"}
    path = encode(name, [frame], codec, options=options if "lib" in codec else {})
    assert _differ(read(path)[0].image_bgr) <= 1


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize(("stated", "full"), [(LIMITED, False), (FULL, True)])
def test_the_range_of_gray_is_honoured(encode, read, bits, stated, full):
    grays = np.arange(0, 256, 51)
    rows = np.repeat(grays / 255, SIDE)[:, None].repeat(3, 1)
    planes = _yuv(np.broadcast_to(rows, (64, SIDE * 6, 3)), BT601, full, bits, None)
    pixels = "gray" if bits == 8 else "gray10le"
    frame = _frame(planes, pixels, 2, stated)
    path = encode("a.mp4", [frame], "libx265", options=X265, color_range=stated)
    image_bgr = read(path)[0].image_bgr
    assert _differ(image_bgr, grays[:, None].repeat(3, 1)) <= 3


def test_motion_jpeg_is_what_jpeg_is(encode, read):
    frame = _frame(_yuv(_bands(), BT601, True), "yuvj420p", BT601, FULL)
    assert (
        _differ(
            read(encode("a.avi", [frame], "mjpeg", options={"qmin": "1", "qmax": "1"}))[
                0
            ].image_bgr
        )
        <= 6
    )


@pytest.mark.parametrize(
    ("aspect", "shown_hw"),
    [
        (Fraction(2), (64, 384)),
        (Fraction(16, 15), (64, 205)),
        (Fraction(8, 9), (72, 192)),
        (Fraction(1, 2), (128, 192)),
        (Fraction(1001, 1000), (64, 192)),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_pixels_become_square(encode, read, aspect, shown_hw, name):
    frame = _frame(_yuv(_bands(), BT601, False), "yuv420p", BT601, LIMITED)
    path = encode(name, [frame] * 3, options={"qp": "4"}, sample_aspect_ratio=aspect)
    for each in read(path):
        assert each.image_bgr.shape[:2] == shown_hw
        assert _differ(each.image_bgr) <= 8


def test_pixels_that_would_become_enormous_are_refused(encode, refused):
    frame = av.VideoFrame(640, 480, "yuv420p")
    path = encode("a.mp4", [frame], sample_aspect_ratio=Fraction(255))
    assert refused(path).endswith("expected frames of at most 67108864 pixels, found 480x163200")


@pytest.mark.parametrize(
    ("matrix", "found"),
    [
        (8, "YCgCo"),
        (10, "BT.2020 with constant luminance"),
        (11, "SMPTE ST 2085"),
        (12, "from the primaries"),
        (14, "ICtCp"),
        (15, "IPT-C2 (Dolby Vision)"),
        (17, "YCgCo-Ro"),
    ],
)
def test_other_matrices_are_refused_by_name(encode, refused, matrix, found):
    path = encode("a.mkv", [av.VideoFrame(64, 64, "yuv420p")], "ffv1", colorspace=matrix)
    assert refused(path).endswith(
        f": expected a YUV matrix of BT.601, BT.709, BT.2020, FCC or SMPTE 240M, found {found}"
    )


@pytest.mark.parametrize(
    ("transfer", "found"),
    [
        (8, "linear light"),
        (9, "logarithmic, 100:1"),
        (10, "logarithmic, 316:1"),
        (17, "SMPTE ST 428 (digital cinema)"),
    ],
)
def test_other_transfer_functions_are_refused_by_name(encode, refused, transfer, found):
    path = encode("a.mkv", [av.VideoFrame(64, 64, "yuv420p")], "ffv1", color_trc=transfer)
    assert refused(path).endswith(f"found the transfer function {found}")


@pytest.mark.parametrize("transfer", [1, 4, 6, 7, 13, 14])
def test_transfer_functions_of_ordinary_screens_change_nothing(encode, read, transfer):
    frame = _frame(_yuv(_bands(), BT709, False), "yuv420p", BT709, LIMITED)
    facts = {"colorspace": BT709, "color_range": LIMITED, "color_trc": transfer}
    path = encode("a.mkv", [frame], "ffv1", **facts)
    assert _differ(read(path)[0].image_bgr) <= 3


def test_the_table_of_a_changed_frame_is_not_that_of_the_one_before(encode, read, tmp_path):
    """A transport stream whose frames change their size, depth, matrix and range midway."""
    parts = []
    for number, (matrix, full, width) in enumerate(
        [(BT601, False, 32), (BT709, True, 32), (BT709, False, 48)]
    ):
        rows = np.repeat(PATCHES / 255, width, axis=0)
        planes = _yuv(np.broadcast_to(rows, (64, 6 * width, 3)), matrix, full)
        color_range = FULL if full else LIMITED
        frame = _frame(planes, "yuv420p", matrix, color_range)
        options = {"qp": "4"}
        facts = {"colorspace": matrix, "color_range": color_range}
        parts.append(encode(f"{number}.ts", [frame] * 3, options=options, **facts).read_bytes())
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    frames = read(path)
    assert [frame.image_bgr.shape[1] for frame in frames] == [192] * 6 + [288] * 3
    assert max(_differ(frame.image_bgr) for frame in frames) <= 6


def _remuxed(path, name, **facts):
    """Write a video into another container, which says this of it."""
    target = path.with_name(name)
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for fact, value in facts.items():
            setattr(stream.codec_context, fact, value)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    return target


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv"])
@pytest.mark.parametrize(
    ("codec", "options", "full"),
    [
        ("libx264", {"qp": "4"}, False),
        ("libx265", {"x265-params": "log-level=none:bframes=0:qp=4"}, False),
        ("libx265", {"x265-params": "log-level=none:bframes=0:qp=4"}, True),
        ("libvpx-vp9", {"crf": "4"}, False),
    ],
)
def test_what_only_the_container_says_of_colours_is_honoured(
    encode, read, name, codec, options, full
):
    frame = _frame(_yuv(_bands(), BT2020, full), "yuv420p")
    path = encode("a.mp4", [frame], codec, options=options)
    facts = {"colorspace": 9, "color_primaries": 9, "color_trc": 14}
    path = _remuxed(path, name, color_range=FULL if full else LIMITED, **facts)
    assert _differ(read(path)[0].image_bgr) <= 6


@pytest.mark.parametrize("interlaced", [False, True])
def test_pixels_may_change_their_shape_midway(encode, read, tmp_path, interlaced):
    """As broadcasts do between films of different shapes, with the size that they have."""
    options = {"flags": "+ildct+ilme"} if interlaced else {}
    path = tmp_path / "joined.ts"
    with path.open("wb") as joined:
        for number, aspect in enumerate([Fraction(16, 15), Fraction(64, 45)]):
            frames = [av.VideoFrame(720, 576, "yuv420p")] * 12
            part = encode(f"{number}.ts", frames, options=options, sample_aspect_ratio=aspect)
            joined.write(part.read_bytes())
    widths = [frame.image_bgr.shape[1] for frame in read(path)]
    assert widths == sorted(widths)
    assert len(widths) == 24
    assert 12 - decoder_threads() <= widths.count(768) <= 12
    assert widths.count(1024) == 24 - widths.count(768)
