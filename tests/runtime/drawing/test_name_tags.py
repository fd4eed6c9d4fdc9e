import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.palettes import distinct_palette
from ppmobileseg_deploy.runtime.drawing.name_tags import (
    NameTag,
    Places,
    draw_tags,
    letter_size,
    place_tags,
)
from ppmobileseg_deploy.runtime.drawing.selection import Selection

NAMES = tuple(f"thing {i}" for i in range(60))


def _blocks(rows: int, columns: int, height: int, width: int) -> NDArray[np.uint8]:
    ids = np.arange(rows * columns, dtype=np.uint8).reshape(rows, columns)
    return np.kron(ids, np.ones((height, width), np.uint8))


def _noise(height: int, width: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(1).integers(0, 6, (9, 13), dtype=np.uint8)
    rows = np.arange(height) * 9 // height
    columns = np.arange(width) * 13 // width
    return coarse[np.ix_(rows, columns)]


PICTURES = {
    "64": _blocks(2, 1, 32, 64),
    "odd": _noise(377, 613),
    "1080p": _noise(1080, 1920),
    "8000": _noise(6000, 8000),
    "low": _blocks(1, 6, 40, 300),
    "high": _blocks(6, 1, 300, 90),
    "many": _blocks(10, 6, 40, 90),
}


@pytest.mark.parametrize("labels", PICTURES.values(), ids=PICTURES)
def test_tags_lie_in_the_picture_on_their_regions_and_apart(labels: NDArray[np.uint8]) -> None:
    height, width = labels.shape
    tags = place_tags(Selection(labels), NAMES)
    assert {tag.class_id for tag in tags} <= {*np.unique(labels)}
    assert len(tags) >= 1
    for tag in tags:
        left, top, right, bottom = tag.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        # Places are looked for in a reduced picture, which may shift them a little.
        assert (labels[top:bottom, left:right] == tag.class_id).mean() >= 0.85
        assert tag.size_px >= 8
    for one, other in itertools.combinations(tags, 2):
        apart_x = one.box[2] <= other.box[0] or other.box[2] <= one.box[0]
        apart_y = one.box[3] <= other.box[1] or other.box[3] <= one.box[1]
        assert apart_x or apart_y


def test_the_largest_region_of_a_class_is_named_well_inside() -> None:
    labels = np.zeros((400, 600), np.uint8)
    labels[20:60, 20:120] = 1
    labels[100:300, 300:500] = 1
    tags = [tag for tag in place_tags(Selection(labels), NAMES) if tag.class_id == 1]
    left, top, right, bottom = tags[0].box
    assert abs((left + right) / 2 - 400) < 10
    assert abs((top + bottom) / 2 - 200) < 10


def test_regions_that_are_too_small_have_no_name() -> None:
    labels = np.zeros((400, 600), np.uint8)
    labels[100:106, 100:106] = 1
    labels[200:204, :] = 2
    assert {tag.class_id for tag in place_tags(Selection(labels), NAMES)} == {0}


def test_only_what_is_drawn_is_named() -> None:
    labels = _blocks(2, 2, 100, 200)
    chosen = np.array([True, False, False, True])
    assert {tag.class_id for tag in place_tags(Selection(labels, chosen), NAMES)} == {0, 3}
    nothing = Selection(labels, np.zeros(4, np.bool_))
    assert place_tags(nothing, NAMES) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (5, 5)])
def test_pictures_without_room_for_letters_stay_as_they_are(shape: tuple[int, int]) -> None:
    assert place_tags(Selection(np.zeros(shape, np.uint8)), ["a"]) == []


@pytest.mark.parametrize("shape", [(8, 8000), (8000, 8), (1, 70000)])
def test_pictures_thinner_than_a_step_have_no_room_either(shape: tuple[int, int]) -> None:
    half_drawn = Selection(np.zeros(shape, np.uint8), np.array([True]))
    assert place_tags(half_drawn, NAMES) == []


def test_long_names_are_cut_to_what_a_region_holds() -> None:
    tags = place_tags(Selection(np.zeros((400, 600), np.uint8)), ["long " * 1000])
    assert tags[0].text.endswith("...")


@pytest.mark.parametrize("color", [(255, 255, 255), (0, 0, 0), (120, 120, 120), (0, 0, 255)])
@pytest.mark.parametrize("background", [0, 128, 255])
def test_tags_show_on_any_background(color: tuple[int, int, int], background: int) -> None:
    picture = np.full((200, 300, 3), background, np.uint8)
    tags = place_tags(Selection(np.zeros((200, 300), np.uint8)), ["road"])
    draw_tags(picture, tags, [color])
    left, top, right, bottom = tags[0].box
    patch = picture[top:bottom, left:right].astype(int)
    assert (patch == np.array(color[::-1])).all(axis=-1).mean() > 0.3
    assert np.ptp(patch.mean(axis=-1)) > 80
    picture[top:bottom, left:right] = background
    assert (picture == background).all()


def test_letters_grow_with_the_picture() -> None:
    assert letter_size(64, 64) == 9
    assert letter_size(512, 512) == 16
    assert letter_size(6000, 8000) == 119


def test_places_run_out() -> None:
    places = Places(Selection(np.zeros((50, 100), np.uint8)))
    boxes = [places.take(places.regions[0], 30, 60) for _ in range(5)]
    left, top, right, bottom = boxes[0]
    assert (right - left, bottom - top) == (60, 30)
    assert boxes[-1] is None


def test_drawing_no_tags_changes_nothing() -> None:
    picture = np.full((20, 20, 3), 7, np.uint8)
    draw_tags(picture, list[NameTag](), distinct_palette(3))
    assert (picture == 7).all()
