"""Images from the web: http and https only, of bounded size, in bounded time."""

import base64
import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

from ...errors import ImageError
from ...quoting import printable
from ...version import VERSION
from .addresses import check_address, shown
from .lists import looks_like_image

MAX_BYTES: Final = 64 << 20
LIMIT_S: Final = 60.0

_SILENCE_S: Final = 10.0  # without a sign of life, a connection is given up earlier
_MAX_REDIRECTS: Final = 10
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PIECE_BYTES: Final = 1 << 16
_OK: Final = 200
_KEPT: Final = "%/:=&?~#+!$,;'@()*[]"  # what has a meaning in an address, or is escaped already


def fetch_image(address: str, *, max_bytes: int = MAX_BYTES, limit_s: float = LIMIT_S) -> bytes:
    """Fetch the file of an image.

    Redirects are followed to other http(s) addresses only. A user name and password in the
    address are sent to its own host only. ``http_proxy`` and its like are respected.

    Args:
        address: An http(s) address.
        max_bytes: Larger files are refused; no more than this is read.
        limit_s: Seconds that everything together may take.

    Returns:
        The content. It begins like an image of a type that `read_image` reads.

    Raises:
        ImageError: The address is unusable, the server does not give an image, or a limit is
            passed. The message names no credentials.
    """
    check_address(address)
    with _deadline(limit_s) as deadline:
        try:
            return _fetch(address, deadline, max_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if deadline.passed:
                problem = f"expected an answer within {limit_s:g} s, found none that was complete"
            else:
                problem = _reason(error)
            raise ImageError(f"cannot fetch {shown(address)}: {problem}") from None


def _fetch(address: str, deadline: "_Deadline", max_bytes: int) -> bytes:
    name = shown(address)
    origin = urlsplit(address)
    opener = _opener(deadline)
    for _ in range(_MAX_REDIRECTS + 1):
        with _answer(opener, address, origin) as answer:
            if answer.status in _REDIRECTS and (target := answer.headers.get("Location")):
                address = _redirected(name, urljoin(address, target))
                continue
            if answer.status != _OK:
                status = printable(f"{answer.status} {answer.reason}"[:80])
                raise ImageError(f"cannot fetch {name}: expected status 200, found {status}")
            return _content(answer, name, deadline, max_bytes)
    raise ImageError(f"cannot fetch {name}: expected at most {_MAX_REDIRECTS} redirects")


def _redirected(name: str, target: str) -> str:
    try:
        check_address(target)
    except ImageError as error:
        raise ImageError(f"cannot fetch {name}: it redirects elsewhere: {error}") from None
    return target


@contextmanager
def _answer(
    opener: urllib.request.OpenerDirector, address: str, origin: SplitResult
) -> Iterator[Any]:
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2].encode("idna").decode()
    path, query = quote(parts.path or "/", safe=_KEPT), quote(parts.query, safe=_KEPT)
    headers = {"User-Agent": f"ppmobileseg-deploy/{VERSION}", "Accept": "image/*"}
    credentials = parts.netloc.rpartition("@")[0] or (
        origin.netloc.rpartition("@")[0] if _place(parts) == _place(origin) else ""
    )
    if credentials:
        token = base64.b64encode(unquote(credentials).encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    # S310 warns of other schemes: this opener knows no others, and the address was checked.
    request = urllib.request.Request(  # noqa: S310
        urlunsplit((parts.scheme, host, path, query, "")), headers=headers
    )
    with opener.open(request, timeout=_SILENCE_S) as answer:
        yield answer


def _content(answer: Any, name: str, deadline: "_Deadline", max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    too_large = f"cannot fetch {name}: expected at most {max_bytes} bytes, found more"
    if (answer.length or 0) > max_bytes:
        raise ImageError(too_large)
    while piece := answer.read(_PIECE_BYTES):
        if not pieces and not looks_like_image(piece):
            found = printable(answer.headers.get_content_type()[:80])
            raise ImageError(
                f"cannot fetch {name}: expected a JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM "
                f"image, found {found} that starts with {piece[:12]!r}"
            )
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise ImageError(too_large)
    if deadline.passed or answer.length or not pieces:
        raise OSError("the answer ended early")
    return b"".join(pieces)


def _place(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, socket.gaierror):
        return "expected a host that exists, found none of this name"
    if isinstance(reason, TimeoutError):
        return f"no answer for {_SILENCE_S:g} s"
    if isinstance(reason, OSError) and reason.strerror:
        return printable(reason.strerror)
    return printable(" ".join(str(reason).split())[:200]) or type(reason).__name__


class _Deadline:
    """Ends every connection when the time is over.

    A timeout of a socket begins anew with each byte, so that a server which sends one now and
    then could hold us for ever, in the headers too.
    """

    def __init__(self) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def watch(self, connected: socket.socket) -> None:
        """Take a socket that is connected, before TLS replaces the object."""
        with self._lock:
            self._sockets.append(connected.dup())
            if self.passed:
                raise TimeoutError

    def end(self) -> None:
        """End what is going on, and let nothing new begin."""
        with self._lock:
            self.passed = True
            for each in self._sockets:
                with suppress(OSError):  # the other side was faster
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connections."""
        for each in self._sockets:
            each.close()


@contextmanager
def _deadline(limit_s: float) -> Iterator[_Deadline]:
    deadline = _Deadline()
    timer = threading.Timer(limit_s, deadline.end)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        timer.join()
        deadline.close()


def _opener(deadline: _Deadline) -> urllib.request.OpenerDirector:
    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    # The other base class comes second: HTTPSConnection.connect calls that of Connection.
    class SecureConnection(http.client.HTTPSConnection, Connection):
        pass

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Connection, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(SecureConnection, req)

    # Made by hand: the usual one knows file: and ftp:, and reads what comes with a redirect
    # whatever its size.
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), Handler(), SecureHandler()):
        opener.add_handler(handler)
    return opener
