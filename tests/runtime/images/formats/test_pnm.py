import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError


@pytest.mark.parametrize("most", [1, 3, 100, 254, 255, 256, 1000, 4095, 65534, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_values_are_scaled_to_the_largest(most, channels, read):
    values = np.linspace(0, most, 4 * 6 * channels).astype(int).reshape(4, 6, channels)
    data = values.astype(">u2" if most > 255 else "u1").tobytes()
    content = b"P%d 6 4 %d\n" % (6 if channels == 3 else 5, most) + data
    exact = values / most * 255
    found = read(content)
    assert np.abs(found - exact).max() <= (1 if most > 255 else 0.5)
    assert found.max() == 255


def test_of_sixteen_bits_the_upper_byte_is_kept(read):
    assert read(b"P5 2 1 65535\n\x12\xff\xab\x00")[0, :, 0].tolist() == [0x12, 0xAB]


@pytest.mark.parametrize(
    "header",
    [
        b"P5\n2 1\n255\n",
        b"P5 2 1 255 ",
        b"P5#comment\n# another # one\r2#\n1\t255\n",
        b"P5\n#" + b"x" * 60_000 + b"\n2 1 255\n",
        b"P5 2 1 255#comment\n\n",
    ],
)
def test_comments_are_stepped_over(header, read):
    assert read(header + b"\x07\xfe")[0, :, 0].tolist() == [7, 254]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"P5 2 1 255\n\1", "found a damaged one"),
        (b"P5 2 1", "no header"),
        (b"P5 x 1 255\n\1\1", "no header"),
        (b"P5 " + b"#" * 200_000, "no header"),
        (b"P5 " + b"# \n" * 100_000, "no header"),
        (b"P5 2 1 0\n\1\1", "values up to 0"),
        (b"P5 2 1 65536\n\1\1", "values up to 65536"),
        (b"P5 0 1 255\n", "expected 1 to 200000000 pixels, found 1x0"),
        (b"P6 20000 20000 255\n", "expected 1 to 200000000 pixels"),
        (b"P6 12000 12000 255\n", "expected at least 432000000 bytes"),
    ],
)
def test_damage_is_one_error(content, message, read):
    with pytest.raises(ImageError, match=message):
        read(content)


def test_large_pictures_are_read_in_bands(read):
    values = np.random.default_rng(0).integers(0, 256, (1500, 1000, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read(b"P6 1000 1500 255\n" + values.tobytes()), values)
