"""Five thousand requests that nobody meant: bodies, headers, forms and tensors.

    python tests/endurance/fuzz_requests.py --count 5000

Each has to be answered with a status below 500 (or 503), as JSON of one line where it is an error,
or the connection ended; no traceback in the log, and the server answers right afterwards. Exit
code 1 otherwise.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from http_client import Answer, Server, ask, request
from seeds import intact_files

MODEL = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"
NAME = "ppmobileseg_tiny_demo"
AT_A_TIME = 8

Make = Callable[[random.Random, list[bytes]], bytes]


def main() -> int:
    """Run, print the figures, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5_000, help="requests")
    parser.add_argument("--seed", type=int, default=0, help="another one makes others")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(options, Path(folder)))


async def _run(options: argparse.Namespace, folder: Path) -> int:
    images = [content for content in intact_files().values() if len(content) < 100_000]
    server = Server(
        MODEL, folder, "--max-body", "4MiB", "--max-pixels", "4000000", "--timeout", "5"
    )
    kinds: Counter[str] = Counter()
    broken: list[str] = []
    numbers = iter(range(options.first, options.first + options.count))

    async def client() -> None:
        for number in numbers:
            rng = random.Random(f"{options.seed} {number}")
            make = rng.choice(_KINDS)
            content = make(rng, images)
            try:
                answer = await ask(server.port, content, 60)
                kind = _kind(answer, content)
            except asyncio.TimeoutError:
                kind = "! no answer"
            kinds[kind] += 1
            if kind.startswith("!"):
                broken.append(f"{kind}: number {number}, {make.__name__}")

    start = time.perf_counter()
    try:
        good = request(images[0], "/v1/segment?format=json")
        before = await ask(server.port, good)
        await asyncio.gather(*(client() for _ in range(AT_A_TIME)))
        after = await ask(server.port, good)
        memory_mb = server.memory_mb()
    finally:
        code = server.end()
    print(f"{options.count} requests, seed {options.seed}, {time.perf_counter() - start:.0f} s")
    for kind, count in kinds.most_common():
        print(f"  {count:6} {kind}")
    print(f"  {memory_mb:.0f} MiB at the end")
    if (after.status, _classes(after)) != (before.status, _classes(before)):
        broken.append("the server answers otherwise afterwards")
    if server.has_traceback():
        broken.append(f"a traceback in the log:\n{server.log.read_text()[-3000:]}")
    if code != 0:
        broken.append(f"the server ended with {code}")
    for each in broken[:20]:
        print(each)
    return 1 if broken else 0


def _classes(answer: Answer) -> object:
    return json.loads(answer.body).get("classes")


def _kind(answer: Answer, asked: bytes) -> str:
    if answer.status == 0:
        return "the connection ended"
    if answer.status >= 500 and answer.status != 503:
        return f"! {answer.status}"
    if answer.status >= 400 and not asked.startswith(b"HEAD "):  # which is answered without a body
        try:
            content = json.loads(answer.body)
        except ValueError:
            return f"! {answer.status} that is no JSON"
        if list(content) != ["error"] or not content["error"].isprintable():
            return f"! {answer.status} of another form"
    return str(answer.status)


def _damaged(rng: random.Random, content: bytes) -> bytes:
    """Flip, cut, repeat or insert bytes."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if not found:
            return b""
        place = rng.randrange(len(found))
        kind = rng.randrange(5)
        if kind == 0:
            found[place] = rng.randrange(256)
        elif kind == 1:
            del found[place : place + rng.choice((1, 10, 1000))]
        elif kind == 2:
            found[place:place] = rng.randbytes(rng.choice((1, 10, 1000)))
        elif kind == 3:
            found[place:place] = found[place : place + 100] * rng.choice((1, 3, 50))
        else:
            del found[place:]
    return bytes(found)


def body(rng: random.Random, images: list[bytes]) -> bytes:
    """An image, or a damaged one, in any format of the answer."""
    image = rng.choice(images)
    chosen = rng.choice(("json", "labels", "indexed", "overlay", "color", "rle"))
    return request(_damaged(rng, image), f"/v1/segment?format={chosen}")


def query(rng: random.Random, images: list[bytes]) -> bytes:
    """Parameters of all kinds."""
    values = ("", "x", "nan", "-1", "1e999", "0,1", "sky,,", "%00", "%ff%fe", "\xe9", "9" * 400)
    names = ("format", "classes", "opacity", "url", "other", "format")
    pairs = "&".join(
        f"{rng.choice(names)}={rng.choice(values)}" for _ in range(rng.randrange(1, 5))
    )
    head = request(rng.choice(images), "/v1/segment?QUERY")
    return head.replace(b"QUERY", pairs.encode("latin-1"))


def head(rng: random.Random, images: list[bytes]) -> bytes:
    """Damaged headers before an image."""
    start, _, rest = request(rng.choice(images)).partition(b"\r\n\r\n")
    more = (
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999999",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Content-Encoding: br",
        b"Content-Type: multipart/form-data; boundary=",
        b"Content-Type: multipart/form-data; charset=none; boundary=a",
        b"Content-Type: \xff\xfe",
        b"Expect: 100-continue",
        b"Upgrade: websocket\r\nConnection: Upgrade",
        b"X-Request-ID: \x7f" + b"a" * 200,
        b"Authorization: Bearer \xff",
        b"Cookie: " + b"a=b;" * 10_000,
        b"Range: bytes=0-0,1-1",
        b"Host: ",
    )
    start += b"\r\n" + rng.choice(more)
    if rng.random() < 0.3:
        start = _damaged(rng, start)
    return start + b"\r\n\r\n" + rest


def chunked(rng: random.Random, images: list[bytes]) -> bytes:
    """A body in chunks, some of which are none."""
    image = rng.choice(images)
    size = rng.choice((1, 100, 5000))
    pieces = [image[i : i + size] for i in range(0, min(len(image), 20 * size), size)]
    text = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"
    start = b"POST /v1/segment HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    start += b"Connection: close\r\n\r\n"
    return start + (_damaged(rng, text) if rng.random() < 0.7 else text)


def form(rng: random.Random, images: list[bytes]) -> bytes:
    """A form, damaged or not."""
    image = rng.choice(images)
    disposition = rng.choice(
        (
            b'form-data; name="file"; filename="a.jpg"',
            b'form-data; name="file"',
            b"form-data; name*=utf-8''file; filename*=utf-8''%ff",
            b'form-data; filename="a"',
            b'attachment; name="file"; filename="../../etc/passwd"',
            b"",
        )
    )
    part = b"--xyz\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + image + b"\r\n"
    text = part * rng.choice((1, 1, 2, 12)) + b"--xyz--\r\n"
    if rng.random() < 0.6:
        text = _damaged(rng, text)
    return request(text).replace(
        b"Host: a\r\n", b"Host: a\r\nContent-Type: multipart/form-data; boundary=xyz\r\n", 1
    )


def tensors(rng: random.Random, images: list[bytes]) -> bytes:
    """A request of the Open Inference Protocol, with values that nobody meant."""
    odd = (None, True, -1, 0, 1, 3, 1 << 40, 1e308, "", "image", "UINT8", [], [[]], {}, [1, 2, 3])
    image = rng.choice(images)
    element = len(image).to_bytes(4, "little") + image
    given = {
        "name": "image",
        "shape": [2, 2, 3],
        "datatype": "UINT8",
        "data": list(range(12)),
        "parameters": {},
    }
    behind = b""
    if rng.random() < 0.5:
        behind = rng.choice((element, rng.randbytes(12)))
        del given["data"]
        given["parameters"] = {"binary_data_size": len(behind)}
        if behind is element:
            given |= {"shape": [1], "datatype": "BYTES"}
    asked = {"id": "a", "inputs": [given], "outputs": [{"name": "labels"}], "parameters": {}}
    for _ in range(rng.randrange(4)):
        place = rng.choice((given, asked, given["parameters"], asked["outputs"][0]))
        key = rng.choice(("name", "shape", "datatype", "data", "parameters", "inputs", "id"))
        if isinstance(place, dict) and place.get(key) is not given:
            place[key] = rng.choice(odd)
        if not isinstance(given["parameters"], dict):
            break
    text = json.dumps(asked).encode()
    if rng.random() < 0.4:
        text = _damaged(rng, text)
    if rng.random() < 0.2:
        behind = _damaged(rng, behind)
    length = len(text) + rng.choice((0, 0, 0, 0, 1, -1, 100))
    header = b"Inference-Header-Content-Length: %d\r\n" % length if behind else b""
    return request(text + behind, f"/v2/models/{NAME}/infer").replace(
        b"Host: a\r\n", b"Host: a\r\n" + header, 1
    )


def anything(rng: random.Random, images: list[bytes]) -> bytes:
    """What is no HTTP, or another method and path."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.choice((1, 100, 100_000))) + b"\r\n\r\n"
    method = rng.choice(("GET", "PUT", "HEAD", "OPTIONS", "TRACE", "get", "A" * 300))
    path = rng.choice(
        ("/", "*", "//", "/v2/models/%2e%2e/infer", "/v1/segment", "/docs/../x", "/" + "a" * 9000)
    )
    version = rng.choice(("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", ""))
    text = f"{method} {path} {version}\r\nHost: a\r\nConnection: close\r\n\r\n"
    return text.encode() + rng.choice(images)[:100]


_KINDS: tuple[Make, ...] = (body, query, head, chunked, form, tensors, tensors, anything)


if __name__ == "__main__":
    sys.exit(main())
