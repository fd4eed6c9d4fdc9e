import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco

from ppmobileseg_deploy.runtime.drawing.selection import Selection
from ppmobileseg_deploy.runtime.results import run_lengths
from ppmobileseg_deploy.runtime.results.run_lengths import Runs, compress

# pycocotools 2.0.11 and before, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")


def _noise(height: int, width: int, classes: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height).integers(0, classes, (height, width), dtype=np.uint8)


def _blocks(height: int, width: int) -> NDArray[np.uint8]:
    return np.kron(_noise(7, 5, 6), np.ones((height, width), np.uint8))


LABELS = {
    "one pixel": np.zeros((1, 1), np.uint8),
    "one row": _noise(1, 9, 2),
    "one column": _noise(9, 1, 2),
    "noise": _noise(23, 31, 3),
    "large areas": _blocks(60, 70),
    "many classes": np.arange(600, dtype=np.uint16).reshape(20, 30),
    "one class": np.full((40, 50), 3, np.uint8),
    "a row at the top and one at the bottom": np.eye(4, 6, dtype=np.uint8)[[0, 3, 3, 0]],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("band_pixels", [1, 50, 1 << 20])
def test_boxes_and_counts_are_those_of_each_mask(
    labels: NDArray[np.uint8], band_pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lengths, "_BAND_PIXELS", band_pixels)
    runs = Runs.of(Selection(labels))
    for class_id in np.unique(labels)[:50].tolist():
        mask = labels == class_id
        rows, columns = np.nonzero(mask)
        expected = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert runs.box(class_id) == expected
        encoded = coco.encode(np.asfortranarray(mask, np.uint8))
        counts = runs.coco_counts(class_id)
        assert counts == encoded["counts"].decode()
        decoded = coco.decode({"size": list(runs.size_hw), "counts": counts})
        assert np.array_equal(decoded, mask)


def test_strided_labels_are_read_as_they_look() -> None:
    labels = _noise(20, 30, 3)[::2, ::-3]
    again = np.ascontiguousarray(labels)
    assert Runs.of(Selection(labels)).coco_counts(1) == Runs.of(Selection(again)).coco_counts(1)


def test_a_class_that_is_absent_is_one_long_run_of_others() -> None:
    counts = Runs.of(Selection(np.zeros((3, 4), np.uint8))).coco_counts(9)
    assert not coco.decode({"size": [3, 4], "counts": counts}).any()


@pytest.mark.parametrize(
    ("lengths", "text"),
    [
        ([], ""),
        ([0], "0"),
        ([15], "?"),
        ([16], "`0"),
        ([0, 12], "0<"),
        ([5, 5, 5, 5, 5], "55500"),
        ([5, 5, 5, 4], "555O"),
    ],
)
def test_compression_by_hand(lengths: list[int], text: str) -> None:
    assert compress(np.array(lengths, np.int64)) == text


def test_lengths_of_huge_images_survive() -> None:
    lengths = [1, 2**29, 2, 3, 2**28 - 1, 2**20, 0, 2**24]
    size = [1, sum(lengths)]
    expected = coco.frPyObjects({"size": size, "counts": lengths}, *size)["counts"]
    assert compress(np.array(lengths, np.int64)) == expected.decode()


@pytest.mark.parametrize("band_pixels", [1, 50, 1 << 20])
def test_pixels_that_are_left_out_belong_to_no_run(
    band_pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lengths, "_BAND_PIXELS", band_pixels)
    labels = np.full((20, 30), 255, np.uint8)
    labels[5:] = _noise(15, 30, 256)
    confidence = np.random.default_rng(0).random((20, 30), np.float32)
    selection = Selection(labels, None, confidence, 0.5)
    runs = Runs.of(selection)
    for class_id, pixels in selection.present():
        mask = (labels == class_id) & (confidence >= 0.5)
        assert mask.sum() == pixels
        decoded = coco.decode({"size": [20, 30], "counts": runs.coco_counts(class_id)})
        assert np.array_equal(decoded, mask)
