"""A server under load, and a client that costs so little that the load is the server's."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_LIMIT_S = 120.0
_SERVE = (sys.executable, "-u", "-m", "ppmobileseg_deploy", "serve")


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: Of HTTP; 0 where the connection ended without an answer.
        body: The content.
        seconds: From connecting to the last byte.
    """

    status: int
    body: bytes
    seconds: float


class Server:
    """``ppms serve`` in a process of its own, with its log in a file."""

    def __init__(self, model: Path, folder: Path, *options: str) -> None:
        self.log = folder / "serve.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*_SERVE, "-m", str(model), "--port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        address = self.process.stdout.readline().strip()
        self.port = int(address.rpartition(":")[2].strip("/"))

    def memory_mb(self) -> float:
        """Memory that the process holds now, in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise LookupError("VmRSS")

    def end(self) -> int:
        """Tell it to end; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.process.stdout.close()
        return code

    def requests(self) -> list[dict]:
        """The log's lines about images."""
        lines = (json.loads(each) for each in self.log.read_text().splitlines() if each[0] == "{")
        return [each for each in lines if each.get("route") == "/v1/segment"]

    def has_traceback(self) -> bool:
        """Whether the log has one."""
        return "Traceback" in self.log.read_text()


def request(body: bytes, path: str = "/v1/segment?format=labels") -> bytes:
    """Write a request that sends an image."""
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


async def ask(port: int, content: bytes, limit_s: float = _LIMIT_S) -> Answer:
    """Send bytes and read all that comes back.

    Raises:
        TimeoutError: The connection stays open for longer than that.
    """
    start = perf_counter()
    answer = await asyncio.wait_for(_ask(port, content), limit_s)
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        head, _, body = body.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head)
    if length is not None:  # what follows answers what looked like a second request
        body = body[: int(length[1])]
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return Answer(status, body, perf_counter() - start)


async def _ask(port: int, content: bytes) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    answer = b""
    try:
        writer.write(content)
        await writer.drain()
    except OSError:
        pass  # a refusal may come before all was sent
    try:
        while piece := await reader.read(1 << 16):
            answer += piece
    except OSError:
        pass
    finally:
        writer.close()
    return answer
