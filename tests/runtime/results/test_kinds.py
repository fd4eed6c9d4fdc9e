import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.results.kinds import KINDS, check_kinds, parse_kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("overlay", ("overlay",)),
        ("labels,color", ("labels", "color")),
        (",".join(KINDS), KINDS),
        (" Overlay , labels,overlay", ("overlay", "labels")),
    ],
)
def test_kinds_are_read(text, kinds):
    assert parse_kinds(text) == kinds


@pytest.mark.parametrize("text", ["", "overlays", "overlay,", "overlay labels"])
def test_unknown_kinds_are_refused(text):
    with pytest.raises(UsageError, match="expected kinds of result from overlay, color, labels"):
        parse_kinds(text)


@pytest.mark.parametrize(
    ("kinds", "class_count"), [(KINDS, 256), (("overlay", "labels"), 257), ((), 0)]
)
def test_classes_fit_the_kinds(kinds, class_count):
    check_kinds(kinds, class_count)


def test_too_many_classes_for_a_palette_are_refused():
    with pytest.raises(UsageError, match=r"at most 256 classes for indexed.* found 257"):
        check_kinds(("overlay", "indexed"), 257)
