import sys

import cv2
import numpy as np
import pytest

from demo import make_dataset
from demo.evaluation import evaluate
from demo.jpeg import write_jpeg
from demo.scenes import CLASS_IDS, draw_scene
from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.evaluation import find_ade20k
from ppmobileseg_deploy.evaluation.label_coding import LabelCoding
from ppmobileseg_deploy.evaluation.label_images import read_labels
from ppmobileseg_deploy.runtime.images.files import read_image

SIZE_HW = (64, 64)
SEEDS = range(4)


def test_the_truth_scores_one():
    truth = iter([draw_scene(seed, SIZE_HW).labels for seed in SEEDS])
    score = evaluate(lambda _: next(truth), SEEDS, SIZE_HW)
    assert score.miou == score.pixel_accuracy == 1.0
    assert score.counts.sum() == len(SEEDS) * 64 * 64


def test_one_class_everywhere_scores_its_share():
    labels = np.stack([draw_scene(seed, SIZE_HW).labels for seed in SEEDS])
    share = float(np.mean(labels == CLASS_IDS["sky"]))
    score = evaluate(lambda image: np.full(image.shape[:2], CLASS_IDS["sky"]), SEEDS, SIZE_HW)
    assert score.pixel_accuracy == pytest.approx(share)
    assert score.iou[CLASS_IDS["sky"]] == pytest.approx(share)


@pytest.mark.parametrize("span", [("--first", "9999"), ("--first", "-2"), ("--scenes", "0")])
def test_scenes_that_training_may_have_seen_are_refused(tmp_path, monkeypatch, capsys, span):
    monkeypatch.setattr(sys, "argv", ["make_dataset", str(tmp_path / "out"), *span])
    with pytest.raises(SystemExit):
        make_dataset.main()
    assert "expected at least one scene, all of 0 to 9999" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_data_set_is_what_the_evaluation_draws(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        sys,
        "argv",
        ["make_dataset", str(tmp_path), "--scenes", "2", "--height", "64", "--width", "96"],
    )
    make_dataset.main()
    pairs = find_ade20k(tmp_path)
    scene = draw_scene(1, (64, 96))
    np.testing.assert_array_equal(read_image(pairs[1].image), scene.image_bgr)
    truth = read_labels(pairs[1].labels, (64, 96), LabelCoding(reduce_zero_label=True))
    np.testing.assert_array_equal(truth, scene.labels)


def test_a_written_jpeg_is_the_one_opencv_writes(tmp_path):
    picture = draw_scene(0, SIZE_HW).image_bgr
    write_jpeg(tmp_path / "new" / "ours.jpg", picture, 88)
    cv2.imwrite(str(tmp_path / "theirs.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    ours, theirs = tmp_path / "new" / "ours.jpg", tmp_path / "theirs.jpg"
    assert ours.read_bytes() == theirs.read_bytes()
    with pytest.raises(OutputError):
        write_jpeg(tmp_path / "theirs.jpg" / "no.jpg", picture, 88)
