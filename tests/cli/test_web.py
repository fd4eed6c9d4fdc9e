"""``ppms web``: a page's folder, served until Ctrl-C."""

import http.client
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from ppmobileseg_deploy.cli.ppms import main

# What runs in the background of a shell ignores Ctrl-C, and so would the processes of its tests.
_WEB = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ppmobileseg_deploy.cli.ppms import main
main()
"""


def test_it_serves_until_it_is_interrupted(tmp_path):
    (tmp_path / "index.html").write_text("the page")
    command = [sys.executable, "-u", "-c", _WEB, "web", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        address = urlsplit(server.stdout.readline().strip())
        assert (address.scheme, address.hostname, address.path) == ("http", "127.0.0.1", "/")
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the page"
        connection.close()
        server.send_signal(signal.SIGINT)
        try:
            out, err = server.communicate(timeout=20)
        finally:
            server.kill()
    assert (server.returncode, out) == (130, "")
    assert err == "Ctrl-C ends it.\ninterrupted\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "error: expected a folder, found nothing at none\n"),
        (["."], "error: expected a folder with index.html, as ppms-export --web writes it, found"),
        (["page", "--port", "99999"], "error: cannot serve at 127.0.0.1, port 99999: "),
        (["page", "--host", "no host"], "error: cannot serve at no host, port 8000: "),
    ],
)
def test_what_cannot_be_served_is_one_line(in_process, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("the page")
    code, out, err = in_process("ppms", main)("web", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
