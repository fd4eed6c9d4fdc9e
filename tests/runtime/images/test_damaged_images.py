import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.images.files import decode_image, read_image

FUZZ = Path(__file__).parents[2] / "endurance" / "fuzz_images.py"


def _encoded(suffix: str) -> bytes:
    rng = np.random.default_rng(0)
    stream = io.BytesIO()
    noise = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    noise.save(stream, {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP",
                        ".tif": "TIFF", ".gif": "GIF", ".ppm": "PPM"}[suffix])  # fmt: skip
    return stream.getvalue()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif", ".gif", ".ppm"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_cut_off_files_are_errors_not_half_grey_images(
    suffix: str, share: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = _encoded(suffix)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match=r"cut.*expected a complete") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_progressive_jpeg_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(stream, "JPEG", progressive=True)
    (tmp_path / "cut.jpg").write_bytes(stream.getvalue()[:-200])
    with pytest.raises(ImageError, match="its last pixels are missing"):
        read_image(tmp_path / "cut.jpg")


def test_a_damaged_png_is_an_error(tmp_path: Path) -> None:
    content = bytearray(_encoded(".png"))
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "damaged.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"damaged\.png: expected a complete PNG"):
        read_image(tmp_path / "damaged.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "found an empty file"),
        (b"Dear diary, today", r"found a file that starts with b'Dear diary, '"),
        (b"\x89PNG\r\n\x1a\n", "expected a complete PNG file"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "expected a complete WEBP file"),
    ],
)
def test_what_is_no_image_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"cannot read .*notes\.png: .*{message}") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected an image file, found a folder"):
        read_image(tmp_path)


def test_a_few_bytes_cannot_ask_for_gigabytes(tmp_path: Path) -> None:
    content = bytearray(_encoded(".png"))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path = tmp_path / "bomb.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="expected 1 to 200000000 pixels, found 60000x60000"):
        read_image(path)


def _flat(kind: str, width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (width, height), {"L": 99, "1": 1}.get(mode, (9, 99, 199))).save(
        stream, kind, **options
    )
    return stream.getvalue()


def _claiming(content: bytes, code: str, *offsets: int, value: int = 12_000) -> bytes:
    data = bytearray(content)
    for offset in offsets:
        struct.pack_into(code, data, offset, value)
    return bytes(data)


def _jpeg_claiming(**options: object) -> bytes:
    content = _flat("JPEG", 64, 64, **options)
    start = content.find(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    return _claiming(content, ">H", start + 5, start + 7)


def _tiff_claiming(mode: str = "RGB", **options: object) -> bytes:
    content = _flat("TIFF", 64, 64, mode, **options)
    (directory,) = struct.unpack_from("<I", content, 4)
    entries = range(directory + 2, len(content) - 12, 12)
    sizes = [e + 8 for e in entries if struct.unpack_from("<H", content, e)[0] in (256, 257)]
    return _claiming(content, "<H", *sizes[:2])


def _animated_webp() -> bytes:
    # VP8X: 24 bits for the width less one, 24 bits for the height less one.
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def _run_length_bmp() -> bytes:
    # One row of 150 megapixels, which "end of line" fills with zeros, byte by byte.
    header = struct.pack("<IiiHHIIiiII", 40, 150_000_000, 1, 1, 8, 1, 4, 0, 0, 256, 0)
    data = bytes(1024) + b"\1\1\0\0\0\1"
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54 + 1024) + header + data


CLAIMS = {
    "JPEG": _jpeg_claiming(),
    "progressive JPEG": _jpeg_claiming(progressive=True),
    "lossy WebP": _claiming(_flat("WEBP", 64, 64), "<H", 26, 28),
    "lossless WebP": _claiming(_flat("WEBP", 64, 64, lossless=True), "<I", 21, value=0x0BB7EEDF),
    "animated WebP": _claiming(_animated_webp(), "<H", 24, 27),
    "GIF": _claiming(_flat("GIF", 64, 64, "L"), "<H", 6, 8),
    "BMP": _claiming(_flat("BMP", 64, 64), "<I", 18, 22),
    "run-length BMP": _run_length_bmp(),
    "TIFF": _tiff_claiming(),
    "LZW TIFF": _tiff_claiming(compression="tiff_lzw"),
    "deflate TIFF": _tiff_claiming(compression="tiff_adobe_deflate"),
    "packbits TIFF": _tiff_claiming("L", compression="packbits"),
    "PGM": b"P5 12000 12000 255\n" + bytes(64 * 64),
}


@pytest.mark.parametrize("kind", CLAIMS)
def test_a_header_cannot_claim_what_the_file_is_too_short_for(kind: str) -> None:
    with pytest.raises(
        ImageError, match=r"cannot read x: expected at least \d+ bytes for \d+x\d+"
    ):
        decode_image(CLAIMS[kind], "x")


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "L", {}),
        ("JPEG", "L", {"progressive": True}),
        ("WEBP", "RGB", {"method": 0}),
        ("GIF", "L", {}),
        ("TIFF", "L", {"compression": "tiff_lzw"}),
        ("TIFF", "L", {"compression": "tiff_adobe_deflate"}),
        ("TIFF", "RGB", {"compression": "lzma"}),
        ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "1", {"compression": "group3"}),
    ],
)
def test_a_large_picture_of_one_colour_is_small_and_intact(
    kind: str, mode: str, options: dict[str, object]
) -> None:
    content = _flat(kind, 4100, 4000, mode, **options)
    image = decode_image(content, "x")
    assert image.shape == (4000, 4100, 3)
    assert np.ptp(image[::500, ::500].reshape(-1, 3), axis=0).max() <= 3  # of lossy ones


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "PNG", "GIF"])
def test_the_pixel_limit_of_the_whole_process_is_not_ours(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _flat(kind, 1000, 700, "L")
    # Pillow warns from here on, and stops at twice as many. Fewer would be less than a band.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300_000)
    assert decode_image(content, "x").shape == (700, 1000, 3)


def test_pixels_that_cannot_be_used_are_told_with_the_files_name() -> None:
    stream = io.BytesIO()
    Image.new("F", (6, 4)).save(stream, "TIFF")
    with pytest.raises(
        ImageError, match="cannot read depth: expected whole numbers, none of them below 0"
    ):
        decode_image(stream.getvalue(), "depth")


def test_images_damaged_in_every_way_are_results_or_our_errors(tmp_path: Path) -> None:
    # Every kind of file with every kind of damage; `make endurance` runs twenty thousand.
    command = [sys.executable, FUZZ, "--count", "1498", "--seed", "7", "--keep", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended in a result" in done.stdout
