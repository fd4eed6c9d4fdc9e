import pytest

from ppmobileseg_deploy import ade20k
from ppmobileseg_deploy.palettes import distinct_palette


@pytest.mark.parametrize("num_classes", [1, 2, 19, 150, 255])
def test_colours_differ_and_none_is_black(num_classes: int) -> None:
    palette = distinct_palette(num_classes)
    assert len(set(palette)) == num_classes
    assert (0, 0, 0) not in palette
    assert all(0 <= channel <= 255 for rgb in palette for channel in rgb)


def test_colours_do_not_depend_on_the_count() -> None:
    assert distinct_palette(300)[:19] == distinct_palette(19)


@pytest.mark.parametrize(
    ("class_id", "name", "rgb"),
    [
        (0, "wall", (120, 120, 120)),
        (2, "sky", (6, 230, 230)),
        (6, "road", (140, 140, 140)),
        (12, "person", (150, 5, 61)),
        (149, "flag", (92, 0, 255)),
    ],
)
def test_ade20k(class_id: int, name: str, rgb: tuple[int, int, int]) -> None:
    assert len(ade20k.NAMES) == len(ade20k.PALETTE_RGB) == len(set(ade20k.NAMES)) == 150
    assert (ade20k.NAMES[class_id], ade20k.PALETTE_RGB[class_id]) == (name, rgb)
