import contextlib
import io
import re
import struct

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.images.formats import jpeg

END = b"\xff\xd9"
VARIANTS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 2},
    "full colour": {"subsampling": 0, "quality": 97},
    "optimised": {"optimize": True, "quality": 30},
}
MODES = ("RGB", "L", "CMYK")


def frame_of(content: bytes) -> int:
    """Where the header with the size begins."""
    return re.search(rb"\xff[\xc0-\xc2]\0", content).start()


def first_scan(content: bytes) -> int:
    return content.index(b"\xff\xda")


def after_start(content: bytes, more: bytes) -> bytes:
    return content[:2] + more + content[2:]


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("mode", MODES)
def test_only_the_end_mark_may_be_missing(variant, mode, saved, read, rgb):
    content = saved(Image.fromarray(rgb).convert(mode), "JPEG", **VARIANTS[variant])
    whole = read(content)
    assert content.endswith(END)
    for end in (b"", b"\xff", bytes(512), b"\xff\xff\xff"):
        np.testing.assert_array_equal(read(content[:-2] + end), whole)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("mode", MODES)
def test_no_pixel_may_be_missing(variant, mode, saved, read, rgb):
    content = saved(Image.fromarray(rgb).convert(mode), "JPEG", **VARIANTS[variant])
    whole = read(content)
    refused = 0
    cuts = (*range(3, 40), *range(40, len(content) - first_scan(content), 41))
    for cut in [content[:-lost] + end for lost in cuts for end in (b"", bytes(512))]:
        with contextlib.suppress(ImageError):
            refused += 1
            np.testing.assert_array_equal(read(cut), whole)
            refused -= 1
    # What was lost may have said no more than that nothing changes any more.
    assert refused > 2 * len(cuts) - 20


def test_scans_that_are_missing_at_the_end_are_not_taken_for_an_end(saved, read, rgb):
    content = saved(rgb, "JPEG", progressive=True)
    scans = [match.start() for match in re.finditer(b"\xff\xda", content)]
    assert len(scans) > 5
    for start in scans[1:]:
        # Tables of the next scan may come before it.
        with pytest.raises(ImageError, match="truncated"):
            read(content[:start])


def test_fewer_scans_before_an_end_are_a_whole_picture(saved, read, rgb):
    # An encoder may stop there: the picture is what it says.
    content = saved(rgb, "JPEG", progressive=True)
    scans = [match.start() for match in re.finditer(b"\xff\xda", content)]
    assert read(content[: scans[-1]] + END).shape == rgb.shape


def test_thousands_of_scans_are_refused_and_a_hundred_are_not(saved, read, rgb):
    content = saved(rgb, "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    np.testing.assert_array_equal(read(content[:-2] + last * 100 + END).shape, rgb.shape)
    message = "expected at most 256 scans in a JPEG file of 45x70 pixels, found more"
    with pytest.raises(ImageError, match=message):
        read(content[:-2] + last * 3000 + END)
    # A comment that looks like an end is none.
    with pytest.raises(ImageError, match=message):
        read(content[:-2] + segment(0xFE, END) + last * 3000 + END)


def test_large_pictures_may_have_fewer_scans(saved, read):
    content = saved(Image.new("L", (9000, 9000)), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(ImageError, match="expected at most 24 scans in a JPEG file of 9000x9000"):
        read(content[:-2] + last * 24 + END)


@pytest.mark.parametrize(
    ("marker", "found"),
    [
        (0xC3, "a lossless JPEG file"),
        (0xC5, "a hierarchical JPEG file"),
        (0xCB, "a lossless JPEG file"),
        (0xF7, "a JPEG-LS file"),
    ],
)
def test_other_processes_are_named(marker, found, saved, read, rgb):
    content = bytearray(saved(rgb, "JPEG"))
    content[frame_of(content) + 1] = marker
    with pytest.raises(
        ImageError, match=f"expected a baseline or progressive JPEG file, found {found}"
    ) as raised:
        read(bytes(content))
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize(
    ("at", "data", "message"),
    [
        (4, b"\x0c", "expected a JPEG file of 8 bits a channel, found one of 12"),
        (5, b"\0\0", "expected a JPEG file with its height in the header, found one without"),
        (7, b"\0\0", "expected 1 to 200000000 pixels, found 45x0"),
        (9, b"\2", "channels, found one of 3"),
    ],
)
def test_a_header_that_cannot_be_is_named(at, data, message, saved, read, rgb):
    content = bytearray(saved(rgb, "JPEG"))
    start = frame_of(content) + at
    content[start : start + len(data)] = data
    with pytest.raises(ImageError, match=message):
        read(bytes(content))


def test_two_channels_are_named(saved, read, rgb):
    content = saved(rgb, "JPEG")
    start = frame_of(content)
    two = segment(0xC0, content[start + 4 : start + 9] + b"\2" + content[start + 10 : start + 16])
    with pytest.raises(ImageError, match="1, 3 or 4 channels, found one of 2"):
        read(content[:start] + two + content[start + 19 :])


def test_two_headers_are_damage(saved, read, rgb):
    content = saved(rgb, "JPEG")
    start = frame_of(content)
    with pytest.raises(ImageError, match="two headers"):
        read(content[:start] + content[start : start + 19] + content[start:])


@pytest.mark.parametrize(
    "more",
    [
        segment(0xFE, b"a comment"),
        segment(0xE2, b"ICC_PROFILE\0\1\7" + bytes(100)),
        segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\xff\xff\xff\xff"),
        segment(0xE2, b"MPF\0MM\0*\xff\xff\xff\xff"),
        segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
        b"\xff" * 100_000,
        segment(0xFE, b"") + b"\0\1\2\xff\0" * 1000,
    ],
    ids=["comment", "profile", "Photoshop", "MPF", "EXIF", "EXIF's tags", "filling", "junk"],
)
def test_what_is_between_segments_does_not_matter(more, saved, read, rgb):
    content = saved(rgb, "JPEG")
    np.testing.assert_array_equal(read(after_start(content, more)), read(content))


def test_segments_without_end_are_refused(saved, read, rgb):
    content = saved(rgb, "JPEG")
    with pytest.raises(ImageError, match="expected at most 4096 segments in a JPEG file"):
        read(after_start(content, segment(0xFE, b"") * 5000))
    scan = first_scan(saved(rgb, "JPEG", progressive=True))
    content = saved(rgb, "JPEG", progressive=True)
    second = content.index(b"\xff\xda", scan + 2)
    with pytest.raises(ImageError, match="expected at most 4096 segments in a JPEG file"):
        read(content[:second] + segment(0xFE, b"") * 5000 + content[second:])


def test_exif_data_of_several_segments_are_one(saved, read, rgb):
    exif = Image.Exif()
    exif[0x010E] = "d" * 100_000
    exif[0x0112] = 3
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    parts = b"".join(
        segment(0xE1, b"Exif\0\0" + data[at : at + 60_000]) for at in range(0, len(data), 60_000)
    )
    content = saved(rgb, "JPEG")
    np.testing.assert_array_equal(read(after_start(content, parts)), read(content)[::-1, ::-1])


def test_xmp_tells_the_side_that_is_up_where_exif_does_not(saved, read, rgb):
    content = saved(rgb, "JPEG")
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>3</tiff:Orientation>")
    upright = read(content)
    np.testing.assert_array_equal(read(after_start(content, xmp)), upright[::-1, ::-1])
    exif = Image.Exif()
    exif[0x0112] = 1
    both = xmp + segment(0xE1, exif.tobytes())
    np.testing.assert_array_equal(read(after_start(content, both)), upright)


def test_colours_are_what_adobes_segment_says(saved, read, rgb):
    # Without conversion red, green and blue are stored as they are.
    content = saved(rgb, "JPEG", subsampling=0, quality=100, keep_rgb=True)
    assert np.abs(read(content).astype(int) - rgb).max() <= 3


def test_what_follows_the_end_does_not_matter(saved, read, rgb):
    content = saved(rgb, "JPEG", progressive=True)
    # A phone's short film, in which anything may look like a scan.
    film = b"\xff\xda" * 5000 + b"\xff\xd8" + content
    np.testing.assert_array_equal(read(content + film), read(content))


SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


@pytest.mark.parametrize("size_hw", [(1, 1), (7, 17), (45, 70), (64, 48)])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("progressive", [False, True])
def test_whole_files_are_decoded_as_pillow_does(
    progressive, mode, sampling, size_hw, saved, read, monkeypatch
):
    noise = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), np.uint8)
    content = saved(
        Image.fromarray(noise).convert(mode),
        "JPEG",
        quality=80,
        subsampling=SAMPLINGS[sampling],
        progressive=progressive,
    )
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    monkeypatch.setattr(jpeg, "bgr_of_pil", None)  # it is not asked

    np.testing.assert_array_equal(read(content), expected)


def test_damage_that_pillow_shows_is_shown_without_a_word(saved, read, rgb, capfd):
    content = bytearray(saved(rgb, "JPEG"))
    at = first_scan(content) + 40
    content[at : at + 4] = b"\x13\x57\x9b\xdf"
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))

    np.testing.assert_array_equal(read(bytes(content)), expected)
    assert capfd.readouterr() == ("", "")
