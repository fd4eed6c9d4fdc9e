import time

import pytest

from ppmobileseg_deploy.checkpoints.formats import PickledArray, Placeholder, StoredTensor
from ppmobileseg_deploy.checkpoints.state_dict import find_weights
from ppmobileseg_deploy.errors import CheckpointError, UsageError


def tensor(number):
    return StoredTensor("float32", (number,))


NET = {"backbone.a": tensor(1), "decode_head.b": tensor(2)}
AVERAGED = {"backbone.a": tensor(10), "decode_head.b": tensor(20)}
THIRD = {"backbone.a": tensor(100), "decode_head.b": tensor(200)}
NETWORKS = [frozenset(NET), frozenset({*NET, "backbone.c"})]


def prefixed(prefix, weights=NET):
    return {prefix + key: value for key, value in weights.items()}


def placeholder(kind, state=None, **items):
    found = Placeholder(kind)
    found.state = state
    found.update(items)
    return found


def module(parameters=None, **parts):
    return placeholder(
        "mmseg.Module", {"_parameters": parameters or {}, "_buffers": {}, "_modules": parts}
    )


def find(loaded, wanted=None):
    found, notes = find_weights(loaded, NETWORKS, "my.pth", wanted)
    return found.weights, notes


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
        {"ema": {"counter": tensor(4)}, "state_dict": NET},
        {"ema_state_dict": prefixed("module.")},
        prefixed("module."),
        prefixed("model."),
        prefixed("ema_model."),
        prefixed("_orig_mod."),
        prefixed("module.model."),
        {"state_dict": prefixed("module.model.module.")},
        {**NET, "_metadata": {}, "epoch": 5},
        # Names that no list has.
        {"net": NET},
        {"best_params": {"epoch": 3, "weights": NET}},
        {"checkpoint": {"a": {"b": {"c": {"d": NET}}}}},
        prefixed("segmentor."),
        {"state_dict": prefixed("student._fsdp_wrapped_module.")},
        [NET, {"lr": 0.1}],
        (3, {"a": (4, NET)}),
        # Classes of frameworks that are dicts, or hold some.
        placeholder("collections.OrderedDict", **NET),
        {"model": placeholder("mmengine.Config", **NET)},
        {"trainer": placeholder("my.Trainer", {"best": {"weights": NET}})},
        # Whole networks.
        module(backbone=module({"a": tensor(1)}), decode_head=module({"b": tensor(2)})),
        {"model": module(seg=module(backbone=module({"a": tensor(1)}),
                                    decode_head=module({"b": tensor(2)})))},
    ],
)  # fmt: skip
def test_wherever_the_weights_lie(loaded):
    assert find(loaded) == (NET, ())


def test_arrays_of_paddle():
    arrays = {key: PickledArray() for key in NET}
    for key, array in arrays.items():
        array.stored = NET[key]
    assert find(arrays) == (NET, ())
    assert find({key: (f"{key}_0", array) for key, array in arrays.items()}) == (NET, ())


SEVERAL = {
    "model and ema": ({"model": NET, "ema": AVERAGED}, "model, ema", "ema"),
    "ema.module": ({"model": NET, "ema": {"module": AVERAGED}}, "model, ema.module", "ema.module"),
    "state_dict_ema": (
        {"state_dict": NET, "state_dict_ema": AVERAGED},
        "state_dict, state_dict_ema",
        "state_dict_ema",
    ),
    "prefixes": (
        {"state_dict": {**prefixed("model."), **prefixed("ema_model.", AVERAGED)}},
        "state_dict.model, state_dict.ema_model",
        "state_dict.ema_model",
    ),
    # mmengine swaps the two before it saves.
    "mmengine": (
        {"state_dict": AVERAGED, "ema_state_dict": prefixed("module.")},
        "state_dict, ema_state_dict.module",
        "state_dict",
    ),
    "capitals": ({"model": NET, "model-EMA": AVERAGED}, "model, model-EMA", "model-EMA"),
    "three": ({"ema": AVERAGED, "model": NET, "last": THIRD}, "ema, model, last", "ema"),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_of_several_the_averaged_weights_are_taken_and_it_is_said(case):
    loaded, names, taken = SEVERAL[case]
    weights, notes = find(loaded)
    assert weights == AVERAGED
    (note,) = notes
    assert note == (
        f"my.pth holds {names.count(',') + 1} sets of weights ({names}): took {taken}, the "
        "averaged one; --weights NAME takes another"
    )


@pytest.mark.parametrize(
    ("loaded", "taken"),
    [
        ({"net": THIRD, "model": NET}, "model"),
        ({"model": THIRD, "state_dict": NET}, "state_dict"),
        ({**prefixed("old.", THIRD), "state_dict": NET}, "state_dict"),
    ],
)
def test_else_those_of_the_more_usual_name(loaded, taken):
    weights, (note,) = find(loaded)
    assert weights == NET
    assert f"took {taken}; --weights NAME takes another" in note


TEACHER = {"state_dict": {**prefixed("student."), **prefixed("teacher.", THIRD)}}
MMENGINE = {"state_dict": AVERAGED, "ema_state_dict": prefixed("module.")}
PAIR = {"model": NET, "ema": {"module": AVERAGED}}


@pytest.mark.parametrize(
    ("loaded", "wanted", "expected"),
    [
        (TEACHER, "student", NET),
        (TEACHER, "teacher", THIRD),
        (TEACHER, "state_dict.teacher", THIRD),
        (PAIR, "model", NET),
        (PAIR, "ema", AVERAGED),
        (PAIR, "ema.module", AVERAGED),
        (PAIR, "module", AVERAGED),
        ({"state_dict": NET, "state_dict_ema": AVERAGED}, "ema", AVERAGED),
        ({"state_dict": NET, "state_dict_ema": AVERAGED}, "state_dict", NET),
        ({"model": NET, "ema_model": AVERAGED}, "model", NET),
        ({"model": NET, "ema_model": AVERAGED}, "ema", AVERAGED),
        # In mmengine's files the averaged ones are not those that are called so.
        (MMENGINE, "ema", AVERAGED),
        (MMENGINE, "state_dict", AVERAGED),
        (MMENGINE, "ema_state_dict", NET),
        ({**NET, "ema": AVERAGED}, "top", NET),
        ({"model": NET}, "model", NET),
        ([NET, AVERAGED], "1", AVERAGED),
    ],
)
def test_a_set_is_chosen_by_its_name(loaded, wanted, expected):
    assert find(loaded, wanted)[0] == expected


@pytest.mark.parametrize(
    ("loaded", "wanted", "message"),
    [
        (
            PAIR,
            "best",
            "expected one of model, ema.module for the weights of my.pth, found 'best'",
        ),
        (TEACHER, "state_dict", "found 'state_dict', which is part of state_dict.student, state_"),
        ({"model": NET}, "ema", "expected one of model for the weights of my.pth, found 'ema'"),
        (PAIR, "a\nb" * 100, r"found 'a\\nba\\nb"),
    ],
)
def test_a_name_that_no_set_has_or_several_have(loaded, wanted, message):
    with pytest.raises(UsageError, match=message) as caught:
        find(loaded, wanted)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "loaded",
    [
        TEACHER,
        {**prefixed("model."), **prefixed("module.", THIRD)},
        [NET, THIRD],
        {"first": NET, "second": THIRD},
    ],
)
def test_several_with_nothing_to_choose_between_them(loaded):
    with pytest.raises(CheckpointError, match=r"my\.pth holds 2 networks, expected one: choose"):
        find(loaded)


def test_a_name_in_a_file_without_the_network_is_not_what_is_wrong():
    assert find({"model": {"x": tensor(1)}}, "ema") == ({"x": tensor(1)}, ())


def test_weights_that_lie_there_twice_are_one_set():
    again = dict(NET)
    assert find({"model": NET, "state_dict": NET, "best": again}) == (NET, ())


def test_those_with_all_names_are_preferred():
    assert find({"state_dict": {"backbone.a": tensor(7)}, "other": NET}) == (NET, ())
    half = {"backbone.a": tensor(7)}
    assert find({"x": {"backbone.z": tensor(1)}, "y": half})[0] == half


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
@pytest.mark.parametrize("of_leftover", ["", "module."])
def test_leftovers_of_training_are_dropped(leftover, prefix, of_leftover):
    if of_leftover in ("", prefix):
        assert find({**prefixed(prefix), of_leftover + leftover: tensor(3)}) == (NET, ())


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("of_statistics", ["", "module."])
def test_statistics_are_found(prefix, of_statistics):
    saved = {of_statistics + "data_preprocessor.mean": tensor(3), **prefixed(prefix)}
    found, _ = find_weights(saved, NETWORKS, "my.pth")
    assert found.statistics == ({"mean": tensor(3)} if of_statistics in ("", prefix) else {})


def test_other_weights_of_the_network_are_kept_to_be_reported():
    assert find({**NET, "neck.conv": tensor(3)}) == ({**NET, "neck.conv": tensor(3)}, ())
    inside = {**prefixed("module."), "module.neck.conv": tensor(3)}
    assert find(inside) == ({**NET, "neck.conv": tensor(3)}, ())


def test_tensors_beside_the_network_are_left_out_and_it_is_said():
    beside = {f"criterion.{number}": tensor(3) for number in range(12)}
    weights, (note,) = find({**prefixed("module."), **beside})
    assert weights == NET
    assert note.startswith("my.pth holds tensors beside the network, which were left out: crit")
    assert note.endswith("criterion.9 and 2 more")


def test_another_network_beside_it_is_none_of_its_tensors():
    beside = {"teacher.backbone.x": tensor(1), "teacher.neck": tensor(2)}
    assert find({**NET, **beside}) == (NET, ())


def test_two_names_of_one_weight():
    twice = {"backbone.conv.c.weight": tensor(1), "backbone.conv.conv.weight": tensor(2)}
    with pytest.raises(CheckpointError, match=r"names one weight twice: backbone\.conv\.c\.w"):
        find(twice)


@pytest.mark.parametrize(
    ("loaded", "found"),
    [
        ({}, r"the entries \(none\)"),
        ({"epoch": "three"}, "the entries 'epoch'"),
        ({"state_dict": {}}, "the entries 'state_dict'"),
        ({f"k{number}": 1 for number in range(99)}, "the entries 'k0'.* 'k9'$"),
        ({"k" * 900: 1}, r"the entries 'k{76}\.\.\.$"),
        ([1, 2], "an object of type list"),
        (tensor(1), "a single tensor, without a name"),
        (placeholder("my.Trainer"), r"an object of type my\.Trainer"),
        (None, "an object of type NoneType"),
    ],
)
def test_no_weights_at_all(loaded, found):
    with pytest.raises(CheckpointError, match=rf"my\.pth holds no weights, but {found}"):
        find(loaded)


def looped():
    loop = {"x": 1}
    loop.update({str(number): loop for number in range(20)})
    return {"a": [loop, [loop]], "model": NET}


def deep():
    level = NET
    for _ in range(100_000):
        level = {"a": level}
    return {"b": level, "model": NET}


def shared_parts():
    """Each part holds the next one ten times, so that there are 10^30 paths."""
    part = module({"x": tensor(1)})
    for _ in range(30):
        part = module(**{f"p{number}": part for number in range(10)})
    return {"b": part, "model": NET}


def many_prefixes():
    return {"s": {f"p{number}.backbone.x": tensor(1) for number in range(20_000)}, "model": NET}


@pytest.mark.parametrize("make", [looped, deep, shared_parts, many_prefixes])
def test_the_search_is_bounded(make):
    loaded = make()
    start = time.perf_counter()
    assert find(loaded)[0] == NET
    assert time.perf_counter() - start < 2


def test_a_file_of_thousands_of_networks_is_refused():
    start = time.perf_counter()
    with pytest.raises(CheckpointError, match=r"my\.pth holds more than 1000 networks"):
        find({f"s{number}": prefixed(f"p{number}.") for number in range(20_000)})
    assert time.perf_counter() - start < 2
