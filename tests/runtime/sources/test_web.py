"""Addresses are fetched from servers of every manner, within limits, without telling secrets."""

import base64
import http.server
import socket
import threading
import time
from contextlib import contextmanager, suppress

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import find_sources, hosts, read_frames, web

PNG = cv2.imencode(".png", np.full((4, 5, 3), 7, np.uint8))[1].tobytes()


@contextmanager
def _serving(answers, host="127.0.0.1"):
    """Run a server on the loopback: path to a function that gets the request's handler."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with suppress(ConnectionError):
                answers[self.path](self)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve(monkeypatch):
    """Serve what a test adds to a table; ``serve(path, function)`` returns the address."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    answers = {}
    with _serving(answers) as host:

        def add(path, answer):
            answers[path] = answer
            return f"http://{host}{path}"

        yield add


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def _send(content, status=200, headers=()):
    def answer(handler):
        handler.send_response(status)
        for name, value in dict(headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def _to(target, status=302, content=b""):
    return _send(content, status, {"Location": target})


@pytest.mark.parametrize("headers", [{}, {"Content-Length": len(PNG)}, {"Content-Type": "a/b"}])
def test_an_image_is_fetched(serve, headers):
    address = serve("/a%20b/c.png?size=1", _send(PNG, headers=headers)).replace("%20", " ")
    (source,) = find_sources([address]).sources
    (frame,) = read_frames(source)
    assert frame.image_bgr.shape == (4, 5, 3)
    with pytest.raises(ImageError, match=r"/c\.png\?\.\.\.: expected 1 to 19 pixels"):
        list(read_frames(source, max_pixels=19))


def test_a_server_learns_who_asks(serve):
    seen = {}

    def answer(handler):
        seen.update(handler.headers)
        _send(PNG)(handler)

    assert web.fetch_image(serve("/a.png", answer)) == PNG
    assert seen["User-Agent"].startswith("ppmobileseg-deploy/")
    assert "Authorization" not in seen


def test_for_servers_no_private_host_is_asked_not_even_first(serve, monkeypatch):
    asked = []
    address = serve("/a.png", asked.append)
    monkeypatch.setenv("http_proxy", address)  # which would connect by itself
    for each in (address, address.replace("127.0.0.1", "localhost"), "http://[::1]:9/a.png"):
        with pytest.raises(ImageError, match=r"expected a public address, found a private one$"):
            web.fetch_image(each, public_only=True)
    # A name that is public when it is looked up, and private when it is connected to.
    monkeypatch.setattr(hosts.Reach, "check_name", lambda *_: None)
    with pytest.raises(ImageError, match=r"expected a public address, found a private one$"):
        web.fetch_image(address, public_only=True)
    assert asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/b.png", "b.png", "ADDRESS"])
def test_redirects_are_followed(serve, status, target):
    address = serve("/b.png", _send(PNG))
    assert web.fetch_image(serve("/a", _to(target.replace("ADDRESS", address), status))) == PNG


def test_credentials_go_to_their_own_host_only(serve):
    seen = []

    def answer(handler):
        seen.append(handler.headers.get("Authorization"))
        _send(PNG)(handler)

    expected = "Basic " + base64.b64encode(b"me:pass@word").decode()
    with _serving({"/a.png": answer}) as other:
        serve("/a.png", answer)
        serve("/same", _to("/a.png"))
        address = serve("/other", _to(f"http://{other}/a.png"))
        host = address.split("/")[2]
        web.fetch_image(f"http://me:pass%40word@{host}/a.png")
        web.fetch_image(f"http://me:pass%40word@{host}/same")
        web.fetch_image(f"http://me:pass%40word@{host}/other")
    assert seen == [expected, expected, None]


def _announce_too_much(handler):
    _send(PNG, headers={"Content-Length": 10**12})(handler)


def _send_too_much(handler):
    _send(PNG)(handler)
    for _ in range(1000):
        handler.wfile.write(bytes(1 << 20))


def _break_off(handler):
    _send(PNG[:-10], headers={"Content-Length": len(PNG)})(handler)


def _say_nonsense(handler):
    handler.wfile.write(b"\x1b[31mroot\r\n\r\n")


def _say_much(handler):
    handler.wfile.write(b"HTTP/1.1 200 root" + b"t" * 100_000)


def _hang_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


def _odd_status(handler):
    handler.wfile.write(b"HTTP/1.1 499 root\r\n\r\n")


def _page(handler):
    _send(b"<!DOCTYPE html>", headers={"Content-Type": "text/html; charset=x"})(handler)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_send(b"", 404), "expected status 200, found 404 Not Found"),
        (_send(PNG, 206), "expected status 200, found 206 Partial Content"),
        (_page, "GIF, PGM or PPM image, found a web page"),
        (
            _send(b"root:x:0:0", headers={"Content-Type": "root"}),
            "PPM image, found something else",
        ),
        (_send(b""), "the answer ended early"),
        (_break_off, "the answer ended early"),
        (_say_nonsense, "expected an answer in HTTP, found something else"),
        (_say_much, "expected an answer in HTTP, found something else"),
        (_hang_up, "the answer ended early"),
        (_odd_status, "expected status 200, found 499"),
        (_announce_too_much, "expected at most 1048576 bytes, found more"),
        (_send_too_much, "expected at most 1048576 bytes, found more"),
        (_to("/a.png"), "expected at most 10 redirects"),
        (_to("file:///root"), "expected a redirect to an http(s) address, found another one"),
        (_to("root://127.0.0.1/a.png"), "expected a redirect to an http(s) address"),
        (_to("//[::1/root.png"), "expected a redirect to an http(s) address"),
        (_to("http://root..invalid/"), "expected a host that exists, found none of this name"),
        (_to(f"http://{'root' * 20}.invalid/"), "expected a host that exists"),
        (_send(b"", 302), "expected status 200, found 302 Found"),
    ],
)
def test_answers_that_are_no_image_are_one_error(serve, answer, said):
    address = serve("/a.png", answer)
    secret = address.replace("http://", "http://me:secret@") + "#hidden"
    with pytest.raises(ImageError) as raised:
        web.fetch_image(secret, max_bytes=1 << 20)
    error = str(raised.value)
    assert error.startswith(f"cannot fetch {address}: ")
    assert said in error
    assert "secret" not in error
    assert "root" not in error  # of what was answered, nothing is quoted
    assert error.isprintable()


@pytest.mark.parametrize(
    "content", [PNG[:30] + b"root" + PNG[34:], b"P5 root", b"BM root\0root", b"II*\0rootroot"]
)
def test_what_a_decoder_says_of_the_content_is_not_quoted(serve, content):
    (source,) = find_sources([serve("/a.png", _send(content))]).sources
    with pytest.raises(ImageError, match=r"a\.png: expected a complete image, found") as raised:
        list(read_frames(source))
    assert "root" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.fixture
def public(monkeypatch):
    """Take 127.0.0.1 for an address of the public internet; 127.0.0.2 is private as ever."""
    monkeypatch.setattr(
        hosts, "is_private", lambda ip: ip != "127.0.0.1" and addresses_is_private(ip)
    )


addresses_is_private = hosts.is_private


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:PORT/b.png",
        "http://2130706434:PORT/b.png",
        "http://127.2:PORT/b.png",
        "http://127.0.0%2e2:PORT/b.png",
        "http://[::ffff:127.0.0.2]:PORT/b.png",
        "http://[::1]:PORT/b.png",
        "http://me@127.0.0.2:PORT/b.png",
        "https://127.0.0.2:PORT/b.png",
        "http://0.0.0.0:PORT/b.png",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_a_public_server_leads_nobody_into_a_private_network(serve, public, monkeypatch, target):
    contacted = []
    connect = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda *a, **k: contacted.append(a[0][0]) or connect(*a, **k)
    )
    serve("/b.png", _send(PNG))
    answers = {}
    with _serving(answers) as host:
        answers["/a.png"] = _to(target.replace("PORT", host.rpartition(":")[2]))
        with pytest.raises(ImageError) as raised:
            web.fetch_image(f"http://{host}/a.png")
    assert str(raised.value) == (
        f"cannot fetch http://{host}/a.png: expected an image or a redirect to another public "
        "address, found a redirect to a private one"
    )
    assert contacted == ["127.0.0.1"]


def test_a_name_that_changes_its_address_meanwhile_is_sent_nothing(serve, public, monkeypatch):
    asked = []
    serve("/a.png", _to("http://rebound.invalid:PORT/b.png"))
    real = socket.getaddrinfo

    def answer(host, port, *arguments, **options):
        if host == "rebound.invalid":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return real(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    requests = []
    with _serving({"/b.png": requests.append}, "127.0.0.2") as other:
        port = other.rpartition(":")[2]
        address = serve("/a.png", _to(f"http://rebound.invalid:{port}/b.png"))
        with pytest.raises(ImageError, match="found a redirect to a private one"):
            web.fetch_image(address)
    assert len(asked) == 2
    assert requests == []


def test_public_servers_lead_to_each_other(serve, public):
    serve("/b.png", _to("/c.png"))
    serve("/c.png", _send(PNG))
    assert web.fetch_image(serve("/a.png", _to("/b.png"))) == PNG


def test_a_private_server_may_lead_to_another(serve):
    with _serving({"/b.png": _send(PNG)}, "127.0.0.2") as other:
        assert web.fetch_image(serve("/a.png", _to(f"http://{other}/b.png"))) == PNG


@pytest.mark.parametrize("target", ["127.0.0.2", "localhost", "x.localhost.", "127.1", "[::1]"])
def test_a_proxy_is_not_asked_for_a_private_address_either(serve, monkeypatch, target):
    # The proxy itself is on the loopback, which says nothing of where it leads.
    address = "http://example.invalid/a.png"
    proxy = serve(address, _to(f"http://{target}/b.png")).split("http://example")[0]
    serve(f"http://{target}/b.png", _send(PNG))
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ImageError, match="found a redirect to a private one"):
        web.fetch_image(address)
    first = f"http://{target}/first.png"
    serve(first, _to(f"http://{target}/b.png"))
    assert web.fetch_image(first) == PNG


def test_what_comes_with_a_redirect_is_not_read(serve):
    def answer(handler):
        _to("/b.png")(handler)
        _send_too_much(handler)

    serve("/b.png", _send(PNG))
    start = time.monotonic()
    assert web.fetch_image(serve("/a.png", answer)) == PNG
    assert time.monotonic() - start < 2


def _wait(handler):
    handler.connection.recv(1)  # until the client has gone


def _drip(first, each):
    def answer(handler):
        handler.wfile.write(first)
        for _ in range(500):
            time.sleep(0.01)
            handler.wfile.write(each)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_drip(b"", b"H"), id="status"),
        pytest.param(_drip(b"HTTP/1.0 200 OK\r\n", b"a: b\r\n"), id="headers"),
        pytest.param(_drip(b"HTTP/1.0 200 OK\r\n\r\n" + PNG, b"\0"), id="content"),
        pytest.param(_wait, id="silence"),
    ],
)
def test_everything_together_takes_no_longer_than_allowed(serve, answer):
    address = serve("/a.png", answer)
    start = time.monotonic()
    with pytest.raises(ImageError, match=r"expected an answer within 0\.2 s, found none"):
        web.fetch_image(address, limit_s=0.2)
    assert time.monotonic() - start < 3


def test_a_silent_server_is_given_up(serve, monkeypatch):
    monkeypatch.setattr(web, "_SILENCE_S", 0.1)
    address = serve("/a.png", _wait)
    with pytest.raises(ImageError, match=r"no answer for 0\.1 s"):
        web.fetch_image(address)


def test_a_closed_port_is_one_error(serve):
    with _serving({}) as host:
        pass
    with pytest.raises(
        ImageError, match=rf"cannot fetch http://{host}/a\?\.\.\.: Connection refused"
    ):
        web.fetch_image(f"http://{host}/a?token=1")


def test_a_proxy_is_used(serve, monkeypatch):
    proxy = serve("http://example.invalid/a.png", _send(PNG)).split("http://example")[0]
    monkeypatch.setenv("http_proxy", proxy)
    assert web.fetch_image("http://example.invalid/a.png") == PNG


def test_a_certificate_that_nobody_vouches_for_is_refused(serve):
    address = serve("/a.png", _send(PNG)).replace("http://", "https://")
    with pytest.raises(ImageError, match="cannot fetch https://"):
        web.fetch_image(address)
