"""Batches on a real Ray: as on one machine, whatever is killed."""

import subprocess
import time
from pathlib import Path

import pytest
from conftest import MODEL
from nodes import PPMS, Nodes

from ppmobileseg_deploy.cluster.verifying import verify_batch


@pytest.fixture(scope="module")
def expected(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of one machine."""
    out = tmp_path_factory.mktemp("local") / "out"
    command = [PPMS, "batch", photographs, out, "-m", MODEL, "--rows-per-file", "4"]
    subprocess.run([str(each) for each in command], check=True, capture_output=True)
    return _files(out)


def _files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*")}


def _wait_for(process: "subprocess.Popen[str]", out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and len([*out.glob("part-*")]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("killed", ["nothing", "a worker", "a node", "the driver"])
def test_every_image_once_and_the_bytes_of_one_machine(
    nodes: Nodes, photographs: Path, tmp_path: Path, expected: dict[str, bytes], killed: str
) -> None:
    out = tmp_path / "out"
    options = (photographs, out, "-m", MODEL, "--rows-per-file", "4")
    process = nodes.start(*options)
    _wait_for(process, out, 3)
    if killed == "a worker":
        while not nodes.kill_worker(0):
            assert process.poll() is None
            time.sleep(0.02)
    elif killed == "a node":
        nodes.kill_node(0)
    elif killed == "the driver":
        process.kill()
    _, errors = process.communicate(timeout=100)
    if killed == "a node":
        nodes.add()
    if killed == "the driver":
        _, errors = (process := nodes.start(*options, "--resume")).communicate(timeout=100)
    assert process.returncode == 0, errors
    assert verify_batch(str(out)).faults == ()
    assert _files(out) == expected


def test_no_machine_has_so_many_cpus(nodes: Nodes, photographs: Path, tmp_path: Path) -> None:
    process = nodes.start(photographs, tmp_path / "out", "-m", MODEL, "--threads", "3")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "expected at most 1 threads, the CPUs of the cluster's largest machine" in errors


def test_nothing_is_begun_where_no_cluster_answers(
    monkeypatch: pytest.MonkeyPatch, photographs: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    command = [PPMS, "batch", photographs, tmp_path / "out", "-m", MODEL, "--engine", "ray"]
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no cluster of Ray answers at '127.0.0.1:1'" in done.stderr
    assert not (tmp_path / "out").exists()
