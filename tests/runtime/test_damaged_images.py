import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.images import read_image


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
    with pytest.raises(ImageError, match="truncated"):
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
