import pytest
import torch

from ppmobileseg_deploy.checkpoints.state_dict import find_weights
from ppmobileseg_deploy.errors import CheckpointError

NET = {"backbone.a": 1, "decode_head.b": 2}
AVERAGED = {"backbone.a": 10, "decode_head.b": 20}


def prefixed(prefix, weights=NET):
    return {prefix + key: value for key, value in weights.items()}


def find(loaded):
    return find_weights(loaded, lambda v: v if isinstance(v, int) else None, "my.pth")


@pytest.mark.parametrize(
    "loaded",
    [
        NET,
        {"state_dict": NET},
        {"model": NET},
        {"model_state_dict": NET, "optimizer": {"state": {}}},
        {"module": NET},
        {"ema": NET},
        {"ema": {"decay": 0.99, "updates": 4, "module": NET}},
        {"model": {"state_dict": NET}},
        {"ema": None, "model": NET},
        {"ema": {"counter": 4}, "state_dict": NET},
        {"ema_state_dict": prefixed("module.")},
        prefixed("module."),
        prefixed("model."),
        prefixed("ema_model."),
        prefixed("_orig_mod."),
        prefixed("module.model."),
        {"state_dict": prefixed("module.model.module.")},
        {**NET, "_metadata": {}, 3: 4, None: 5},
    ],
)
def test_wherever_the_weights_lie(loaded):
    assert find(loaded) == NET


@pytest.mark.parametrize(
    "loaded",
    [
        {"model": NET, "ema": AVERAGED},
        {"model": NET, "ema": {"module": AVERAGED}},
        {"state_dict": NET, "state_dict_ema": AVERAGED},
        {"state_dict": {**prefixed("model."), **prefixed("ema_model.", AVERAGED)}},
        # mmengine swaps the two before it saves.
        {"state_dict": AVERAGED, "ema_state_dict": prefixed("module.")},
    ],
)
def test_averaged_weights_are_taken(loaded):
    assert find(loaded) == AVERAGED


@pytest.mark.parametrize(
    "leftover",
    [
        "data_preprocessor.mean",
        "auxiliary_head.conv_seg.weight",
        "decode_head.loss_decode.weight",
        "steps",
        "n_averaged",
    ],
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_leftovers_of_training_are_dropped(leftover, prefix):
    assert find({**prefixed(prefix), prefix + leftover: 3}) == NET


def test_a_counter_of_averaging_lies_beside_the_prefixed_network():
    assert find({"steps": 3, **prefixed("module.")}) == NET


@pytest.mark.parametrize("other", ["teacher.backbone.a", "criterion.weight", "neck.conv"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_other_weights_are_kept_to_be_reported(other, prefix):
    assert find({**prefixed(prefix), other: 3}) == {**NET, other: 3}


def test_two_networks_with_nothing_to_choose_between_them():
    with pytest.raises(CheckpointError, match=r"2 networks.* model\.backbone.*module\.backbone"):
        find({**prefixed("model."), **prefixed("module.")})


@pytest.mark.parametrize(
    ("loaded", "found"),
    [
        ({}, r"the entries \(none\)"),
        ({"epoch": "three"}, "the entries 'epoch'"),
        ({"state_dict": {}}, "the entries 'state_dict'"),
        ([1, 2], "an object of type list"),
        (torch.zeros(1), "an object of type Tensor"),
    ],
)
def test_no_weights_at_all(loaded, found):
    with pytest.raises(CheckpointError, match=rf"my\.pth holds no weights, but {found}"):
        find(loaded)
