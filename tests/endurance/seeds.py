"""Small intact files of every kind that people have, to be damaged."""

import contextlib
import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 60, 93  # neither a multiple of the other nor of 8


def intact_files() -> dict[str, bytes]:
    """Encode one picture in every way; the name begins with the suffix of the format."""
    picture = _picture()
    files = {
        **_pngs(picture),
        **_jpegs(picture),
        **_webps(picture),
        **_tiffs(picture),
        **_bmps(picture),
        **_gifs(picture),
        **_ppms(picture),
    }
    return dict(sorted(files.items()))


def _picture() -> Image.Image:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.dstack([rows * 4, columns * 2, (rows + columns) * 255 // (HEIGHT + WIDTH)])
    image[20:40, 30:60] = 250, 30, 40
    noise = np.random.default_rng(0).integers(0, 20, image.shape)
    return Image.fromarray(np.clip(image + noise, 0, 255).astype(np.uint8))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _sixteen_bits(image: Image.Image) -> NDArray[np.uint16]:
    return np.asarray(image).astype(np.uint16) * 256 + 99


def _pngs(picture: Image.Image) -> dict[str, bytes]:
    transparent = picture.convert("RGBA")
    transparent.putalpha(picture.convert("L"))
    files = {f"png {m}": _saved(picture.convert(m), "PNG") for m in ("RGB", "L", "LA", "1")}
    return files | {
        "png RGBA": _saved(transparent, "PNG"),
        "png palette": _saved(picture.quantize(64), "PNG"),
        "png palette 2 bits": _saved(picture.quantize(4), "PNG", bits=2),
        "png transparent palette": _saved(
            picture.quantize(16), "PNG", transparency=bytes(range(0, 256, 16))
        ),
        "png 16 bits": _opencv(".png", _sixteen_bits(picture)),
        "png 16 bits gray": _opencv(".png", _sixteen_bits(picture.convert("L"))),
        "png exif": _saved(picture, "PNG", exif=_exif(6)),
        "png animated": _saved(
            picture, "PNG", save_all=True, append_images=[picture.rotate(9), picture.rotate(20)]
        ),
        "png interlaced": _interlaced_png(np.asarray(picture)),
        "png flat": _saved(Image.new("RGB", (500, 400), (9, 99, 199)), "PNG"),
        "png texts": _png_with_texts(_saved(picture, "PNG")),
        "png parts": _png_in_parts(_saved(picture, "PNG")),
    }


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png_with_texts(content: bytes) -> bytes:
    exif = _exif(3).tobytes()
    digits = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode() + b"\n"
    xmp = b'<x tiff:Orientation="6"/>'
    header = content[:33] + _chunk(b"gAMA", b"\0\0\xb1\x8f") + _chunk(b"pHYs", bytes(9))
    return (
        header
        + _chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(2000)))
        + _chunk(b"tEXt", b"Comment\0of somebody")
        + _chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(digits))
        + _chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))
        + content[33:-12]
        + _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
        + content[-12:]
    )


def _png_in_parts(content: bytes) -> bytes:
    start = content.index(b"IDAT") - 4
    data = content[start + 8 : -16]
    parts = (_chunk(b"IDAT", data[at : at + 500]) for at in range(0, len(data), 500))
    return content[:start] + b"".join(parts) + content[-12:]


def _opencv(suffix: str, image: NDArray[np.uint16]) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def _interlaced_png(rgb: NDArray[np.uint8]) -> bytes:
    # Adam7: first row, first column, row step, column step of each pass.
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4))
    passes += ((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in passes
        for row in rgb[top::down, left::right]
    )
    height, width = rgb.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    pixels = _chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + pixels + _chunk(b"IEND", b"")


def _jpegs(picture: Image.Image) -> dict[str, bytes]:
    return {
        "jpg": _saved(picture, "JPEG"),
        "jpg gray": _saved(picture.convert("L"), "JPEG"),
        "jpg CMYK": _saved(picture.convert("CMYK"), "JPEG"),
        "jpg progressive": _saved(picture, "JPEG", progressive=True),
        "jpg progressive gray": _saved(picture.convert("L"), "JPEG", progressive=True),
        "jpg full colour": _saved(picture, "JPEG", subsampling=0, quality=95, optimize=True),
        "jpg exif": _saved(picture, "JPEG", exif=_exif(5)),
        "jpg restarts": _saved(picture, "JPEG", restart_marker_rows=1),
        "jpg CMYK progressive": _saved(picture.convert("CMYK"), "JPEG", progressive=True),
        "jpg progressive restarts": _saved(
            picture, "JPEG", progressive=True, restart_marker_blocks=4
        ),
        "jpg segments": _saved(
            picture,
            "JPEG",
            exif=_exif(7),
            xmp=b'<x tiff:Orientation="6"/>',
            icc_profile=bytes(70_000),
            comment=b"of somebody",
        ),
        "jpg flat": _saved(Image.new("RGB", (500, 400), (9, 99, 199)), "JPEG"),
        "jpg flat progressive": _saved(Image.new("L", (500, 400), 99), "JPEG", progressive=True),
    }


def _webps(picture: Image.Image) -> dict[str, bytes]:
    transparent = picture.convert("RGBA")
    transparent.putalpha(picture.convert("L"))
    frames = [picture.rotate(9), picture.rotate(20)]
    flat = Image.new("RGB", (500, 400), (9, 99, 199))
    return {
        "webp": _saved(picture, "WEBP", quality=70),
        "webp lossless": _saved(picture, "WEBP", lossless=True),
        "webp transparent": _saved(transparent, "WEBP", quality=70),
        "webp lossless transparent": _saved(transparent, "WEBP", lossless=True),
        "webp exif": _saved(picture, "WEBP", exif=_exif(8)),
        "webp metadata": _saved(picture, "WEBP", exif=_exif(6), icc_profile=bytes(999)),
        "webp animated": _saved(picture, "WEBP", save_all=True, append_images=frames),
        "webp flat": _saved(flat, "WEBP"),
        "webp flat lossless": _saved(flat, "WEBP", lossless=True),
    }


def _tiffs(picture: Image.Image) -> dict[str, bytes]:
    pixels = np.asarray(picture)
    modes = ("RGB", "L", "1", "CMYK", "P", "RGBA", "F", "I;16", "LAB")
    packed = ("packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "lzma", "zstd")
    files = {f"tif {mode}": _saved(_in_mode(picture, mode), "TIFF") for mode in modes}
    for name in packed:
        # Early releases of Pillow come without Zstandard.
        with contextlib.suppress(OSError):
            files[f"tif {name}"] = _saved(picture, "TIFF", compression=name)
    for name in ("group3", "group4", "tiff_ccitt"):
        files[f"tif {name}"] = _saved(picture.convert("1"), "TIFF", compression=name)
    files["tif pages"] = _saved(picture, "TIFF", save_all=True, append_images=[picture])
    files["tif exif"] = _saved(picture, "TIFF", exif=_exif(6), compression="tiff_lzw")
    return files | {
        "tif big-endian": _tifffile(pixels, byteorder=">"),
        "tif 16 bits": _tifffile(_sixteen_bits(picture)),
        "tif 16 bits big-endian gray": _tifffile(_sixteen_bits(picture)[:, :, 0], byteorder=">"),
        "tif tiles": _tifffile(pixels, tile=(32, 32)),
        "tif tiles deflate": _tifffile(pixels, tile=(32, 32), compression="zlib"),
        "tif planes": _tifffile(pixels.transpose(2, 0, 1), planarconfig="separate"),
        "tif strips": _tifffile(pixels, rowsperstrip=7),
        "tif predictor": _tifffile(pixels, compression="zlib", predictor=True),
        **_rarer_tiffs(picture),
    }


def _rarer_tiffs(picture: Image.Image) -> dict[str, bytes]:
    pixels, gray = np.asarray(picture), np.asarray(picture.convert("L"))
    deep, planes = _sixteen_bits(picture), {"planarconfig": "separate"}
    rgba = np.dstack([pixels, gray])
    inks = np.asarray(picture.convert("CMYK"))
    colors = np.random.default_rng(0).integers(0, 65536, (3, 256), dtype=np.uint16)
    white, palette = {"photometric": "miniswhite"}, {"photometric": "palette", "colormap": colors}
    return {
        "tif 16 bits planes": _tifffile(deep.transpose(2, 0, 1), **planes),
        "tif 16 bits planes LZW": _tifffile(
            deep.transpose(2, 0, 1), compression="lzw", predictor=True, tile=(16, 32), **planes
        ),
        "tif 16 bits white is zero": _tifffile(deep[:, :, 0], byteorder=">", **white),
        "tif white is zero": _tifffile(gray, compression="packbits", **white),
        "tif large": _tifffile(pixels, bigtiff=True, rowsperstrip=9),
        "tif large tiles": _tifffile(deep, bigtiff=True, tile=(16, 16), byteorder=">"),
        "tif eight bands": _tifffile(np.dstack([rgba, rgba]).transpose(2, 0, 1), **planes),
        "tif alpha": _tifffile(rgba, extrasamples=["assocalpha"]),
        "tif CMYK planes": _tifffile(
            inks.transpose(2, 0, 1), photometric="separated", extrasamples=(), **planes
        ),
        "tif JPEG tiles": _tifffile(pixels, compression="jpeg", tile=(32, 32)),
        "tif JPEG subsampled": _tifffile(pixels, compression="jpeg", subsampling=(2, 2)),
        "tif JPEG planes": _tifffile(pixels.transpose(2, 0, 1), compression="jpeg", **planes),
        "tif Zstandard 16 bits": _tifffile(deep, compression="zstd", predictor=True),
        "tif LZMA tiles": _tifffile(gray, compression="lzma", tile=(16, 16)),
        "tif palette 16 bits": _tifffile(gray, compression="lzw", **palette),
        "tif 4 bits": _tifffile(gray // 16, bitspersample=4),
        "tif 12 bits": _tifffile(deep[:, :, 0] // 16, bitspersample=12),
        "tif signed": _tifffile(deep[:, :, 0].astype(np.int16)),
        "tif floats": _tifffile(pixels.astype(np.float32)),
        "tif YCbCr": _saved(picture.convert("YCbCr"), "TIFF", compression="tiff_lzw"),
        "tif preview": _pages(gray[::3, ::3], gray),
    }


def _pages(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(first, photometric="minisblack", subifds=1, subfiletype=1, metadata=None)
        writer.write(second, photometric="minisblack")
    return stream.getvalue()


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(_sixteen_bits(picture.convert("L")))
    if mode == "LAB":
        return Image.merge("LAB", picture.split())
    return picture.quantize(64) if mode == "P" else picture.convert(mode)


def _tifffile(
    image: NDArray[np.generic], byteorder: str = "<", bigtiff: bool = False, **options: object
) -> bytes:
    stream = io.BytesIO()
    options = {"photometric": "minisblack" if image.ndim == 2 else "rgb", **options}
    with tifffile.TiffWriter(stream, byteorder=byteorder, bigtiff=bigtiff) as writer:
        writer.write(image, **options)
    return stream.getvalue()


def _bmps(picture: Image.Image) -> dict[str, bytes]:
    palette = np.asarray(picture.quantize(16))[::-1]  # rows from below
    rgb = np.asarray(picture)[::-1].astype(np.uint16)
    packed = (rgb[:, :, 0] >> 3 << 11) | (rgb[:, :, 1] >> 2 << 5) | rgb[:, :, 2] >> 3
    rows = np.pad(packed, ((0, 0), (0, WIDTH % 2))).astype("<u2").tobytes()
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    files = {f"bmp {m}": _saved(picture.convert(m), "BMP") for m in ("RGB", "L", "1", "RGBA")}
    return files | {
        "bmp palette": _saved(picture.quantize(64), "BMP"),
        "bmp 565": _bmp(16, 3, masks, rows),
        "bmp RLE8": _bmp(8, 1, bytes(range(256)) * 4, _runs(palette, lambda value: value)),
        "bmp RLE4": _bmp(4, 2, bytes(range(64)), _runs(palette, lambda value: value * 17)),
        "bmp RLE8 literal": _bmp(8, 1, bytes(range(256)) * 4, _literals(palette)),
    }


def _bmp(bits: int, compression: int, palette: bytes, data: bytes) -> bytes:
    start = 14 + 40 + len(palette)
    header = struct.pack(
        "<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, compression, len(data), 0, 0, 0, 0
    )
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data


def _runs(rows: NDArray[np.uint8], coded: Callable[[int], int]) -> bytes:
    data = bytearray()
    for row in rows:
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(row)], strict=True):
            data += bytes([end - start, coded(int(row[start]))])
        data += b"\0\0"
    return bytes(data) + b"\0\1"


def _literals(rows: NDArray[np.uint8]) -> bytes:
    padding = b"\0" * (WIDTH % 2)
    return (
        b"".join(b"\0" + bytes([WIDTH]) + r.tobytes() + padding + b"\0\0" for r in rows) + b"\0\1"
    )


def _gifs(picture: Image.Image) -> dict[str, bytes]:
    frames = [picture.rotate(9), picture.rotate(20)]
    small = _saved(picture.resize((20, 10)).quantize(16), "GIF", interlace=0)
    plain = _saved(picture.quantize(64), "GIF")
    extensions = b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0!\xfe\5words\4more\0!\xf9\4\1\0\0\3\0"
    return {
        "gif": plain,
        "gif extensions": plain[:205] + extensions + plain[205:],
        "gif gray": _saved(picture.convert("L"), "GIF", interlace=0),
        "gif transparent": _saved(picture.quantize(16), "GIF", transparency=3),
        "gif animated": _saved(picture, "GIF", save_all=True, append_images=frames),
        "gif flat": _saved(Image.new("P", (500, 400), 3), "GIF"),
        # A frame in the corner of a larger canvas.
        "gif canvas": small[:6] + struct.pack("<HH", 200, 100) + small[10:],
    }


def _ppms(picture: Image.Image) -> dict[str, bytes]:
    wide = np.asarray(picture).astype(">u2") * 4
    size = b"%d %d" % (WIDTH, HEIGHT)
    return {
        "ppm": _saved(picture, "PPM"),
        "ppm gray": _saved(picture.convert("L"), "PPM"),
        "ppm 10 bits": b"P6 # of a scanner\n" + size + b"\n1023\n" + wide.tobytes(),
        "ppm 16 bits gray": b"P5 " + size + b" 65535\n" + wide[:, :, 0].tobytes(),
    }
