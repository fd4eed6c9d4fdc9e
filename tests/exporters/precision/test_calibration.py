from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.exporters.precision.calibration import (
    MAX_IMAGES,
    CalibrationReader,
    CalibrationSet,
)
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.preprocessing import Preprocessing


def make_images(folder: Path, names: list[str]) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6)).save(path)
    return folder


def test_every_fourth_image_is_held_out(tmp_path: Path) -> None:
    images = make_images(tmp_path, [f"{i}.png" for i in range(8)] + [".hidden.png"])
    (images / "notes.txt").write_text("")
    found = CalibrationSet.find(images)
    assert [p.name for p in found.held_out] == ["1.png", "5.png"]
    assert [p.name for p in found.calibrating] == [f"{i}.png" for i in (0, 2, 3, 4, 6, 7)]
    assert found.held_out_labels == ()


def test_labels_are_those_of_the_held_out_images(tmp_path: Path) -> None:
    images = make_images(tmp_path / "images", [f"town/{i}.jpg" for i in range(3)])
    labels = make_images(tmp_path / "labels", [f"town/{i}.png" for i in range(3)])
    found = CalibrationSet.find(images, labels, reduce_zero_label=True)
    assert found.held_out == (images / "town/1.jpg",)
    assert found.held_out_labels == (labels / "town/1.png",)
    assert found.reduce_zero_label


def test_of_many_images_some_are_taken_from_all_over(tmp_path: Path) -> None:
    folder = make_images(tmp_path, [f"{i:04}.png" for i in range(MAX_IMAGES + 100)])
    found = CalibrationSet.find(folder)
    taken = sorted(found.calibrating + found.held_out)
    assert len(set(taken)) == MAX_IMAGES
    assert (taken[0].name, taken[-1].name) == ("0000.png", "0298.png")


@pytest.mark.parametrize(
    ("names", "message"), [([], "found none"), (["a.png"], "found 1"), (None, "found none at")]
)
def test_too_few_images(names: list[str] | None, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere" if names is None else make_images(tmp_path, names)
    with pytest.raises(UsageError, match=message):
        CalibrationSet.find(folder)


@pytest.mark.parametrize(
    ("calibrating", "held_out", "labels", "message"),
    [
        ("", "b", "", "found 0 and 1"),
        ("a", "", "", "found 1 and 0"),
        ("abc", "bd", "", "to be held out, found b twice"),
        ("a", "bc", "b", "none or all of 2 held-out images, found 1"),
    ],
)
def test_held_out_images_are_apart_from_the_others(
    calibrating: str, held_out: str, labels: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        CalibrationSet(*(tuple(map(Path, names)) for names in (calibrating, held_out, labels)))


def test_reader_prepares_images_as_the_runtime_does(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    preprocess = Preprocessing.from_metadata(ModelMetadata())
    reader = CalibrationReader([tmp_path / "a.png"], preprocess)
    feed = reader.get_next()
    assert feed is not None
    expected = preprocess(np.ascontiguousarray(image[..., ::-1])).tensor
    np.testing.assert_array_equal(feed.pop("input"), expected)
    assert not feed
    assert reader.get_next() is None
