import re

import numpy as np
import pytest
import torch

from ppmobileseg_deploy.checkpoints.facts import read_facts
from ppmobileseg_deploy.checkpoints.formats import Source, read_any

NAMES = ("sky", "tree", "road")
COLOURS = ((0, 1, 2), (3, 4, 5), (253, 254, 255))
MEAN, STD = (1.5, 2.5, 3.5), (4.5, 5.5, 6.5)


@pytest.fixture
def facts_of(save_pth):
    """``facts_of(saved, mean=..., std=...)``: what a file says of a network of three classes."""

    def facts(saved, num_classes=3, **statistics):
        with Source.open(save_pth({"saved": saved, "statistics": statistics})) as source:
            found = read_any(source)
            return read_facts(found["saved"], found["statistics"], num_classes, "my.pth")

    return facts


@pytest.mark.parametrize(
    "saved",
    [
        {"meta": {"dataset_meta": {"classes": NAMES, "palette": COLOURS}}},
        {"meta": {"dataset_meta": {"classes": list(NAMES), "palette": list(map(list, COLOURS))}}},
        {"meta": {"dataset_meta": {"CLASSES": NAMES, "PALETTE": COLOURS}}},
        {"meta": {"CLASSES": NAMES, "PALETTE": COLOURS, "dataset_meta": None}},
        {"classes": NAMES, "palette": COLOURS},
        {"classes": NAMES, "palette": np.array(COLOURS)},
        {"classes": NAMES, "palette": np.array(COLOURS, np.uint8)},
        {"classes": NAMES, "palette": torch.tensor(COLOURS, dtype=torch.uint8)},
    ],
)
def test_names_and_colours(saved, facts_of):
    found = facts_of(saved)
    assert (found.class_names, found.palette_rgb, found.notes) == (NAMES, COLOURS, ())
    assert found.mean is found.std is found.channel_order is None


@pytest.mark.parametrize("saved", [{}, {"meta": {}}, {"meta": None}, {"meta": "x"}, [], None, "x"])
def test_nothing_is_said(saved, facts_of):
    found = facts_of(saved)
    assert found.class_names is found.palette_rgb is found.mean is found.channel_order is None
    assert found.notes == ()


@pytest.mark.parametrize("given", [slice(None), slice(1, None)], ids=["both", "one"])
def test_a_head_of_one_class_has_a_background(given, facts_of):
    saved = {"classes": ("background", "water")[given], "palette": ((128, 0, 0), (1, 2, 3))[given]}
    found = facts_of(saved, num_classes=1)
    assert found.class_names == ("background", "water")
    assert found.palette_rgb == ((128, 0, 0), (1, 2, 3))


def test_names_are_printable(facts_of):
    found = facts_of({"classes": ("a\x1b[31m", "b\nc", "ä")})
    assert found.class_names == ("a\\x1b[31m", "b\\nc", "ä")


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        (("a", "b"), "expected 3, found 2"),
        (NAMES * 2, "expected 3, found 6"),
        ((), "expected 3, found 0"),
        ("sky", "expected 3 texts, found something else"),
        ({"sky": 1}, "expected 3 texts, found something else"),
        (("a", "b", 3), "expected texts of 1 to 200 characters, found 'something else'"),
        (("a", "b", ""), "expected texts of 1 to 200 characters, found ''"),
        (("a", "b", "x" * 201), r"expected texts of 1 to 200 characters, found 'x+\.\.\.'$"),
        (("a", "b", "x" * 100_000), "found 'something else'"),
    ],
)
def test_names_that_are_not_used(classes, reason, facts_of):
    found = facts_of({"classes": classes})
    assert found.class_names is None
    (note,) = found.notes
    assert note.startswith("the class names in my.pth are not used: ")
    assert re.search(reason, note)
    assert len(note) < 250


@pytest.mark.parametrize(
    "palette",
    [
        COLOURS[:2],
        (*COLOURS, (0, 0, 0)),
        (*COLOURS[:2], (0, 0, 256)),
        (*COLOURS[:2], (0, 0, -1)),
        (*COLOURS[:2], (0, 0, 1.5)),
        (*COLOURS[:2], (0, 0)),
        (*COLOURS[:2], "abc"),
        "red",
        np.zeros((3, 4), np.uint8),
        np.full((3, 3), 0.5),
        np.array(["a"]),
        torch.zeros(1).expand(3, 3),
        torch.zeros(3, 3).to_sparse(),
    ],
    ids=str,
)
def test_colours_that_are_not_used(palette, facts_of):
    found = facts_of({"palette": palette})
    assert found.palette_rgb is None
    assert found.notes[0].startswith("the colours in my.pth are not used: expected ")


@pytest.mark.parametrize(
    ("saved", "statistics"),
    [
        ({}, {"mean": torch.tensor(MEAN).view(3, 1, 1), "std": torch.tensor(STD).view(3, 1, 1)}),
        ({}, {"mean": torch.tensor(MEAN), "std": torch.tensor(STD).view(1, 3, 1, 1).double()}),
        ({"data_preprocessor": {"mean": MEAN, "std": list(STD)}}, {}),
        ({"meta": {"data_preprocessor": {"mean": MEAN, "std": STD}}}, {}),
        ({"meta": {"img_norm_cfg": {"mean": np.array(MEAN), "std": np.array(STD)}}}, {}),
    ],
)
def test_mean_and_std(saved, statistics, facts_of):
    found = facts_of(saved, **statistics)
    assert (found.mean, found.std, found.notes) == (MEAN, STD, ())


def test_one_mean_for_all_channels(facts_of):
    found = facts_of({}, mean=torch.tensor([127.5]), std=torch.tensor(2.0))
    assert (found.mean, found.std) == ((127.5,) * 3, (2.0,) * 3)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (MEAN, None),
        (None, STD),
        (MEAN, (1, 1, 0)),
        (MEAN, (1, 1, -1)),
        (MEAN, (1, 1, float("nan"))),
        ((0, 0, float("inf")), STD),
        ((0, 0, 10**400), STD),
        ((0, 0, 1e30), STD),
        ((0, 0), STD),
        ((0, 0, 0, 0), STD),
        ("abc", STD),
        (np.zeros((3, 3)), STD),
        (np.zeros(3, int), STD),
        (torch.zeros(1).expand(1, 3), (0, 0, 0)),
        (torch.arange(100.0)[::33][:3], STD),
    ],
    ids=str,
)
def test_numbers_that_are_not_used(mean, std, facts_of):
    found = facts_of({"data_preprocessor": {"mean": mean, "std": std}})
    assert found.mean is found.std is None
    assert found.notes[0].startswith("the mean and std in my.pth are not used: expected ")


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ({"bgr_to_rgb": True}, "rgb"),
        ({"bgr_to_rgb": False}, "bgr"),
        ({"bgr_to_rgb": False, "rgb_to_bgr": True}, "bgr"),
        ({"to_rgb": True}, "rgb"),
        ({"to_rgb": False}, "bgr"),
        ({"to_rgb": "yes"}, None),
        ({}, None),
    ],
)
def test_channel_order(said, order, facts_of):
    assert facts_of({"meta": {"img_norm_cfg": said}}).channel_order == order
