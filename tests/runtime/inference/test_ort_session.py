import os
from pathlib import Path

import pytest

from ppmobileseg_deploy.runtime.inference.ort_session import memory_bytes

V2, V1 = "sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({V2: "500000000\n"}, 500_000_000),
        ({V1: "300000000\n"}, 300_000_000),
        ({V2: "max\n"}, None),
        ({V1: "9223372036854771712\n"}, None),
        ({V2: "\xff"}, None),
        ({}, None),
    ],
)
def test_the_least_of_machine_and_container(
    files: dict[str, str], expected: int | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
    machine = memory_bytes(tmp_path / "nowhere")
    assert memory_bytes(tmp_path) == (expected or machine)


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="Windows does not tell")
def test_machines_have_some_memory() -> None:
    found = memory_bytes()
    assert found is not None
    assert found > 100_000_000
