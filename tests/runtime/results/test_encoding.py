"""Pictures of a result as bytes, in files of others and as PIL images."""

import io
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy import OutputError, SegmentationResult, UsageError
from ppmobileseg_deploy.palettes import distinct_palette

KINDS = ("overlay", "color", "legend", "labels", "indexed")


def _result(classes: int = 3, size_hw: tuple[int, int] = (40, 60)) -> SegmentationResult:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, size_hw).astype(np.uint8 if classes <= 256 else np.uint16)
    return SegmentationResult(
        labels=labels,
        names=tuple(f"class {i}" for i in range(classes)),
        palette_rgb=distinct_palette(classes),
        image_bgr=rng.integers(0, 256, (*size_hw, 3), np.uint8),
        path=None,
        speed={},
    )


def _pixels(result: SegmentationResult, kind: str) -> Any:
    if kind in ("labels", "indexed"):
        return result.labels
    return {"overlay": result.plot, "color": result.color, "legend": result.legend}[kind]()


def _decoded(content: bytes) -> Any:
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image)
    return pixels[..., ::-1] if pixels.ndim == 3 else pixels


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_encoded_as_bytes(kind: str) -> None:
    content = _result().encode("png", kind=kind)
    assert type(content) is bytes
    np.testing.assert_array_equal(_decoded(content), _pixels(_result(), kind))


@pytest.mark.parametrize(
    ("spelling", "kind"),
    [
        ("png", "PNG"),
        ("JPG", "JPEG"),
        (".jpeg", "JPEG"),
        ("webp", "WEBP"),
        ("bmp", "BMP"),
        ("tif", "TIFF"),
        ("tiff", "TIFF"),
    ],
)
def test_formats_are_named_as_people_name_them(spelling: str, kind: str) -> None:
    with Image.open(io.BytesIO(_result().encode(spelling))) as image:
        assert (image.format, image.size) == (kind, (60, 40))


def test_encode_takes_the_arguments_of_plot() -> None:
    result = _result()
    content = result.encode("bmp", 0.2, classes=[1], contours=True, label=True)
    expected = result.plot(0.2, classes=[1], contours=True, label=True)
    np.testing.assert_array_equal(_decoded(content), expected)


def test_what_is_left_out_is_transparent_where_the_format_can() -> None:
    left_out = _result().labels != 1
    png = cv2.imdecode(
        np.frombuffer(_result().encode("png", kind="color", classes=[1]), np.uint8),
        cv2.IMREAD_UNCHANGED,
    )
    np.testing.assert_array_equal(png[..., 3] == 0, left_out)
    bmp = _decoded(_result().encode("bmp", kind="color", classes=[1]))
    np.testing.assert_array_equal((bmp == 0).all(axis=-1), left_out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"format": "gif"},
            "expected a format of bmp, jpeg, jpg, png, tif, tiff, webp, found 'gif'",
        ),
        ({"format": None}, "expected a format of bmp, .*, found None"),
        ({"format": ""}, "expected a format of bmp, .*, found ''"),
        ({"kind": "json"}, "expected a picture of overlay, color, labels, .*, found 'json'"),
        (
            {"format": "jpg", "kind": "labels"},
            "expected a file of .png for labels, which keeps class ids exact, found .jpg",
        ),
        ({"opacity": 2.0}, "opacity"),
        ({"classes": "sofa"}, "class names or ids"),
    ],
)
def test_what_cannot_be_encoded_is_one_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _result().encode(**arguments)


def test_a_size_that_a_format_cannot_hold_is_one_error() -> None:
    with pytest.raises(OutputError, match="a WEBP cannot hold 1x17000 pixels"):
        _result(size_hw=(1, 17_000)).encode("webp")


@pytest.mark.parametrize("kind", KINDS)
def test_save_writes_every_kind_to_paths_and_open_files(tmp_path: Path, kind: str) -> None:
    result, stream = _result(), io.BytesIO()
    expected = result.encode("png", kind=kind)
    result.save(tmp_path / "new" / "a.png", kind=kind)
    assert (tmp_path / "new" / "a.png").read_bytes() == expected
    result.save(stream, format="png", kind=kind)
    assert stream.getvalue() == expected
    with (tmp_path / "b.PNG").open("wb") as file:  # an open file's name tells its format, too
        result.save(file, kind=kind)
    assert (tmp_path / "b.PNG").read_bytes() == expected


def test_a_format_that_is_given_counts_more_than_the_name(tmp_path: Path) -> None:
    _result().save(tmp_path / "a.jpg", format="png")
    assert (tmp_path / "a.jpg").read_bytes() == _result().encode("png")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (io.BytesIO(), "expected a format, such as format='png', for a file without a name"),
        ("a", "expected a file of .* for overlay, found no suffix"),
        ("a.gif", "expected a file of .* for overlay, found .gif"),
        (7, "expected a path or a file open for writing bytes, found 7"),
    ],
)
def test_a_file_that_cannot_be_written_to_is_one_error(file: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _result().save(file)


def test_a_file_open_for_text_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a file open for writing bytes, found <_io"):
        _result().save(io.StringIO(), format="png")  # type: ignore[arg-type]


@pytest.mark.parametrize("at_once", [1, 1000])
def test_files_that_take_a_part_at_a_time_get_all(at_once: int) -> None:
    parts = []

    class Raw(io.RawIOBase):
        def write(self, content: Any) -> int:
            parts.append(bytes(content[:at_once]))
            return len(parts[-1])

    _result().save(Raw(), format="png")
    assert b"".join(parts) == _result().encode("png")


def test_a_file_that_takes_nothing_is_an_output_error() -> None:
    class Blocked(io.RawIOBase):
        def write(self, _: Any) -> None:
            return None

    with pytest.raises(OutputError, match=r"cannot write the file: it took 0 of \d+ bytes"):
        _result().save(Blocked(), format="png")


def test_files_that_do_not_tell_what_they_took_are_believed() -> None:
    class Silent:
        parts: ClassVar[list[bytes]] = []

        def write(self, content: Any) -> None:
            self.parts.append(bytes(content))

    _result().save(Silent(), format="png")  # type: ignore[arg-type]
    assert [_result().encode("png")] == Silent.parts


def test_a_full_disk_is_an_output_error() -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="cannot write the file: No space left on device"):
        _result().save(Full(), format="png")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("overlay", "RGB"), ("color", "RGB"), ("legend", "RGB"), ("labels", "L"), ("indexed", "P")],
)
def test_pil_images_hold_what_files_hold(kind: str, mode: str) -> None:
    image = _result().to_pil(kind=kind)
    assert image.mode == mode
    pixels = np.asarray(image)
    expected = _pixels(_result(), kind)
    np.testing.assert_array_equal(pixels[..., ::-1] if pixels.ndim == 3 else pixels, expected)


def test_pil_images_take_the_arguments_of_plot() -> None:
    result = _result()
    image = result.to_pil(0.2, classes=[1], contours=True, label=True)
    expected = result.plot(0.2, classes=[1], contours=True, label=True, color="rgb")
    np.testing.assert_array_equal(np.asarray(image), expected)
    assert result.to_pil(kind="color", classes=[1]).mode == "RGBA"
    assert result.to_pil(kind="indexed").convert("RGB").tobytes() == (
        result.to_pil(kind="color").tobytes()
    )


def test_pil_images_of_many_classes_have_sixteen_bits() -> None:
    result = _result(300)
    np.testing.assert_array_equal(np.asarray(result.to_pil(kind="labels")), result.labels)
    with pytest.raises(UsageError, match="at most 256 classes for indexed"):
        result.to_pil(kind="indexed")
    with pytest.raises(UsageError, match=r"expected a picture of .*, found 'rle'"):
        result.to_pil(kind="rle")


@pytest.mark.parametrize("method", ["plot", "color", "legend"])
def test_channels_come_in_either_order(method: str) -> None:
    draw = getattr(_result(), method)
    np.testing.assert_array_equal(draw(color="rgb"), draw()[..., ::-1])
    with pytest.raises(UsageError, match="expected color to be bgr or rgb, found 'RGB'"):
        draw(color="RGB")


def test_transparent_colours_come_in_either_order() -> None:
    bgra, rgba = (_result().color(classes=[1], color=each) for each in ("bgr", "rgb"))
    np.testing.assert_array_equal(rgba, bgra[..., [2, 1, 0, 3]])
