"""Whatever a user has of an image is segmented; what is no image names the call that takes it."""

import io
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy import ImageError, OrtSegmenter, UsageError
from ppmobileseg_deploy.cache import official_model_path
from ppmobileseg_deploy.runtime.images import files
from ppmobileseg_deploy.runtime.picture import Picture

IMAGE_BGR = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
PNG = cv2.imencode(".png", IMAGE_BGR)[1].tobytes()


def _read(image, max_pixels=1000):
    return Picture.of(image, "bgr", max_pixels)


class Pipe(io.BytesIO):
    """Gives a few bytes at a time and cannot be rewound, like the answer of a server."""

    def seek(self, *_):
        raise io.UnsupportedOperation("seek")

    def read(self, size=-1):
        return super().read(min(size, 7))


@pytest.fixture
def spooled():
    with tempfile.SpooledTemporaryFile() as file:  # what web frameworks hand over
        file.write(PNG)  # and is not rewound
        yield file


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO, Pipe])
def test_encoded_images_are_read_from_memory(kind):
    picture = _read(kind(PNG))
    assert picture.path is None
    np.testing.assert_array_equal(picture.image_bgr, IMAGE_BGR)


def test_encoded_images_are_read_from_open_files(tmp_path, spooled):
    np.testing.assert_array_equal(_read(spooled).image_bgr, IMAGE_BGR)
    (tmp_path / "a.png").write_bytes(PNG)
    with (tmp_path / "a.png").open("rb") as file:
        file.read(5)
        np.testing.assert_array_equal(_read(file).image_bgr, IMAGE_BGR)
        assert not file.closed


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "cannot read the image: expected an image, found an empty file"),
        (b"hello there", "cannot read the image: expected a JPEG, .* starts with b'hello there'"),
        (PNG[:100], "cannot read the image: expected a complete PNG file, found a damaged one"),
        (io.BytesIO(PNG[:9]), "cannot read the open file: "),
        (io.StringIO("text"), "cannot read the open file: expected bytes, found a file of text"),
    ],
)
def test_damaged_images_in_memory_are_one_error(image, message):
    with pytest.raises(ImageError, match=message):
        _read(image)


def test_a_closed_file_is_one_error_that_names_it(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with path.open("rb") as file:
        pass
    with pytest.raises(ImageError, match=r"cannot read .*a\.png: .*closed file"):
        _read(file)


def test_a_file_without_end_is_not_read_to_its_end(monkeypatch):
    class Endless(Pipe):
        def read(self, size=-1):
            return b"\xff" * size

    monkeypatch.setattr(files, "MOST_BYTES", 3 << 20)
    with pytest.raises(ImageError, match="expected at most 3145728 bytes"):
        _read(Endless())


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "pil"])
def test_images_of_too_many_pixels_are_refused(tmp_path, kind):
    (tmp_path / "a.png").write_bytes(PNG)
    image = {
        "path": tmp_path / "a.png",
        "bytes": PNG,
        "file": io.BytesIO(PNG),
        "pil": Image.open(io.BytesIO(PNG)),
    }[kind]
    with pytest.raises(ImageError, match="599 pixels, found 20x30"):
        _read(image, max_pixels=599)
    np.testing.assert_array_equal(_read(image, max_pixels=600).image_bgr, IMAGE_BGR)


def test_arrays_are_in_memory_whatever_their_size():
    assert _read(IMAGE_BGR, max_pixels=1).image_bgr is IMAGE_BGR


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("clip.mp4", r"found a video: segmenter\.stream\('clip\.mp4'\) segments its frames"),
        (Path("clip.mp4"), r"found a video: segmenter\.stream\('clip\.mp4'\) segments its frames"),
        ("in", r"found a folder: segmenter\.stream\('in'\) segments what is in it"),
        ("list.txt", r"a text file: segmenter\.stream\('list\.txt'\) segments the files it lists"),
        (
            "*.jpg",
            r"found a pattern: segmenter\.stream\('\*\.jpg'\) segments the files that match",
        ),
        ("%05d.png", r"found a pattern: segmenter\.stream\('%05d\.png'\)"),
        ("https://x.org/a.jpg", r"an address: segmenter\.stream\('https://x\.org/a\.jpg'\) fetch"),
        ("missing.mp4", "cannot read missing.mp4: no such file"),
        ("missing.jpg", "cannot read missing.jpg: no such file"),
        (None, r"found None, which is what cv2\.imread gives for a file that it cannot read"),
        (["a.jpg"], r"found a list: segmenter\.batch\(images\) or segmenter\.stream\(images\)"),
        ((IMAGE_BGR, IMAGE_BGR), r"found a tuple: segmenter\.batch\(images\)"),
        (iter([]), r"found a list_iterator: segmenter\.batch\(images\)"),
        (0, r"found 0: segmenter\.stream\(0\) reads a camera"),
        (1.5, "expected one image .*, found 1.5"),
    ],
)
def test_what_is_no_image_names_the_call_that_takes_it(tmp_path, monkeypatch, image, message):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    Path("list.txt").write_text("a.jpg\n")
    with pytest.raises(ImageError, match=message):
        _read(image)


def test_the_segmenter_and_its_streams_have_a_limit(rgb_model, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    small, large = OrtSegmenter(rgb_model, max_pixels=599), OrtSegmenter(rgb_model)
    for call in (
        lambda: small(path),
        lambda: small.batch([PNG]),
        lambda: list(small.stream(path)),
        lambda: list(small.stream([PNG])),
        lambda: list(large.stream(path, max_pixels=599)),
        lambda: list(large.stream([io.BytesIO(PNG)], max_pixels=599)),
    ):
        with pytest.raises(ImageError, match="599 pixels, found 20x30"):
            call()
    expected = large(IMAGE_BGR).labels
    for results in (
        small.stream(path, max_pixels=600),
        small.stream(PNG, max_pixels=600),
        large.stream(io.BytesIO(PNG)),
        large.batch([PNG, io.BytesIO(PNG)])[1:],
    ):
        (result,) = results
        np.testing.assert_array_equal(result.labels, expected)
    for value in (0, -1, 1.5, True, None, "9"):
        with pytest.raises(UsageError, match="expected max_pixels of 1 or more, found"):
            OrtSegmenter(rgb_model, max_pixels=value)
    with pytest.raises(UsageError, match="expected max_pixels of 1 or more, found 0"):
        large.stream(path, max_pixels=0)


def test_official_models_are_found_by_name(rgb_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="the official model tiny is not here yet: run `ppms-exp"):
        OrtSegmenter("tiny")
    Path("tiny").mkdir()  # a folder of that name is no model
    cached = official_model_path("tiny")
    cached.parent.mkdir(parents=True)
    cached.write_bytes(rgb_model.read_bytes())
    np.testing.assert_array_equal(
        OrtSegmenter("tiny")(IMAGE_BGR).labels, OrtSegmenter(rgb_model)(IMAGE_BGR).labels
    )


def test_a_file_of_an_official_model_s_name_goes_first(rgb_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    Path("tiny").write_bytes(rgb_model.read_bytes())
    assert OrtSegmenter("tiny").output == "labels"
