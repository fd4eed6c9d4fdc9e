import cv2
import numpy as np
import pytest

from demo.scenes import CLASS_IDS, CLASS_NAMES, draw_scene
from ppmobileseg_deploy import ade20k

SMALL = (96, 96)


@pytest.mark.parametrize("seed", range(4))
def test_a_seed_draws_the_same_scene_every_time(seed):
    first, second = draw_scene(seed, SMALL), draw_scene(seed, SMALL)
    np.testing.assert_array_equal(first.image_bgr, second.image_bgr)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_seeds_draw_different_scenes():
    pictures = [draw_scene(seed, SMALL).image_bgr for seed in range(0, 40, 4)]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


@pytest.mark.parametrize("size_hw", [(96, 96), (64, 128), (128, 64), (97, 131)])
def test_picture_and_labels_have_the_size_asked_for(size_hw):
    scene = draw_scene(3, size_hw)
    assert scene.image_bgr.shape == (*size_hw, 3)
    assert scene.labels.shape == size_hw
    assert scene.image_bgr.dtype == scene.labels.dtype == np.uint8


@pytest.mark.parametrize("size_hw", [(0, 32), (32, -1), (32, 65), (65, 32)])
def test_an_impossible_size_is_refused(size_hw):
    with pytest.raises(ValueError, match="at most twice"):
        draw_scene(0, size_hw)


def test_the_class_ids_are_the_official_ones():
    assert len(CLASS_NAMES) >= 12
    assert {name: ade20k.NAMES[index] for name, index in CLASS_IDS.items()} == {
        name: name for name in CLASS_NAMES
    }


def test_a_picture_holds_six_to_twelve_classes_and_the_set_holds_all():
    present = [np.unique(draw_scene(seed, (256, 256)).labels) for seed in range(50)]
    counts = [ids.size for ids in present]
    assert 6 <= np.mean(counts) <= 12
    assert np.mean([6 <= count <= 12 for count in counts]) >= 0.9
    assert set(np.concatenate(present).tolist()) == set(CLASS_IDS.values())


@pytest.mark.parametrize("seed", range(8))
def test_a_scene_is_the_same_at_another_size(seed):
    small, large = draw_scene(seed, (128, 128)), draw_scene(seed, (256, 256))
    reduced = cv2.resize(large.labels, (128, 128), interpolation=cv2.INTER_NEAREST)
    assert np.mean(reduced == small.labels) > 0.9


def test_labels_follow_the_paint():
    # Sky and grass differ in every light: were the labels shifted, their colours would mix.
    scene = draw_scene(2, (256, 256))
    sky = scene.image_bgr[scene.labels == CLASS_IDS["sky"]].mean(0)
    grass = scene.image_bgr[scene.labels == CLASS_IDS["grass"]].mean(0)
    assert sky[0] > grass[0] + 40
    assert grass[1] > grass[0] + 20
