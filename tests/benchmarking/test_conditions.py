from dataclasses import replace

import pytest

from ppmobileseg_deploy.benchmarking import find_conditions


def test_conditions_name_machine_and_versions() -> None:
    found = find_conditions()
    assert 1 <= found.cores <= found.machine_cores
    assert "onnxruntime" in found.versions
    assert found.cpu in str(found)


@pytest.mark.parametrize(
    ("load", "busy"), [(None, False), (0.0, False), (4.0, False), (4.1, True)]
)
def test_a_machine_is_busy_when_more_wants_to_run_than_it_has_cores(
    load: float | None, busy: bool
) -> None:
    # Cores that this process may not use carry load all the same.
    found = replace(find_conditions(), cores=1, machine_cores=4, load=load)
    assert found.busy is busy
    assert "1 of 4 cores" in str(found)
    assert ("load" in str(found)) is (load is not None)
