"""The small server: headers, types, and nothing but the files of its folder."""

import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.web import PageServer
from ppmobileseg_deploy.web.serving import HEADERS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    page = tmp_path / "page"
    (page / "onnxruntime").mkdir(parents=True)
    for name in ("index.html", "app.js", "model.onnx", "onnxruntime/ort.wasm", "end2end.json"):
        (page / name).write_text(name)
    (tmp_path / "secret.txt").write_text("secret")
    return page


@pytest.fixture
def connection(folder: Path) -> Iterator[http.client.HTTPConnection]:
    with PageServer(folder, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)
        yield connection
        connection.close()
        server.shutdown()
        thread.join()


def answer(
    connection: http.client.HTTPConnection, path: str, method: str = "GET"
) -> tuple[int, str, http.client.HTTPMessage]:
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read().decode(), response.headers


@pytest.mark.parametrize(
    ("path", "content", "content_type"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/app.js", "app.js", "text/javascript; charset=utf-8"),
        ("/app.js?x=1", "app.js", "text/javascript; charset=utf-8"),
        ("/model.onnx", "model.onnx", "application/octet-stream"),
        ("/end2end.json", "end2end.json", "application/json"),
        ("/onnxruntime/ort.wasm", "onnxruntime/ort.wasm", "application/wasm"),
    ],
)
def test_files_come_with_their_type_and_isolated(connection, path, content, content_type):
    status, body, headers = answer(connection, path)
    assert (status, body, headers["Content-Type"]) == (200, content, content_type)
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "Python" not in headers["Server"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/none.js", 404),
        ("/onnxruntime/", 404),
        ("/../secret.txt", 404),
        ("/%2e%2e/secret.txt", 404),
        ("/..%2fsecret.txt", 404),
        ("//127.0.0.1/../secret.txt", 404),
    ],
)
def test_nothing_else_is_served(connection, path, status):
    found, body, headers = answer(connection, path)
    assert (found, "secret\n" in body) == (status, False)
    assert {name: headers[name] for name in HEADERS} == HEADERS


def test_nothing_can_be_sent_to_it(connection):
    assert answer(connection, "/app.js", "POST")[0] == 501


def test_a_port_that_is_taken_is_one_line(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^cannot serve at 127\.0\.0\.1, port {port}: "):
            PageServer(folder, "127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("no such host", 0), ("127.0.0.1", 70_000)])
def test_so_is_an_address_that_is_none(folder, host, port):
    with pytest.raises(UsageError, match=f"^cannot serve at {host}, port {port}: "):
        PageServer(folder, host, port)
