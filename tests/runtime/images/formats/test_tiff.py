import io
import itertools
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageFilter

from ppmobileseg_deploy.errors import ImageError

CODECS = (None, "lzw", "zlib", "packbits", "zstd", "lzma")


def bands(count: int, dtype: str, size_hw: tuple[int, int] = (45, 70)) -> np.ndarray:
    """(height, width, count); every band another ramp over all values of its type."""
    rows, columns = np.mgrid[: size_hw[0], : size_hw[1]]
    ramps = [
        (columns * 3 * (band + 1) + rows * (5 - band % 5) + 40 * band) % 256 / 255
        for band in range(count)
    ]
    full = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 3.5
    return (np.dstack(ramps) * full).astype(dtype)


def written(pixels: np.ndarray, *, order: str = "<", big: bool = False, **options) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, byteorder=order, bigtiff=big) as writer:
        writer.write(pixels, **options)
    return stream.getvalue()


def stored(content: bytes) -> np.ndarray:
    """What tifffile reads, (height, width, bands)."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages[0]
        pixels = page.asarray()
        return pixels.transpose(1, 2, 0) if page.planarconfig == 2 else np.atleast_3d(pixels)


def shown(values: np.ndarray, photometric: str) -> np.ndarray:
    """How numbers of 8 or 16 bits look: RGB of 8 bits."""
    high = (values >> (8 * values.itemsize - 8)).astype(np.uint8)
    if photometric == "rgb":
        return high[:, :, :3]
    if photometric == "separated":
        inks = [Image.fromarray(high[:, :, each]) for each in range(4)]
        return np.asarray(Image.merge("CMYK", inks).convert("RGB"))
    gray = high[:, :, :1]
    return np.repeat(255 - gray if photometric == "miniswhite" else gray, 3, axis=2)


def every_way(dtype: str, count: int, photometric: str, planes: str):
    """The same picture in strips and tiles, of every codec, order of bytes and size of offsets."""
    pixels = bands(count, dtype)
    pixels = pixels.transpose(2, 0, 1) if planes == "separate" else pixels.squeeze()
    for tile, codec, predictor, order, big in itertools.product(
        (None, (32, 16)), CODECS, (False, True), "<>", (False, True)
    ):
        if (predictor and codec in (None, "packbits")) or (big and codec not in (None, "lzw")):
            continue
        options = {"tile": tile} if tile else {"rowsperstrip": 13}
        if count > 1:
            options["planarconfig"] = planes
        yield written(
            pixels,
            order=order,
            big=big,
            photometric=photometric,
            compression=codec,
            predictor=predictor or None,
            extrasamples=["unspecified"] * (count - NUMBERS_OF[photometric]),
            **options,
        )


NUMBERS_OF = {"minisblack": 1, "miniswhite": 1, "rgb": 3, "separated": 4}
READ = [
    *itertools.product(("u1", "u2"), (1,), ("minisblack", "miniswhite"), ("contig",)),
    *itertools.product(("u1", "u2"), (3, 4, 5, 8), ("rgb",), ("separate",)),
    *itertools.product(("u1", "u2"), (4, 6), ("separated",), ("separate",)),
    *itertools.product(("u1",), (3, 4, 5, 6), ("rgb",), ("contig",)),
    *itertools.product(("u2",), (3, 4), ("rgb",), ("contig",)),
    *itertools.product(("u1",), (4, 5), ("separated",), ("contig",)),
    ("u2", 4, "separated", "contig"),
]


@pytest.mark.parametrize(("dtype", "count", "photometric", "planes"), READ)
def test_what_is_read_is_what_tifffile_reads(dtype, count, photometric, planes, read):
    for content in every_way(dtype, count, photometric, planes):
        expected = shown(stored(content), photometric)
        np.testing.assert_array_equal(read(content), expected)


REFUSED = [
    *itertools.product(("u4", "i1", "i2", "i4", "f2", "f4", "f8"), (1, 3), ("minisblack",)),
    *itertools.product(("u4", "i2", "f2", "f4"), (3, 5), ("rgb",)),
    *itertools.product(("u1", "u2"), (2, 3, 4, 8), ("minisblack", "miniswhite")),
]


@pytest.mark.parametrize(("dtype", "count", "photometric"), REFUSED)
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_what_is_not_read_is_refused_by_what_it_is(dtype, count, photometric, planes, read):
    pixels = bands(count, dtype)
    pixels = pixels.transpose(2, 0, 1) if planes == "separate" else pixels
    for order, codec in itertools.product("<>", (None, "zlib")):
        content = written(
            pixels.squeeze(),
            order=order,
            photometric=photometric,
            compression=codec,
            **({"planarconfig": planes} if count > 1 else {}),
        )
        with pytest.raises(
            ImageError, match=rf"found a TIFF file of {count} x \d+ bits"
        ) as raised:
            read(content)
        assert "damaged" not in str(raised.value)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({262: 4}, "expected gray, RGB, CMYK, YCbCr, Lab or a palette, found .* a transparency"),
        ({262: 32803}, "found a TIFF file of .* a camera's colour filters"),
        ({262: 12345}, "photometric 12345"),
        ({339: 3}, "expected whole numbers, none of them below 0, found .*floating point"),
        ({258: 10}, "expected 1, 2, 4, 8, 12 or 16 bits a sample, found .* 1 x 10 bits"),
        ({258: (5, 6, 5), 277: 3, 262: 2}, "expected 8 or 16 bits a sample, found .* 3 x 5/6/5"),
        ({277: 2, 258: (8, 8)}, "expected one gray band, or bands that the file calls colours"),
        ({277: 2, 262: 2, 258: (8, 8)}, "expected 3 samples a pixel, found .* 2 x 8 bits"),
        (
            {277: 7, 262: 2},
            "expected at most 6 samples a pixel, or plane by plane, found .* 7 x 8",
        ),
        ({277: 5, 262: 5, 332: 2}, "expected gray, RGB, CMYK.*separations"),
        ({259: 34712}, "expected no compression, LZW,.* JPEG 2000"),
        ({259: 6}, "old JPEG"),
        ({259: 4}, "expected no compression, LZW,.*found .* 1 x 8 bits .* fax"),
        ({317: 2}, "expected differences to the left only where they are compressed"),
        ({317: 3, 259: 5}, "expected differences to the left only where they are compressed"),
        ({258: 12, 266: 2}, "expected the first bit of a byte first"),
        ({262: 6, 277: 3}, "expected YCbCr as in JPEG, every pixel with its own colour"),
        ({32997: 3}, "expected a TIFF file of two dimensions, found one of three"),
        ({254: 1, 330: 8}, "expected the picture on a TIFF file's first page, found a smaller"),
    ],
)
def test_a_refusal_says_what_was_expected(tags, message, tiff, read):
    with pytest.raises(ImageError, match=f"^cannot read x: .*{message}") as raised:
        read(tiff([bytes(45 * 70 * 8)], tags))
    assert "damaged" not in str(raised.value)


def packed(values: np.ndarray, bits: int) -> bytes:
    """Numbers of so many bits, every row filled up to a byte."""
    each = values[:, :, None] >> np.arange(bits - 1, -1, -1) & 1
    return np.packbits(each.astype(np.uint8).reshape(len(values), -1), axis=1).tobytes()


PACKERS = {
    1: bytes,
    5: imagecodecs.lzw_encode,
    8: zlib.compress,
    32773: imagecodecs.packbits_encode,
    50000: imagecodecs.zstd_encode,
}


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_gray_of_every_depth_is_what_tifffile_reads(bits, order, tiff, read):
    values = np.random.default_rng(bits).integers(0, 1 << bits, (45, 70))
    full = (1 << bits) - 1
    expected = (values >> bits - 8 if bits >= 8 else values * 255 // full).astype(np.uint8)
    for codec, photometric in itertools.product(PACKERS, (0, 1)):
        data = values.astype(f"{order}u2").tobytes() if bits == 16 else packed(values, bits)
        tags = {258: bits, 259: codec, 262: photometric}
        content = tiff([PACKERS[codec](data)], tags, order=order)
        np.testing.assert_array_equal(stored(content)[:, :, 0], values)
        gray = 255 - expected if photometric == 0 else expected
        np.testing.assert_array_equal(read(content), np.repeat(gray[:, :, None], 3, axis=2))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_give_the_upper_bytes_of_their_colours(bits, tiff, read):
    rng = np.random.default_rng(bits)
    values = rng.integers(0, 1 << bits, (45, 70))
    colors = rng.integers(0, 65536, (3, 1 << bits))
    for order, codec in itertools.product("<>", PACKERS):
        tags = {258: bits, 259: codec, 262: 3, 320: colors.ravel().tolist()}
        content = tiff([PACKERS[codec](packed(values, bits))], tags, order=order)
        np.testing.assert_array_equal(read(content), (colors[:, values] >> 8).transpose(1, 2, 0))


def test_a_palette_of_bytes_is_not_black(tiff, read):
    values = np.random.default_rng(0).integers(0, 256, (45, 70))
    colors = np.random.default_rng(1).integers(0, 256, (3, 256))
    content = tiff([packed(values, 8)], {262: 3, 320: colors.ravel().tolist()})
    np.testing.assert_array_equal(read(content), colors[:, values].transpose(1, 2, 0))


@pytest.mark.parametrize("codec", [1, 5, 32773])
def test_reversed_bits_are_what_tifffile_reads(codec, tiff, read):
    values = np.random.default_rng(0).integers(0, 16, (45, 70))
    data = PACKERS[codec](packed(values, 4))
    backwards = bytes(int(f"{each:08b}"[::-1], 2) for each in data)
    content = tiff([backwards], {258: 4, 259: codec, 266: 2})
    np.testing.assert_array_equal(stored(content)[:, :, 0], values)
    np.testing.assert_array_equal(read(content)[:, :, 0], values * 17)


@pytest.mark.parametrize("codec", ["group3", "group4", "tiff_ccitt"])
def test_fax_is_black_on_white(codec, saved, read, rgb):
    black = Image.fromarray(rgb).convert("1")
    found = read(saved(black, "TIFF", compression=codec))
    np.testing.assert_array_equal(found, np.asarray(black.convert("RGB")))


@pytest.mark.parametrize("tile", [None, (32, 32)])
@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
def test_jpeg_is_what_tifffile_reads(tile, subsampling, read, rgb):
    smooth = np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(3)))
    options = {"photometric": "rgb", "compression": "jpeg", "tile": tile}
    content = written(smooth, subsampling=subsampling, **options)
    assert np.abs(read(content).astype(int) - stored(content)).max() <= 2  # two builds of libjpeg
    as_rgb = written(smooth, compressionargs={"outcolorspace": "rgb"}, **options)
    assert np.abs(read(as_rgb).astype(int) - stored(as_rgb)).max() <= 1


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "rgb", "separated"])
def test_jpeg_of_planes_is_what_tifffile_reads(photometric, read):
    count = NUMBERS_OF[photometric]
    pixels = bands(count, "u1").transpose(2, 0, 1)
    options = {"planarconfig": "separate"} if count > 1 else {}
    content = written(pixels.squeeze(), photometric=photometric, compression="jpeg", **options)
    expected = shown(stored(content), photometric).astype(int)
    assert np.abs(read(content) - expected).max() <= 2


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_colours_beneath_alpha_are_shown(dtype, planes, read):
    pixels = bands(4, dtype)
    for kind in ("unassalpha", "assocalpha"):
        if kind == "assocalpha":  # three quarters opaque, so that colours are divided by that
            pixels[:, :, 3] = np.iinfo(dtype).max // 4 * 3
            pixels[:, :, :3] = pixels[:, :, :3] // 4 * 3
        laid = pixels.transpose(2, 0, 1) if planes == "separate" else pixels
        content = written(laid, photometric="rgb", planarconfig=planes, extrasamples=[kind])
        expected = shown(bands(3, dtype), "rgb").astype(int)
        assert np.abs(read(content) - expected).max() <= (3 if kind == "assocalpha" else 0)


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_gray_with_alpha_is_gray(photometric, planes, read):
    pixels = bands(2, "u1")
    laid = pixels.transpose(2, 0, 1) if planes == "separate" else pixels
    options = {"photometric": photometric, "extrasamples": ["unassalpha"]}
    content = written(laid, planarconfig=planes, **options)
    np.testing.assert_array_equal(read(content), shown(pixels, photometric))


@pytest.mark.parametrize("codec", ["raw", "tiff_lzw"])
def test_ycbcr_without_subsampling_is_converted_as_in_jpeg(codec, saved, read, rgb):
    ycbcr = Image.fromarray(rgb).convert("YCbCr")
    expected = np.asarray(ycbcr.convert("RGB")).astype(int)
    np.testing.assert_array_equal(read(saved(ycbcr, "TIFF", compression=codec)), expected)


def test_lab_colours_are_those_of_littlecms(read, saved, rgb):
    smooth = Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(3))
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(smooth, srgb, lab, outputMode="LAB")
    found = read(saved(converted, "TIFF")).astype(int)
    assert np.abs(found - np.asarray(smooth)).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_planes_are_turned_as_pixels_are(orientation, read, rgb):
    tag = [(274, 3, 1, orientation, True)]
    pixels = written(rgb, photometric="rgb", extratags=tag)
    planes = written(
        rgb.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", extratags=tag
    )
    expected = {1: rgb, 2: rgb[:, ::-1], 3: rgb[::-1, ::-1], 4: rgb[::-1]}
    turned = {5: rgb, 6: rgb[::-1], 7: rgb[::-1, ::-1], 8: rgb[:, ::-1]}
    expected |= {number: each.transpose(1, 0, 2) for number, each in turned.items()}
    np.testing.assert_array_equal(read(pixels), expected[orientation])
    np.testing.assert_array_equal(read(planes), expected[orientation])


def test_of_several_pages_and_sizes_the_first_is_read(read, rgb):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(rgb, photometric="rgb", subifds=1, metadata=None)
        writer.write(rgb[::2, ::2], photometric="rgb", subfiletype=1)
        writer.write(255 - rgb, photometric="rgb", metadata=None)
    np.testing.assert_array_equal(read(stream.getvalue()), rgb)


def test_a_thumbnail_before_the_picture_is_not_taken_for_it(read, rgb):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(rgb[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(rgb, photometric="rgb", metadata=None)
    with pytest.raises(ImageError, match="found a smaller version of it"):
        read(stream.getvalue())


def test_profiles_and_descriptions_do_not_matter(read, rgb):
    content = written(
        rgb, photometric="rgb", iccprofile=b"no profile" * 99, description="d" * 2_000_000
    )
    np.testing.assert_array_equal(read(content), rgb)


def test_the_byte_count_of_the_only_strip_may_be_missing(tiff, read, rgb):
    gray = np.ascontiguousarray(rgb[:, :, 0])
    for codec, data in ((1, gray.tobytes()), (8, zlib.compress(gray.tobytes()))):
        content = tiff([data], {259: codec, 279: 0})
        np.testing.assert_array_equal(read(content)[:, :, 0], gray)


def test_lines_of_the_lowest_tiles_beyond_the_page_may_be_missing(read, rgb):
    content = written(rgb, photometric="rgb", tile=(32, 32), metadata=None)
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages[0]
        end = page.dataoffsets[-1] + page.databytecounts[-1]
    assert end == len(content)
    needed = 32 * 3 * (45 - 32)
    np.testing.assert_array_equal(read(content[: end - 32 * 32 * 3 + needed]), rgb)
    with pytest.raises(ImageError, match="found a damaged one"):
        read(content[: end - 32 * 32 * 3 + needed - 1])


def test_a_zlib_stream_without_its_checksum_has_all_pixels(read, rgb):
    content = written(rgb, photometric="rgb", compression="zlib", metadata=None)
    np.testing.assert_array_equal(read(content[:-4]), rgb)


HOSTILE = {
    "a tile of two gigabytes": (
        [bytes(100)],
        {259: 5, 322: 46000, 323: 46000},
        r"expected tiles of about the size of the picture, 45x70 pixels, found 46000x46000",
    ),
    "a tile that is nothing": ([bytes(100)], {322: 0, 323: 16}, "tiles or strips of 16x0"),
    "a strip of no lines": ([bytes(100)], {278: 0}, "tiles or strips of 0x70"),
    "strips of one line each": (
        [bytes(70)],
        {256: 16, 257: 1_000_000, 278: 1},
        "expected at most 262144 strips in a TIFF file, found 1000000",
    ),
    "strips that are not there": ([bytes(70)], {278: 1}, "1 of 45 strips"),
    "strips in one place": (
        [bytes(70 * 45)],
        {259: 5, 278: 1, 273: range(8, 8 + 45), 279: [3000] * 45},
        "strips or tiles that lie where others do",
    ),
    "a strip beyond the end": ([bytes(9)], {259: 5, 273: 2**31}, "beyond the end"),
    "a strip of another size": ([bytes(70)], {}, "beyond the end"),
    "no samples": ([bytes(70)], {277: 0}, "0 samples"),
    "thousands of samples": ([bytes(70)], {277: 65535, 284: 2}, "65535 samples"),
    "no pixels": ([bytes(70)], {256: 0}, "pixels"),
    "more pixels than anybody wants": (
        [bytes(70)],
        {256: 2**31, 257: 2**31},
        "expected 1 to 200000000 pixels",
    ),
    "a palette that is too short": ([bytes(3150)], {262: 3, 320: range(9)}, "a palette of 9"),
    "a palette that is too long": ([bytes(3150)], {262: 3, 320: range(2000)}, "tag 320"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_lengths_in_a_header_are_checked_before_a_decoder_acts_on_them(kind, tiff, read):
    segments, tags, message = HOSTILE[kind]
    for order, big in (("<", False), (">", True)):
        with pytest.raises(ImageError, match=message):
            read(tiff(segments, tags, order=order, big=big))


def test_strips_of_one_colour_may_share_their_place(tiff, read):
    # Some programs write an empty strip once.
    content = tiff([bytes([7] * 70)], {278: 1, 273: [8] * 45, 279: [70] * 45})
    assert (read(content) == 7).all()


def test_entries_that_nobody_asks_for_cost_nothing(tiff, read):
    # Each says that it is all of the file; read, they would be 60 GB.
    entries = 4000
    content = bytearray(tiff([bytes(45 * 70), bytes(15_000_000)], {278: 45}))
    directory = struct.unpack_from("<I", content, 4)[0]
    (count,) = struct.unpack_from("<H", content, directory)
    table = content[directory + 2 : directory + 2 + 12 * count]
    more = b"".join(
        struct.pack("<HHII", 40000 + each, 1, 15_000_000, 8) for each in range(entries)
    )
    end = struct.pack("<H", count + entries) + bytes(table) + more + bytes(4)
    struct.pack_into("<I", content, 4, len(content))
    assert read(bytes(content) + end).shape == (45, 70, 3)


def test_a_directory_that_leads_to_itself_is_no_loop(tiff, read):
    content = tiff([bytes([9] * 45 * 70)], {}, next_page=8)
    assert (read(content) == 9).all()


def test_a_compression_that_pillow_was_built_without_is_no_damage(tiff, read, monkeypatch):
    from ppmobileseg_deploy.runtime.images.formats import tiff as module

    def fails(*arguments, **options):
        raise OSError("decoder error -2")

    content = tiff([imagecodecs.zstd_encode(bytes(3150))], {259: 50000})
    monkeypatch.setattr(module.TiffImagePlugin.TiffImageFile, "load", fails)
    with pytest.raises(ImageError, match=r"found a damaged one \(decoder error -2"):
        read(content)
    monkeypatch.setattr(Image.Image, "save", fails)
    with pytest.raises(ImageError, match=r"found .* Zstandard; pip install -U pillow brings one"):
        read(content)


def test_jpeg_in_a_tiff_of_another_size_is_an_error(tiff, read, saved):
    large = saved(Image.new("L", (3000, 3000)), "JPEG")
    with pytest.raises(ImageError, match="found a damaged one"):
        read(tiff([large], {259: 7}))


@pytest.mark.parametrize("codec", ["zstd", "lzma", "lzw", "zlib", "packbits"])
def test_a_large_page_of_one_colour_is_small_and_whole(codec, read):
    content = written(
        np.full((4100, 4000), 77, np.uint8), photometric="minisblack", compression=codec
    )
    assert len(content) < 4100 * 4000 / 50
    assert (read(content) == 77).all()


@pytest.mark.parametrize(
    ("tags", "bits"), [({259: 50000}, 16), ({259: 34925}, 8), ({259: 4}, 1), ({259: 2}, 1)]
)
def test_a_page_larger_than_its_codec_can_make_it_is_refused(tags, bits, tiff, read):
    size_hw = (30_000, 6000) if bits == 1 else (12_000, 16_000)
    with pytest.raises(ImageError, match=r"expected at least \d+ bytes for"):
        read(tiff([bytes(3000)], {258: bits, **tags}, size_hw=size_hw))
