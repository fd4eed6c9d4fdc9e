"""Videos are shown as the camera was held."""

import io
import struct

import av
import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources.rotation import describe_rotation, rotated

# What becomes of an image with its rows numbered from the top, its columns from the left.
IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
WAYS = {
    (1, 0, 0, 1): (IMAGE, ""),
    (0, 1, -1, 0): (np.rot90(IMAGE, -1), "turned by 90 degrees"),
    (-1, 0, 0, -1): (np.rot90(IMAGE, 2), "turned by 180 degrees"),
    (0, -1, 1, 0): (np.rot90(IMAGE, 1), "turned by 270 degrees"),
    (-1, 0, 0, 1): (IMAGE[:, ::-1], "mirrored and turned by 180 degrees"),
    (1, 0, 0, -1): (IMAGE[::-1], "mirrored"),
    (0, 1, 1, 0): (IMAGE.transpose(1, 0, 2), "mirrored and turned by 90 degrees"),
    (0, -1, -1, 0): (np.rot90(IMAGE, 2).transpose(1, 0, 2), "mirrored and turned by 270 degrees"),
}


@pytest.mark.parametrize("scale", [1, 1 << 16, 0.5])
@pytest.mark.parametrize("matrix", WAYS)
def test_the_eight_ways_to_hold_a_camera(matrix, scale):
    expected, said = WAYS[matrix]
    scaled = tuple(scale * number for number in matrix)
    np.testing.assert_array_equal(rotated(IMAGE, scaled), expected)
    assert describe_rotation(scaled) == said


@pytest.mark.parametrize("matrix", [None, (0, 0, 0, 0), (65536, 3, -2, 65535)])
def test_what_says_nothing_changes_nothing(matrix):
    assert rotated(IMAGE, matrix) is IMAGE
    assert describe_rotation(matrix) == ""


@pytest.mark.parametrize(
    ("matrix", "degrees"), [((1, 1, -1, 1), 45), ((1, 0.1, 0, 1), 6), ((1, 0, 0, 0), 0)]
)
def test_anything_else_is_refused(matrix, degrees):
    with pytest.raises(ImageError, match=f"by quarters of a circle, found {degrees} degrees"):
        rotated(IMAGE, matrix)


def _corner(image_bgr):
    """Return where the red corner is: rows from the top or the bottom, columns likewise."""
    red = image_bgr[..., 2].astype(int) - image_bgr[..., 1] > 100
    row, column = np.argwhere(red).mean(axis=0) / red.shape
    return row < 0.5, column < 0.5


@pytest.mark.parametrize("matrix", WAYS)
def test_the_note_of_a_file_is_followed(make_video, read, matrix):
    path = make_video("a.mp4")
    content = path.read_bytes()
    a, b, c, d = (number << 16 for number in matrix)
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    noted = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    at = content.index(upright, content.index(b"tkhd"))
    path.write_bytes(content[:at] + noted + content[at + len(noted) :])
    plain = np.zeros((48, 64, 3), np.uint8)
    plain[:16, :16, 2] = 255
    expected = rotated(plain, matrix)
    frames = read(path, max_frames=3)
    assert {frame.image_bgr.shape for frame in frames} == {expected.shape}
    assert all(frame.image_bgr.flags.c_contiguous for frame in frames)
    assert {_corner(frame.image_bgr) for frame in frames} == {_corner(expected)}


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (1, 1)), (2, (1, 0)), (4, (0, 1)), (6, (1, 0)), (3, (0, 0)), (5, (1, 1)), (7, (0, 0))],
)
def test_a_video_of_photographs_is_turned_as_they_are(tmp_path, read, orientation, corner):
    image_rgb = np.zeros((48, 64, 3), np.uint8)
    image_rgb[:16, :16, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(image_rgb).save(stream, "JPEG", exif=exif)
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mjpeg", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        for number in range(3):
            packet = av.Packet(stream.getvalue())
            packet.pts = packet.dts = number
            packet.duration, packet.time_base = 1, 1 / video.codec_context.framerate
            packet.stream = video
            container.mux(packet)
    for frame in read(path):
        assert _corner(frame.image_bgr) == corner
