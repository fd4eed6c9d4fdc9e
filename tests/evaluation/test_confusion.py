import math

import numpy as np
import pytest
from sklearn import metrics

from ppmobileseg_deploy.evaluation import ConfusionMatrix


def random_labels(seed: int, classes: int, size: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, size)
    return truth, np.where(rng.random(size) < 0.6, truth, rng.integers(0, classes, size))


@pytest.mark.parametrize("classes", [2, 19, 150, 300])
def test_figures_are_those_of_scikit_learn_to_the_last_digit(classes):
    truth, found = random_labels(classes, classes)
    confusion = ConfusionMatrix(classes)
    confusion.update(
        truth.astype(np.uint16).reshape(100, 200), found.reshape(100, 200), ignore=65535
    )
    ids = range(classes)
    np.testing.assert_array_equal(
        confusion.counts, metrics.confusion_matrix(truth, found, labels=ids)
    )
    iou = metrics.jaccard_score(truth, found, labels=ids, average=None)
    np.testing.assert_array_equal(confusion.iou, iou)
    assert confusion.miou == np.mean(iou)
    assert confusion.pixel_accuracy == metrics.accuracy_score(truth, found)
    assert confusion.mean_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(truth, found), abs=1e-15
    )


def test_one_class_is_always_right():
    confusion = ConfusionMatrix(1)
    confusion.update(np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8))
    assert confusion.miou == confusion.pixel_accuracy == confusion.mean_accuracy == 1.0


def test_images_add_up_whatever_their_number_and_type():
    truth, found = random_labels(7, 5)
    whole, parts = ConfusionMatrix(5), ConfusionMatrix(5)
    whole.update(truth, found)
    for piece in np.array_split(np.arange(truth.size), 7):
        parts.update(truth[piece].astype(np.uint8), found[piece].astype(np.uint8))
    np.testing.assert_array_equal(whole.counts, parts.counts)


def test_an_image_larger_than_a_band_is_counted_whole():
    truth, found = random_labels(3, 4, size=(1 << 21) + 5)
    confusion = ConfusionMatrix(4)
    confusion.update(truth, found)
    assert confusion.counts.sum() == truth.size
    assert confusion.pixel_accuracy == np.mean(truth == found)


def test_ignored_pixels_do_not_count_whatever_was_found_there():
    confusion = ConfusionMatrix(3)
    confusion.update(np.array([0, 1, 255, 255]), np.array([0, 2, 0, 1]))
    assert confusion.counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_means_leave_out_what_is_not_defined_as_mmsegmentation_does():
    confusion = ConfusionMatrix(4)  # 2 is found but never true, 3 is neither
    confusion.update(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]))
    assert confusion.iou[:3].tolist() == [1.0, 0.5, 0.0]
    assert math.isnan(confusion.iou[3])
    assert confusion.miou == 0.5
    assert confusion.mean_accuracy == 0.75
    assert confusion.class_share[:2].tolist() == [0.5, 0.5]


def test_nothing_counted_is_not_a_number():
    confusion = ConfusionMatrix(2)
    confusion.update(np.full((2, 2), 255), np.zeros((2, 2), int))
    assert math.isnan(confusion.miou)
    assert math.isnan(confusion.pixel_accuracy)


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        ([0, 1], [0, 7], "found class ids in [0, 3), found 0 to 7"),
        ([0, 1], [0], "expected labels of shape (2,), found (1,)"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(truth, found, message):
    confusion = ConfusionMatrix(3)
    with pytest.raises(ValueError) as raised:
        confusion.update(np.array(truth), np.array(found))
    assert message in str(raised.value)
    assert confusion.counts.sum() == 0


def histograms(truth, found, classes, ignore):
    """Areas as mmsegmentation's ``IoUMetric`` has them: of both, of found and of true pixels."""
    counted = truth != ignore
    truth, found = truth[counted], found[counted]
    return [
        np.histogram(ids, classes, (-0.5, classes - 0.5))[0]
        for ids in (found[found == truth], found, truth)
    ]


@pytest.mark.parametrize("ignore", [255, 7, -1])
def test_ids_that_are_no_class_count_as_in_mmsegmentation(ignore):
    truth, found = random_labels(5, 6)
    rng = np.random.default_rng(0)
    strange = rng.random(truth.size) < 0.2
    truth[strange] = rng.choice([-3, 6, 7, 200, 255, 65535], strange.sum())
    confusion = ConfusionMatrix(6)
    confusion.update(truth, found, ignore)
    both, of_found, of_true = histograms(truth, found, 6, ignore)
    np.testing.assert_array_equal(confusion.iou, both / (of_found + of_true - both))
    np.testing.assert_array_equal(confusion.class_accuracy, both / of_true)
    assert confusion.pixel_accuracy == both.sum() / of_true.sum()
    assert confusion.beyond.sum() == of_found.sum() - of_true.sum() > 0


def test_classes_that_are_only_found_are_told():
    confusion = ConfusionMatrix(4)
    confusion.update(np.array([0, 0, 1, 255]), np.array([0, 2, 2, 3]))
    assert confusion.only_found.tolist() == [False, False, True, False]
