"""Batches from S3 to S3, where every tenth request fails."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from conftest import MODEL
from moto.server import DomainDispatcherApplication, create_backend_app
from nodes import PPMS
from werkzeug.serving import make_server

from ppmobileseg_deploy.cluster import places
from ppmobileseg_deploy.cluster.places import Place


class _Flaky:
    """A server in front of which every tenth request is refused for now."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._lock = threading.Lock()
        self.requests = self.refused = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        with self._lock:
            self.requests += 1
            refuse = self.requests % 10 == 0
            self.refused += refuse
        if not refuse:
            return self._app(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("503 Slow Down", [("Content-Type", "application/xml")])
        return [b"<Error><Code>SlowDown</Code><Message>later</Message></Error>"]


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Flaky]:
    app = _Flaky(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    places._system.cache_clear()
    boto3.client("s3").create_bucket(Bucket="images")
    yield app
    server.shutdown()
    thread.join()
    places._system.cache_clear()


def _run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(PPMS), "batch", *map(str, arguments)], capture_output=True, text=True
    )


def test_every_image_once_from_s3_to_s3(flaky: _Flaky, photographs: Path) -> None:
    for path in photographs.iterdir():
        Place(f"s3://images/in/a folder/{path.name}").write(path.read_bytes())
    out = "s3://images/out"
    options = ("s3://images/in/**/*.jpg", out, "-m", MODEL, "--rows-per-file", "10")
    done = _run(*options, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "error:" not in done.stderr  # Arrow itself may note that it tries again
    assert "61 images" in done.stdout
    assert "1 with an error; wrote 7 files" in done.stdout
    assert _run("verify", out).stdout.startswith("61 images, each with one row")
    boto3.client("s3").delete_object(Bucket="images", Key="out/part-00003.parquet")
    assert _run("verify", out).returncode == 1
    assert "10 images in" in _run(*options, "--resume").stdout
    assert _run("verify", out).returncode == 0
    assert flaky.refused > 10


def test_a_bucket_that_is_not_there(flaky: _Flaky) -> None:
    done = _run("s3://nothing/in", "s3://nothing/out", "-m", MODEL)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no such file or folder: s3://nothing/in" in done.stderr
