"""Images from the web: http and https only, of bounded size, in bounded time."""

import base64
import http
import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

from ...errors import ImageError
from ...quoting import printable
from ...types import ImageBGR
from ...version import VERSION
from ..images.files import decode_image
from .addresses import check_address, shown
from .hosts import Reach
from .lists import looks_like_image

MAX_BYTES: Final = 64 << 20
LIMIT_S: Final = 60.0

_SILENCE_S: Final = 10.0  # without a sign of life, a connection is given up earlier
_MAX_REDIRECTS: Final = 10
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PIECE_BYTES: Final = 1 << 16
_OK: Final = 200
_ENDED_EARLY: Final = "the answer ended early"
_OTHER_HOST: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_KEPT: Final = "%/:=&?~#+!$,;'@()*[]"  # what has a meaning in an address, or is escaped already


def fetch_image(address: str, *, max_bytes: int = MAX_BYTES, limit_s: float = LIMIT_S) -> bytes:
    """Fetch the file of an image.

    Redirects are followed to other http(s) addresses only, and from public ones to public ones
    only. A user name and password in the address are sent to its own host only. ``http_proxy``
    and its like are respected.

    Args:
        address: An http(s) address.
        max_bytes: Larger files are refused; no more than this is read.
        limit_s: Seconds that everything together may take.

    Returns:
        The content. It begins like an image of a type that `read_image` reads.

    Raises:
        ImageError: The address is unusable, the server does not give an image, or a limit is
            passed. The message names no credentials, and quotes nothing that was answered:
            whoever reads it may be another person than who may read that.
    """
    check_address(address)
    with _deadline(limit_s) as deadline:
        try:
            return _fetch(address, deadline, max_bytes)
        except ImageError as error:
            raise ImageError(f"cannot fetch {shown(address)}: {error}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if deadline.passed:
                problem = f"expected an answer within {limit_s:g} s, found none that was complete"
            else:
                problem = _reason(error)
            raise ImageError(f"cannot fetch {shown(address)}: {problem}") from None


def read_web_image(address: str, *, max_pixels: int) -> ImageBGR:
    """Fetch and decode an image.

    Args:
        address: An http(s) address.
        max_pixels: Larger images are refused before they are decoded.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: As `fetch_image`, or the image is damaged or too large.
    """
    name = shown(address)
    try:
        return decode_image(fetch_image(address), name, max_pixels=max_pixels)
    except ImageError as error:
        if error.__cause__ is None:
            raise
        # What a decoder says may hold bytes of the file.
        raise ImageError(
            f"cannot read {name}: expected a complete image, found a damaged one or one of an "
            "unusual kind"
        ) from None


def _fetch(address: str, deadline: "_Deadline", max_bytes: int) -> bytes:
    origin = urlsplit(address)
    opener = _opener(deadline, Reach())
    for _ in range(_MAX_REDIRECTS + 1):
        with _answer(opener, address, origin) as answer:
            if answer.status in _REDIRECTS and (target := answer.headers.get("Location")):
                address = _redirected(address, target)
                continue
            if answer.status != _OK:
                raise ImageError(f"expected status 200, found {_status(answer.status)}")
            return _content(answer, deadline, max_bytes)
    raise ImageError(f"expected at most {_MAX_REDIRECTS} redirects")


def _redirected(address: str, target: str) -> str:
    try:
        there = urljoin(address, target)
        check_address(there)
    except (ImageError, ValueError):
        raise ImageError("expected a redirect to an http(s) address, found another one") from None
    return there


def _status(code: int) -> str:
    try:
        return f"{code} {http.HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


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


def _content(answer: Any, deadline: "_Deadline", max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    too_large = f"expected at most {max_bytes} bytes, found more"
    if (answer.length or 0) > max_bytes:
        raise ImageError(too_large)
    while piece := answer.read(_PIECE_BYTES):
        if not pieces and not looks_like_image(piece):
            page = piece.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))
            raise ImageError(
                "expected a JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM image, found "
                + ("a web page" if page else "something else")
            )
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise ImageError(too_large)
    if deadline.passed or answer.length or not pieces:
        raise http.client.IncompleteRead(b"")
    return b"".join(pieces)


def _place(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, (socket.gaierror, UnicodeError)):
        return "expected a host that exists, found none of this name"
    if isinstance(reason, TimeoutError):
        return f"no answer for {_SILENCE_S:g} s"
    if isinstance(reason, ssl.SSLCertVerificationError):
        # The texts of these two say whose certificate it is.
        other = reason.verify_code in _OTHER_HOST
        found = "that of another host" if other else reason.verify_message
        return f"expected a certificate that vouches for the host, found a {found}"
    if isinstance(reason, OSError) and reason.strerror:
        return printable(reason.strerror)
    if isinstance(reason, (http.client.IncompleteRead, http.client.RemoteDisconnected)):
        return _ENDED_EARLY
    if isinstance(reason, OSError):  # of several lines, or of a proxy and what it said
        return "the connection failed"
    return "expected an answer in HTTP, found something else"


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


def _opener(deadline: _Deadline, reach: Reach) -> urllib.request.OpenerDirector:
    proxied = False

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            if not proxied:
                reach.check_name(self.host, self.port)
            super().connect()
            deadline.watch(self.sock)
            if not proxied:
                reach.check_connection(self.sock)

    # The other base class comes second: HTTPSConnection.connect calls that of Connection.
    class SecureConnection(http.client.HTTPSConnection, Connection):
        pass

    def look_ahead(req: urllib.request.Request) -> None:
        nonlocal proxied
        # A proxy's handler has put its own host into the request, unless there is no proxy.
        there = urllib.request.Request(req.full_url).host  # noqa: S310  it is not opened
        proxied = req.host != there
        if proxied:
            reach.check_proxied(urlsplit(f"//{there}").hostname or "")

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            look_ahead(req)
            return self.do_open(Connection, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            look_ahead(req)
            return self.do_open(SecureConnection, req)

    # Made by hand: the usual one knows file: and ftp:, and reads what comes with a redirect
    # whatever its size.
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), Handler(), SecureHandler()):
        opener.add_handler(handler)
    return opener
