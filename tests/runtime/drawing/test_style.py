from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.drawing.style import Style, choose, distinct_names

NAMES = ("wall", "sky", "Tree", "street lamp", "screen", "screen", "7", "tree")


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("sky", (1,)),
        (["sky", "wall"], (1, 0)),
        (["sky", 1, "1"], (1,)),
        (" SKY ", (1,)),
        ("Tree", (2,)),
        ("tree", (7,)),
        ("TREE", (2, 7)),
        ("screen", (4, 5)),
        ("screen (5)", (5,)),
        ("street  lamp", (3,)),
        ("7", (6,)),
        (7, (7,)),
        (np.uint8(3), (3,)),
        (iter([0, 2]), (0, 2)),
        ([], ()),
    ],
)
def test_classes_are_found_by_name_and_id(
    wanted: str | int | Iterable[str | int], ids: tuple[int, ...]
) -> None:
    assert choose(NAMES, wanted) == ids


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("skyy", r"names or ids from 0 to 7, found 'skyy': did you mean 'sky'\?$"),
        ("lamp", r"did you mean 'street lamp'\?$"),
        ("zebra", r"names or ids from 0 to 7, found 'zebra'$"),
        ("8", "found '8'"),
        ("-1", "found '-1'"),
        ("", "found ''"),
        (8, "from 0 to 7, found 8$"),
        (-1, "found -1$"),
        ([1.5], r"expected class names or ids, found float 1\.5"),
        ([None], "expected class names or ids, found NoneType None"),
    ],
)
def test_unknown_classes_are_named(wanted: Iterable[str | int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose(NAMES, wanted)


def test_close_names_in_messages_stay_on_their_line() -> None:
    with pytest.raises(UsageError) as caught:
        choose(["sky\n\x1b[31m"], "sky")
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a", "b"), ["a", "b"]),
        (("a", "b", "a"), ["a (0)", "b", "a (2)"]),
        (("a", "a", "a (1)"), ["a (0)", "a (1)", "a (1) (2)"]),
        ((), []),
    ],
)
def test_distinct_names(names: tuple[str, ...], expected: list[str]) -> None:
    assert distinct_names(names) == expected


@pytest.mark.parametrize("field", ["opacity", "confidence"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_shares_outside_their_range_are_wrong_use(field: str, value: float) -> None:
    with pytest.raises(UsageError, match=rf"expected an? {field} in \[0, 1\], found {value}"):
        Style(**{field: value})


def test_the_defaults_are_a_plain_overlay_of_everything() -> None:
    assert asdict(Style()) == {
        "opacity": 0.5,
        "classes": None,
        "contours": False,
        "label": False,
        "confidence": 0.0,
        "tolerance": 1.0,
        "min_area": 0,
    }


@pytest.mark.parametrize("name", ["opacity", "confidence"])
@pytest.mark.parametrize("share", ["rgb", True, None, -0.1, 1.1, float("nan"), np.float32(2)])
def test_shares_are_numbers_from_0_to_1(name: str, share: object) -> None:
    with pytest.raises(UsageError, match=rf"expected an? {name} in \[0, 1\], found "):
        Style(**{name: share})  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_shares_are_numbers_of_any_kind(share: float) -> None:
    assert Style(share, confidence=share).opacity == share
