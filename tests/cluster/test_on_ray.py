"""What Ray says of a lost task, where it is looked for; `tests/cluster_ray` runs Ray itself."""

import socket
from contextlib import closing

import pytest

from ppmobileseg_deploy.cluster.on_ray import check_address, plain_line
from ppmobileseg_deploy.errors import UsageError


def test_messages_of_ray_lose_their_colours_and_line_breaks():
    message = (
        "\x1b[36mray::_make()\x1b[39m (pid=7, ip=10.0.0.1)\n  At least one input\n" + "x" * 999
    )
    line = plain_line(message)
    assert line.startswith("ray::_make() (pid=7, ip=10.0.0.1) At least one input xxx")
    assert len(line) == 200
    assert line.isprintable()


@pytest.fixture
def port():
    """A port that nobody else can take: nothing answers there until it listens."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        yield held


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "localhost:{}", "ray://127.0.0.1:{}"])
def test_an_address_has_to_answer(monkeypatch, port, form):
    address = form.format(port.getsockname()[1])
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match="no cluster of Ray answers") as raised:
        check_address()
    assert repr(address) in str(raised.value)
    port.listen()
    check_address()


@pytest.mark.parametrize(
    "address", ["nonsense", ":6379", "head:", "head:0", "head:65536", "head:1e3", "head:\u0662"]
)
def test_what_is_no_address(monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match="expected the address of a cluster of Ray"):
        check_address()


@pytest.mark.parametrize("address", ["", "auto"])
def test_an_address_that_a_killed_ray_left_behind(monkeypatch, tmp_path, port, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    check_address()  # there is none: Ray starts one
    noted = tmp_path / "ray" / "ray_current_cluster"
    noted.parent.mkdir()
    noted.write_text(f"127.0.0.1:{port.getsockname()[1]}")
    with pytest.raises(UsageError, match=r"ray_current_cluster.*RAY_ADDRESS=local starts one"):
        check_address()
    monkeypatch.setenv("RAY_ADDRESS", "local")
    check_address()
