import struct
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from ppmobileseg_deploy.errors import ImageError

HEADER_END = 33


@pytest.fixture(scope="module")
def plain(rgb, saved) -> bytes:
    return saved(rgb, "PNG")


def after_header(content: bytes, more: bytes) -> bytes:
    return content[:HEADER_END] + more + content[HEADER_END:]


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def noise(count: int) -> bytes:
    return np.random.default_rng(0).bytes(count)


GROWING = zlib.compress(bytes(1 << 28), 1)
METADATA = {
    "packed text": (b"zTXt", b"workflow\0\0" + zlib.compress(noise(700_000).hex().encode(), 1)),
    "international text": (
        b"iTXt",
        b"workflow\0\1\0\0\0" + zlib.compress(noise(700_000).hex().encode(), 1),
    ),
    "plain text": (b"tEXt", b"workflow\0" + noise(2_000_000).hex().encode()),
    "colour profile": (b"iCCP", b"profile\0\0" + zlib.compress(noise(1_400_000), 1)),
    "packed text that grows": (b"zTXt", b"Raw profile type exif\0\0" + GROWING),
    "a packet that grows": (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + GROWING),
    "a profile that is none": (b"iCCP", b"profile"),
    "a text that is none": (b"zTXt", b"\xff\xff"),
    "a physical size that is none": (b"pHYs", b"\1"),
    "a gamma that is none": (b"gAMA", b""),
    "EXIF data that are none": (b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    "frames that are not there": (b"acTL", struct.pack(">II", 2**31 - 1, 0)),
    "one byte of private data": (b"prVt", b"x"),
}


@pytest.mark.parametrize("kind", METADATA)
@pytest.mark.parametrize("place", ["before the pixels", "after them"])
def test_what_loses_no_pixel_is_read(kind, place, plain, chunk, read, rgb):
    more = chunk(*METADATA[kind])
    content = after_header(plain, more) if place[0] == "b" else plain[:-12] + more + plain[-12:]
    np.testing.assert_array_equal(read(content), rgb)


@pytest.mark.parametrize("name", [b"tEXt", b"iCCP", b"eXIf", b"pHYs", b"tRNS", b"PLTE"])
def test_a_bad_checksum_where_no_pixel_is(name, plain, chunk, read, rgb):
    bad = chunk(name, bytes(12))[:-4] + b"oops"
    np.testing.assert_array_equal(read(after_header(plain, bad)), rgb)


@pytest.mark.parametrize("lost", [1, 4, 12, 14, 16, 18])
def test_an_end_without_pixels_may_be_missing(lost, plain, read, rgb):
    # 12 bytes of the end's chunk, 4 of the pixels' checksum, 4 of the stream's.
    np.testing.assert_array_equal(read(plain[:-lost]), rgb)


def test_no_pixel_may_be_missing(plain, read):
    for lost in range(26, 120):
        with pytest.raises(ImageError, match="found a damaged one"):
            read(plain[:-lost])


def test_many_parts_of_pixels_are_one(plain, chunk, read, rgb):
    start = plain.index(b"IDAT") + 4
    data = plain[start:-16]
    parts = b"".join(chunk(b"IDAT", data[at : at + 7]) for at in range(0, len(data), 7))
    empty = chunk(b"IDAT", b"") * 1000 + chunk(b"tEXt", b"between")
    content = plain[: start - 8] + empty + parts + empty + plain[-12:]
    np.testing.assert_array_equal(read(content), rgb)


def test_chunks_without_end_are_refused(plain, chunk, read):
    with pytest.raises(ImageError, match="expected at most 262144 chunks in a PNG file"):
        read(after_header(plain, chunk(b"IDAT", b"") * 300_000))


def test_what_is_no_png_is_named(plain, chunk, read):
    for content, message in (
        (plain[:8] + chunk(b"CgBI", bytes(4)) + plain[8:], r"found an iPhone.* \(CgBI\)"),
        (plain[:8] + plain[HEADER_END:], "no header"),
        (plain[:8], "no header"),
        (plain[:29] + b"oops" + plain[33:], "damaged"),
        (plain[:24] + b"\x08\x07" + plain[26:], "colour type 7 of 8 bits"),
    ):
        with pytest.raises(ImageError, match=message):
            read(content)


def test_indices_without_a_palette_are_an_error(saved, read, rgb):
    content = saved(Image.fromarray(rgb).quantize(16), "PNG")
    start = content.index(b"PLTE") - 4
    end = start + 12 + struct.unpack_from(">I", content, start)[0]
    with pytest.raises(ImageError, match="found a damaged one"):
        read(content[:start] + content[end:])


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_side_that_is_up_is_told_in_four_ways(orientation, plain, chunk, read, rgb):
    exif = exif_of(orientation)
    picture = Image.fromarray(rgb)
    picture.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(picture))
    tiff = exif.removeprefix(b"Exif\0\0")
    digits = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode() + b"\n"
    xmp = b'<x tiff:Orientation="%d"/>' % orientation
    for name, data in (
        (b"eXIf", tiff),
        (b"tEXt", b"Raw profile type exif\0" + digits),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(digits)),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0nothing\0" + zlib.compress(xmp)),
    ):
        np.testing.assert_array_equal(read(after_header(plain, chunk(name, data))), expected)
        at_the_end = plain[:-12] + chunk(name, data) + plain[-12:]
        np.testing.assert_array_equal(read(at_the_end), expected)


def test_an_exif_chunk_with_a_bad_checksum_turns_nothing(plain, chunk, read, rgb):
    bad = chunk(b"eXIf", exif_of(6).removeprefix(b"Exif\0\0"))[:-4] + b"oops"
    np.testing.assert_array_equal(read(after_header(plain, bad)), rgb)


def test_of_an_animation_the_default_image_is_read(read, saved, rgb):
    frames = [Image.fromarray(255 - rgb), Image.fromarray(rgb[::-1])]
    for default in (False, True):
        content = saved(
            Image.fromarray(rgb), "PNG", save_all=True, append_images=frames, default_image=default
        )
        np.testing.assert_array_equal(read(content), rgb)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_is_read_as_opencv_reads_it(mode, saved, read, rgb):
    image = Image.fromarray(rgb).convert(mode)
    content = saved(image, "PNG")
    expected = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    np.testing.assert_array_equal(read(content), expected)


def test_of_thousands_of_packed_texts_one_is_inflated(plain, chunk, read, rgb):
    # Ten seconds, if all were.
    packed = zlib.compress(bytes(1 << 20))
    text = chunk(b"zTXt", b"Raw profile type exif\0\0" + packed)
    packet = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed)
    start = time.process_time()
    np.testing.assert_array_equal(read(after_header(plain, (text + packet) * 5000)), rgb)
    assert time.process_time() - start < 2
