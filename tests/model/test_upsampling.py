import numpy as np
import pytest
import torch

from ppmobileseg_deploy.model import labels_image, labels_off, upsample_logits

BOTH = pytest.mark.parametrize("labels_of", [labels_off, labels_image])


def logits_of(winners, classes):
    """Low-resolution logits that are 1 for the winner of a cell and 0 elsewhere."""
    one_hot = torch.nn.functional.one_hot(torch.tensor(winners), classes)
    return one_hot.movedim(-1, 1).float()


def test_bilinear_weights_are_those_of_aligned_pixel_centres():
    row = torch.tensor([[[[0.0, 4.0]]]])
    assert upsample_logits(row, (1, 4)).flatten().tolist() == [0.0, 1.0, 3.0, 4.0]


@BOTH
def test_two_halves_meet_in_the_middle(labels_of):
    labels = labels_of(logits_of([[[7, 2]]], 9), (2, 8))
    assert labels.dtype == torch.int64
    assert labels.tolist() == [[[[7, 7, 7, 7, 2, 2, 2, 2]] * 2]]


@BOTH
@pytest.mark.parametrize("classes", [1, 5])
def test_a_scene_of_one_class_has_one_label(labels_of, classes):
    winner = classes - 1
    labels = labels_of(logits_of([[[winner] * 4] * 3], classes), (48, 64))
    assert labels.shape == (1, 1, 48, 64)
    assert labels.unique().tolist() == [winner]


@BOTH
def test_a_tie_goes_to_the_lower_id(labels_of):
    logits = torch.zeros(1, 4, 2, 2)
    logits[:, 1] = logits[:, 3] = 5.0
    assert labels_of(logits, (8, 8)).unique().tolist() == [1]


@BOTH
def test_a_tie_between_cells_goes_to_the_lower_id(labels_of):
    # Enlarged to three columns, the middle pixel lies exactly between 3 and 1.
    labels = labels_of(logits_of([[[3, 1]]], 4), (1, 3))
    assert labels.flatten().tolist() == [3, 1, 1]


@BOTH
@pytest.mark.parametrize("size_hw", [(1, 1), (3, 4), (5, 7), (96, 33)])
def test_any_output_size(labels_of, size_hw):
    logits = torch.randn(2, 6, 3, 4, generator=torch.Generator().manual_seed(0))
    assert labels_of(logits, size_hw).shape == (2, 1, *size_hw)


@BOTH
def test_the_low_resolution_size_gives_the_low_resolution_labels(labels_of):
    winners = np.random.default_rng(0).integers(0, 11, (2, 5, 6))
    labels = labels_of(logits_of(winners.tolist(), 11), (5, 6))
    np.testing.assert_array_equal(labels[:, 0].numpy(), winners)


def test_image_misses_only_a_class_that_wins_no_cell():
    # Class 1 is second in both cells, and best halfway between them.
    logits = torch.tensor([[[[10.0, 0.0]], [[8.0, 8.0]], [[0.0, 10.0]]]])
    assert labels_off(logits, (1, 8)).flatten().tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert labels_image(logits, (1, 8)).flatten().tolist() == [0, 0, 0, 0, 2, 2, 2, 2]


def test_in_a_batch_every_image_may_take_any_class_that_is_present_in_the_batch():
    hidden = torch.tensor([[[[10.0, 0.0]], [[8.0, 8.0]], [[0.0, 10.0]]]])
    all_ones = logits_of([[[1, 1]]], 3)
    alone = labels_image(hidden, (1, 8))
    together = labels_image(torch.cat([hidden, all_ones]), (1, 8))
    assert 1 not in alone
    torch.testing.assert_close(together[:1], labels_off(hidden, (1, 8)))
    assert together[1].unique().tolist() == [1]


def test_a_batch_whose_images_hold_the_same_classes_equals_single_calls():
    batch = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    single = torch.cat([labels_image(logits[None], (64, 64)) for logits in batch])
    torch.testing.assert_close(labels_image(batch, (64, 64)), single)


def test_image_equals_off_on_golden_logits(golden_arrays):
    for variant in ("tiny", "base"):
        logits = torch.from_numpy(golden_arrays(variant)["logits_1x97x131"])
        equal = labels_image(logits, (97, 131)) == labels_off(logits, (97, 131))
        assert equal.float().mean() >= 0.95
