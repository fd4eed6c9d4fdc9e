"""A server in a process of its own, as `ppms serve` starts it, and what it should answer."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from ppmobileseg_deploy import OrtSegmenter

DEMO_MODEL = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"
PHOTO = Path(__file__).parents[2] / "demo" / "images" / "avenue.jpg"


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = process.stdout.readline().strip().removesuffix("/")
        self.log: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def _read(self) -> None:
        self.log.extend(iter(self.process.stderr.readline, ""))

    @property
    def lines(self) -> list[dict]:
        """The log."""
        return [json.loads(line) for line in self.log if line.startswith("{")]

    def segment(self, content: bytes, **query) -> httpx.Response:
        """Send an image."""
        return self.http.post("/v1/segment", params=query, content=content)

    def metric(self, name: str) -> float:
        """A metric by its name and labels, as /metrics writes them; 0 where it is not there."""
        for line in self.http.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def end(self) -> int:
        """Tell it to end; return its exit code."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self._reading.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@contextmanager
def _running(model: Path | str, *options: str) -> Iterator[Server]:
    command = [sys.executable, "-u", "-m", "ppmobileseg_deploy", "serve", "-m", str(model)]
    process = subprocess.Popen(
        [*command, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
    )
    server = Server(process)
    try:
        yield server
    finally:
        server.end()


@pytest.fixture(scope="session")
def running() -> Callable:
    """``with running(model, "--queue", "0") as server``: another server than the usual one."""
    return _running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server of the demo model that all tests share."""
    with _running(DEMO_MODEL, "--workers", "2", "--threads", "1") as running:
        yield running


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A photograph."""
    image_bgr = cv2.resize(cv2.imread(str(PHOTO)), (192, 128))
    return cv2.imencode(".png", image_bgr)[1].tobytes()


@pytest.fixture(scope="session")
def expected(photo):
    """What the runtime finds in it."""
    return OrtSegmenter(DEMO_MODEL, threads=1)(photo)


@pytest.fixture(scope="session")
def slow_model(looping_model, tmp_path_factory) -> Path:
    """A model that takes about a second for an image, whatever its size."""
    path = tmp_path_factory.mktemp("slow") / "slow.onnx"
    path.write_bytes(looping_model(700_000))
    return path


@pytest.fixture(scope="session")
def small() -> bytes:
    """An image of a few pixels."""
    return cv2.imencode(".png", np.full((32, 32, 3), 99, np.uint8))[1].tobytes()
