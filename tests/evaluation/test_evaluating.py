import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError, UsageError
from ppmobileseg_deploy.evaluation import evaluate, find_labelled_images

IDS = np.array([[0, 1, 2, 2], [0, 1, 1, 2]], np.uint8)


@pytest.fixture
def pairs(tmp_path, write_pair):
    write_pair("i/one.png", "l/one.png", IDS)
    write_pair("i/two.png", "l/two.png", IDS[:, :3])
    return find_labelled_images(tmp_path / "i", tmp_path / "l")


def test_a_model_that_is_right_scores_one(pairs, blue_model):
    evaluation = evaluate({"m": blue_model()}, pairs)
    assert evaluation.images == 2
    assert evaluation.scores["m"].confusion.miou == 1.0
    assert evaluation.scores["m"].confusion.counts.sum() == IDS.size + 6
    assert evaluation.scores["m"].latency_ms > 0
    assert evaluation.agreement.tolist() == [[1.0]]


def test_models_are_compared_with_the_truth_and_with_each_other(pairs, blue_model):
    models = {"right": blue_model(), "wrong": blue_model(shift=1), "again": blue_model(shift=1)}
    evaluation = evaluate(models, pairs)
    assert [s.confusion.pixel_accuracy for s in evaluation.scores.values()] == [1.0, 0.0, 0.0]
    assert evaluation.agreement.tolist() == [[1, 0, 0], [0, 1, 1], [0, 1, 1]]


def test_the_zero_label_is_left_out(tmp_path, write_pair, blue_model):
    truth = IDS + 1
    truth[0, 0] = 0
    found = IDS.copy()
    found[0, 0] = 2  # would be wrong
    write_pair("i/one.png", "l/one.png", found, truth)
    pairs = find_labelled_images(tmp_path / "i", tmp_path / "l")
    confusion = evaluate({"m": blue_model()}, pairs, reduce_zero_label=True).scores["m"].confusion
    assert confusion.counts.sum() == IDS.size - 1
    assert confusion.pixel_accuracy == 1.0


def test_progress_tells_how_many_are_done(pairs, blue_model):
    seen = []
    evaluate(
        {"m": blue_model()}, pairs, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]


def test_labels_beyond_the_classes_name_file_and_remedy(tmp_path, write_pair, blue_model):
    write_pair("i/one.png", "l/one.png", IDS, IDS + 1)
    with pytest.raises(ImageError) as raised:
        evaluate({"m": blue_model()}, find_labelled_images(tmp_path / "i", tmp_path / "l"))
    assert "one.png: expected true class ids in [0, 3), found 1 to 3" in str(raised.value)
    assert "reduce the zero label" in str(raised.value)


@pytest.mark.parametrize(
    ("shifts", "classes", "ignore", "message"),
    [
        ((), 3, 255, "at least one model"),
        ((0, 1), 3, 2, "expected an ignored id that is no class of the 3, found 2"),
        ((0,), 300, 255, "expected an ignored id that is no class of the 300, found 255"),
    ],
)
def test_wrong_use_is_refused(pairs, blue_model, shifts, classes, ignore, message):
    names = tuple(map(str, range(classes)))
    models = {str(shift): blue_model(names, shift) for shift in shifts}
    with pytest.raises(UsageError) as raised:
        evaluate(models, pairs, ignore=ignore)
    assert message in str(raised.value)


def test_models_of_different_classes_are_refused(pairs, blue_model):
    with pytest.raises(UsageError, match="3 in a, 2 in b"):
        evaluate({"a": blue_model(), "b": blue_model(("x", "y"))}, pairs)


@pytest.mark.parametrize(
    ("truth", "reduce_zero_label", "message"),
    [(255, False, "found only 255 in all 1, such as"), (0, True, "found only 255 or 0 in all 1")],
)
def test_labels_without_a_pixel_that_counts_are_refused(
    tmp_path, write_pair, blue_model, truth, reduce_zero_label, message
):
    write_pair("i/one.png", "l/one.png", IDS, np.full_like(IDS, truth))
    pairs = find_labelled_images(tmp_path / "i", tmp_path / "l")
    with pytest.raises(ImageError) as raised:
        evaluate({"m": blue_model()}, pairs, reduce_zero_label=reduce_zero_label)
    assert message in str(raised.value)


def test_no_image_is_refused(blue_model):
    with pytest.raises(UsageError, match="at least one labelled image"):
        evaluate({"m": blue_model()}, [])
