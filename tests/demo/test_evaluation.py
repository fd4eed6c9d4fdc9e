import numpy as np
import pytest

from demo.evaluation import evaluate
from demo.scenes import CLASS_IDS, draw_scene

SIZE_HW = (64, 64)
SEEDS = range(4)


def test_the_truth_scores_one():
    truth = iter([draw_scene(seed, SIZE_HW).labels for seed in SEEDS])
    score = evaluate(lambda _: next(truth), SEEDS, SIZE_HW)
    assert score.miou == score.accuracy == 1.0
    assert set(score.iou) <= set(CLASS_IDS)


def test_one_class_everywhere_scores_its_share():
    labels = np.stack([draw_scene(seed, SIZE_HW).labels for seed in SEEDS])
    share = float(np.mean(labels == CLASS_IDS["sky"]))
    score = evaluate(lambda image: np.full(image.shape[:2], CLASS_IDS["sky"]), SEEDS, SIZE_HW)
    assert score.accuracy == pytest.approx(share)
    assert score.iou["sky"] == pytest.approx(share)
    assert score.miou == pytest.approx(share / len(score.iou))


def test_a_class_that_is_nowhere_counts_only_as_a_mistake():
    score = evaluate(lambda image: np.zeros(image.shape[:2], np.int64), SEEDS, SIZE_HW)
    assert "wall" not in score.iou
    assert score.miou == 0.0
