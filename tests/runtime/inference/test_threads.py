import os
from pathlib import Path

import pytest

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.runtime.inference import threads
from ppmobileseg_deploy.runtime.inference.threads import (
    allowed_threads,
    cgroup_limit,
    openmp_threads,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", 4),
        (" 4 ", 4),
        ("+4", 4),
        ("4,2,1", 4),
        ("999999", 1024),
        ("", None),
        ("0", None),
        ("-2", None),
        ("all", None),
        ("1_0", None),
        ("2.5", None),
    ],
)
def test_what_openmp_is_told_counts(text: str, expected: int | None) -> None:
    assert openmp_threads(text) == expected


V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {f"{V2}/cpu.max": "100000 100000\n"}, 1),
        ("0::/\n", {f"{V2}/cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {f"{V2}/cpu.max": "250000 100000\n"}, 3),
        ("0::/\n", {f"{V2}/cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        ("", {}, None),
        ("0::/\n", {f"{V2}/cpu.max": ""}, None),
        ("0::/\n", {f"{V2}/cpu.max": "100000 0\n"}, None),
        ("0::/a/b\n", {f"{V2}/a/b/cpu.max": "800 100\n", f"{V2}/a/cpu.max": "200 100\n"}, 2),
        ("0::/a/b\n", {f"{V2}/a/b/cpu.max": "max 100\n", f"{V2}/a/cpu.max": "200 100\n"}, 2),
        ("0::/../../pod\n", {f"{V2}/cpu.max": "200 100\n"}, 2),
        ("0::/docker/4f\n", {f"{V2}/cpu.max": "200 100\n"}, 2),
        (
            "5:cpu,cpuacct:/docker/4f\n1:name=systemd:/\n",
            {f"{V1}/cpu.cfs_quota_us": "150000\n", f"{V1}/cpu.cfs_period_us": "100000\n"},
            2,
        ),
        (
            "5:cpu,cpuacct:/\n",
            {f"{V1}/cpu.cfs_quota_us": "-1\n", f"{V1}/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        (
            "4:cpuset:/\n3:cpu:/a\n0::/\n",
            {
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "400\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100\n",
                f"{V2}/unified/cpu.max": "300 100\n",
            },
            3,
        ),
        ("nonsense\n:::\n", {f"{V2}/cpu.max": "200 100\n"}, None),
    ],
)
def test_a_container_sets_the_limit(
    groups: str, files: dict[str, str], expected: int | None, tmp_path: Path
) -> None:
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert cgroup_limit(tmp_path) == expected


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Eight cores, and nothing restricted."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "cgroup_limit", lambda: None)
    monkeypatch.setattr(threads, "_siblings", str)
    return monkeypatch


def test_where_nothing_is_restricted_onnx_runtime_chooses(
    machine: pytest.MonkeyPatch, rgb_model: Path
) -> None:
    assert allowed_threads() is None
    options = OrtSegmenter(rgb_model)._sessions.dynamic.lazy.inference.get_session_options()
    assert options.intra_op_num_threads == 0


def test_the_least_limit_counts(machine: pytest.MonkeyPatch, rgb_model: Path) -> None:
    machine.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5})
    assert allowed_threads() == 4
    machine.setattr(threads, "_siblings", lambda processor: str(processor // 2))
    assert allowed_threads() == 3
    machine.setenv("OMP_NUM_THREADS", "6")
    assert allowed_threads() == 3
    machine.setattr(threads, "cgroup_limit", lambda: 2)
    assert allowed_threads() == 2
    options = OrtSegmenter(rgb_model)._sessions.dynamic.lazy.inference.get_session_options()
    assert options.intra_op_num_threads == 2
    options = OrtSegmenter(
        rgb_model, threads=7
    )._sessions.dynamic.lazy.inference.get_session_options()
    assert options.intra_op_num_threads == 7


def test_systems_without_affinity_are_unrestricted(machine: pytest.MonkeyPatch) -> None:
    machine.delattr(os, "sched_getaffinity")
    assert allowed_threads() is None
