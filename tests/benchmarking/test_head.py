import pytest

from ppmobileseg_deploy import UsageError
from ppmobileseg_deploy.benchmarking.head import FORMS, HeadRow, measure_head
from ppmobileseg_deploy.benchmarking.timing import Spread


def test_every_form_is_timed_with_so_many_classes() -> None:
    rows = measure_head(1, 16, (5, 9), (2, 7), num_classes=20, threads=1)
    assert [row.classes_present for row in rows] == [2, 7]
    for row in rows:
        assert tuple(row.latency_ms) == FORMS
        assert row.differing["off"] == row.differing["cell"] == 0
        assert (row.grid_hw, row.num_classes, row.threads) == ((5, 9), 20, 1)


@pytest.mark.parametrize(
    ("grid_hw", "count", "most"), [((32, 32), 21, 20), ((2, 3), 7, 6), ((32, 32), 0, 20)]
)
def test_more_classes_than_there_can_be_are_refused(
    grid_hw: tuple[int, int], count: int, most: int
) -> None:
    with pytest.raises(UsageError, match=f"expected 1 to {most} classes present, found {count}"):
        measure_head(1, 16, grid_hw, (count,), num_classes=20)


def test_ratios_are_to_off() -> None:
    latency = {
        "off": Spread(80, 1, 1, 1),
        "image": Spread(20, 1, 1, 1),
        "cell": Spread(2, 1, 1, 1),
    }
    row = HeadRow(16, None, (32, 32), 150, 15, latency, {})
    assert [row.ratio(form) for form in FORMS] == [1, 4, 40]
