"""``ppms serve`` refuses what makes no sense in one line, before it listens."""

import socket

import pytest

from ppmobileseg_deploy.cli.ppms import main
from ppmobileseg_deploy.cli.serve import parse_bytes
from ppmobileseg_deploy.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "none.onnx"], "error: "),
        (["--port", "99999"], "error: expected a port of 0 to 65535, found 99999"),
        (["--host", "no host"], "error: cannot serve at no host, port 8000: "),
        (["--workers", "0"], "error: expected 1 to "),
        (["--queue", "-1"], "error: expected a queue of 0 to 10000, found -1"),
        (["--timeout", "nan"], "error: expected a timeout of 1 to 3600 seconds, found nan"),
        (["--max-body", "big"], "error: expected a size such as 500k or 32MiB, found 'big'"),
        (["--max-body", "2g"], "error: expected a largest body of 1 byte to 1GiB, found 2147"),
        (["--max-pixels", "0"], "error: expected max_pixels of 1 or more, found 0"),
        (["--cors", "example.org"], "error: expected the origin of a web site, such as "),
        (["--cors", "*"], "error: expected the origin of a web site, such as "),
        (["--api-key-file", "none"], "error: cannot read the API keys in none: No such file"),
        (["--api-key-file", "empty"], "error: expected API keys in empty, one a line, found none"),
        (["--api-key-file", "short"], "error: expected keys of at least 16 letters, digits and"),
    ],
)
def test_wrong_use_is_one_line(in_process, desk, arguments, message):
    (desk / "empty").write_text("# nothing\n")
    (desk / "short").write_text("long-enough-for-a-key\nsecret\n")
    code, out, err = in_process("ppms", main)("serve", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert "secret" not in err


def test_a_port_that_is_taken_is_named(in_process, desk):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = in_process("ppms", main)("serve", "--port", str(port))
    assert code == 2
    assert err == f"error: cannot serve at 127.0.0.1, port {port}: Address already in use\n"


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("500k", 512_000), ("32MiB", 32 << 20), (" 1 gb ", 1 << 30), ("7B", 7)],
)
def test_sizes_are_read(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1.5M", "1t", "9" * 13])
def test_other_sizes_are_refused(text):
    with pytest.raises(UsageError):
        parse_bytes(text)
