import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError, UsageError
from ppmobileseg_deploy.evaluation import LabelCoding, evaluate, find_labelled_images

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
    confusion = (
        evaluate({"m": blue_model()}, pairs, coding=LabelCoding(reduce_zero_label=True))
        .scores["m"]
        .confusion
    )
    assert confusion.counts.sum() == IDS.size - 1
    assert confusion.pixel_accuracy == 1.0


def test_progress_tells_how_many_are_done(pairs, blue_model):
    seen = []
    evaluate(
        {"m": blue_model()}, pairs, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("truth", "classes", "coding", "message"),
    [
        (
            IDS + 1,
            3,
            LabelCoding(),
            "expected class ids from 0 to 2, or 255 for what does not count, found 3 (3 pixels); "
            "is 0 'other', as in ADE20K's files? --reduce-zero-label",
        ),
        (
            [[0, 3, 7, 7], [255, 1, 8, 9], [11, 9, 9, 9]],
            3,
            LabelCoding(),
            "expected class ids from 0 to 2, or 255 for what does not count, found 9 (4 pixels), "
            "7 (2 pixels), 3 (1 pixel), and 2 more (2 pixels)",
        ),
        (
            [[0, 4, 5, 255]],
            3,
            LabelCoding(reduce_zero_label=True),
            "expected class ids from 1 to 3, or 0 or 255 for what does not count, found "
            "4 (1 pixel), 5 (1 pixel)",
        ),
        (
            [[0, 255, 255, 0]],
            2,
            LabelCoding(ignore=254),
            "expected class ids from 0 to 1, or 254 for what does not count, found "
            "255 (2 pixels); are these masks? ppms-eval takes them with "
            "--foreground 255",
        ),
        (
            [[0, 200, 1, 0]],
            2,
            LabelCoding(),
            "expected class ids from 0 to 1, or 255 for what does not count, found 200 (1 pixel)",
        ),
    ],
)
def test_labels_beyond_the_classes_are_told_and_the_remedy_named(
    tmp_path, write_pair, blue_model, truth, classes, coding, message
):
    truth = np.array(truth, np.uint8)
    write_pair("i/one.png", "l/one.png", np.zeros_like(truth), truth)
    model = blue_model(tuple("abc"[:classes]))
    pairs = find_labelled_images(tmp_path / "i", tmp_path / "l")
    told = f"{tmp_path / 'l/one.png'}: {message}"
    if told.endswith("4 (1 pixel), 5 (1 pixel)"):  # no pixel of the file counts
        with pytest.raises(ImageError) as raised:
            evaluate({"m": model}, pairs, coding=coding)
        assert str(raised.value) == f"cannot use labels {told}"
    else:
        evaluation = evaluate({"m": model}, pairs, coding=coding)
        assert evaluation.beyond == told
        counted = evaluation.scores["m"].confusion.counts.sum() / truth.size
        assert evaluation.beyond_share + evaluation.ignored_share + counted == pytest.approx(1)


@pytest.mark.parametrize("ignore", [0, 1, 2, 254, 255])
def test_an_ignored_id_is_that_of_reduced_labels_as_in_mmsegmentation(
    tmp_path, write_pair, blue_model, ignore
):
    values = np.array([[0, 1, 2, 3, 255, 0, 1, 3], [1, 1, 2, 2, 3, 3, 0, 255]], np.uint8)
    found = np.array([[0, 1, 2, 0, 1, 2, 0, 2], [0, 0, 1, 2, 1, 2, 1, 2]], np.uint8)
    write_pair("i/one.png", "l/one.png", found, values)
    pairs = find_labelled_images(tmp_path / "i", tmp_path / "l")
    coding = LabelCoding(reduce_zero_label=True, ignore=ignore)
    evaluation = evaluate({"m": blue_model()}, pairs, coding=coding)
    reduced = values.copy()
    reduced[reduced == 0] = 255
    reduced = reduced - 1
    reduced[reduced == 254] = 255
    counted = reduced != ignore
    both, of_found, of_true = (
        np.bincount(ids, minlength=256)[:3].astype(float)
        for ids in (
            found[counted & (found == reduced)],
            found[counted],
            reduced[counted],
        )
    )
    confusion = evaluation.scores["m"].confusion
    np.testing.assert_array_equal(confusion.iou, both / (of_found + of_true - both))
    assert confusion.pixel_accuracy == both.sum() / of_true.sum()
    assert (evaluation.beyond is None) == (ignore == 255)
    if ignore == 0:
        assert (
            "from 1 to 3, or 1 for what does not count, found 0 or 255 (5 pixels)"
            in evaluation.beyond
        )


def test_masks_with_a_foreground_are_two_classes(tmp_path, write_pair, blue_model):
    found = np.array([[0, 1, 1, 0]], np.uint8)
    write_pair("i/one.png", "l/one.png", found, np.array([[0, 255, 0, 255]], np.uint8))
    pairs = find_labelled_images(tmp_path / "i", tmp_path / "l")
    model = {"m": blue_model(("background", "crack"))}
    as_ids = evaluate(model, pairs)
    assert (as_ids.ignored_share, as_ids.scores["m"].confusion.counts.sum()) == (0.5, 2)
    as_masks = evaluate(model, pairs, coding=LabelCoding(foreground=255))
    assert (as_masks.ignored_share, as_masks.pixels) == (0.0, 4)
    assert as_masks.scores["m"].confusion.counts.tolist() == [[1, 1], [1, 1]]


def test_the_share_that_does_not_count_is_that_of_all_images(tmp_path, write_pair, blue_model):
    write_pair("i/one.png", "l/one.png", IDS, np.full_like(IDS, 255))
    write_pair("i/two.png", "l/two.png", IDS, IDS)
    pairs = find_labelled_images(tmp_path / "i", tmp_path / "l")
    evaluation = evaluate({"a": blue_model(), "b": blue_model(shift=1)}, pairs)
    assert (evaluation.pixels, evaluation.ignored_share) == (2 * IDS.size, 0.5)


@pytest.mark.parametrize(
    ("coding", "message"),
    [
        (LabelCoding(foreground=255), "a model of 2 classes for masks with a foreground, found 3"),
        (LabelCoding(palette_rgb=((1, 2, 3),)), "expected 3 colours, one for each class, found 1"),
    ],
)
def test_a_coding_that_cannot_name_the_classes_is_refused(pairs, blue_model, coding, message):
    with pytest.raises(UsageError, match=message):
        evaluate({"m": blue_model()}, pairs, coding=coding)


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
        evaluate(models, pairs, coding=LabelCoding(ignore=ignore))
    assert message in str(raised.value)


def test_models_of_different_classes_are_refused(pairs, blue_model):
    with pytest.raises(UsageError, match="3 in a, 2 in b"):
        evaluate({"a": blue_model(), "b": blue_model(("x", "y"))}, pairs)


@pytest.mark.parametrize(
    ("truth", "reduce_zero_label", "message"),
    [(255, False, "found only 255 in all 1, such as"), (0, True, "found only 0 or 255 in all 1")],
)
def test_labels_without_a_pixel_that_counts_are_refused(
    tmp_path, write_pair, blue_model, truth, reduce_zero_label, message
):
    write_pair("i/one.png", "l/one.png", IDS, np.full_like(IDS, truth))
    pairs = find_labelled_images(tmp_path / "i", tmp_path / "l")
    with pytest.raises(ImageError) as raised:
        evaluate({"m": blue_model()}, pairs, coding=LabelCoding(reduce_zero_label))
    assert message in str(raised.value)


def test_no_image_is_refused(blue_model):
    with pytest.raises(UsageError, match="at least one labelled image"):
        evaluate({"m": blue_model()}, [])
