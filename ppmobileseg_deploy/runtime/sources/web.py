"""Images from the web: http and https only, of bounded size, in bounded time."""

import base64
import http
import http.client
import socket
import ssl
import urllib.error
import urllib.request
from email.message import Message
from typing import Any, Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

from ...errors import ImageError
from ...quoting import printable
from ...types import ImageBGR
from ...version import VERSION
from ..images.files import decode_image
from .addresses import check_address, shown
from .deadline import Deadline
from .hosts import Reach
from .lists import looks_like_image

MAX_BYTES: Final = 64 << 20
LIMIT_S: Final = 60.0

_SILENCE_S: Final = 10.0  # without a sign of life, a connection is given up earlier
_MAX_REDIRECTS: Final = 10
_PIECE_BYTES: Final = 1 << 16
_OK: Final = 200
_ENDED_EARLY: Final = "the answer ended early"
_OTHER_HOST: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_KEPT: Final = "%/:=&?~#+!$,;'@()*[]"  # what has a meaning in an address, or is escaped already


def fetch_image(
    address: str,
    *,
    max_bytes: int = MAX_BYTES,
    limit_s: float = LIMIT_S,
    public_only: bool = False,
    authorization: str | None = None,
) -> bytes:
    """Fetch the file of an image.

    Redirects are followed to other http(s) addresses only, and from public ones to public ones
    only. A user name and password in the address are sent to its own host only. ``http_proxy``
    and its like are respected.

    Args:
        address: An http(s) address.
        max_bytes: Larger files are refused; no more than this is read.
        limit_s: Seconds that everything together may take.
        public_only: Refuse private, loopback and link-local addresses, also the first one, at the
            moment of connecting; proxies, which connect by themselves, are left out. For servers,
            which fetch what strangers name.
        authorization: What the header of this name says, to the address's own host only.

    Returns:
        The content. It begins like an image of a type that `read_image` reads.

    Raises:
        ImageError: The address is unusable, the server does not give an image, or a limit is
            passed. The message names no credentials, and quotes nothing that was answered:
            whoever reads it may be another person than who may read that.
    """
    check_address(address)
    with Deadline.within(limit_s) as deadline:
        try:
            return _fetch(
                address, deadline, max_bytes, Reach(public_only=public_only), authorization
            )
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


def _fetch(
    address: str, deadline: Deadline, max_bytes: int, reach: Reach, authorization: str | None
) -> bytes:
    origin = urlsplit(address)
    opener = _opener(origin, deadline, reach, authorization)
    try:
        with opener.open(_request(address, origin, authorization), timeout=_SILENCE_S) as answer:
            if answer.status != _OK:
                raise ImageError(_unexpected(answer.status))
            return _content(answer, deadline, max_bytes)
    except urllib.error.HTTPError as error:
        with error:
            raise ImageError(_unexpected(error.code)) from None


def _request(
    address: str, origin: SplitResult, authorization: str | None
) -> urllib.request.Request:
    parts = urlsplit(address)
    credentials, host = _split_host(parts)
    origin_credentials, origin_host = _split_host(origin)
    is_origin = (parts.scheme, host) == (origin.scheme, origin_host)
    if not credentials and is_origin:
        credentials = origin_credentials
    headers = {"User-Agent": f"ppmobileseg-deploy/{VERSION}", "Accept": "image/*"}
    if credentials:
        token = base64.b64encode(unquote(credentials).encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    elif authorization is not None and is_origin:
        headers["Authorization"] = authorization
    path, query = quote(parts.path or "/", safe=_KEPT), quote(parts.query, safe=_KEPT)
    there = urlunsplit((parts.scheme, host, path, query, ""))
    # S310 warns of other schemes: the opener knows no others, and the address was checked.
    return urllib.request.Request(there, headers=headers)  # noqa: S310


def _split_host(parts: SplitResult) -> tuple[str, str]:
    """User name and password, perhaps empty, and the host as it is asked for, with its port."""
    credentials, _, host = parts.netloc.rpartition("@")
    return credentials, host.encode("idna").decode()


def _opener(
    origin: SplitResult, deadline: Deadline, reach: Reach, authorization: str | None
) -> urllib.request.OpenerDirector:
    proxied = False
    redirects = 0

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

    class Connecting(urllib.request.AbstractHTTPHandler):
        http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            nonlocal proxied
            # A proxy's handler has put its own host into the request, unless there is no proxy.
            there = urllib.request.Request(req.full_url).host  # noqa: S310  it is not opened
            proxied = req.host != there
            if proxied:
                reach.check_proxied(urlsplit(f"//{there}").hostname or "")
            return self.do_open(SecureConnection if req.type == "https" else Connection, req)

        https_open = http_open

    class Redirecting(urllib.request.BaseHandler):
        def http_error_302(
            self, req: urllib.request.Request, answer: Any, _code: int, _: str, headers: Message
        ) -> Any:
            nonlocal redirects
            target = headers.get("Location")
            if not target:
                return None
            answer.close()  # what comes with a redirect may be of any size
            redirects += 1
            if redirects > _MAX_REDIRECTS:
                raise ImageError(f"expected at most {_MAX_REDIRECTS} redirects")
            try:
                check_address(there := urljoin(req.full_url, target))
            except (ImageError, ValueError):
                raise ImageError(
                    "expected a redirect to an http(s) address, found another one"
                ) from None
            return self.parent.open(_request(there, origin, authorization), timeout=_SILENCE_S)

        http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    # Made by hand: the usual one knows file: and ftp:, and reads what comes with a redirect.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler({} if reach.public_only else None),
        Connecting(),
        urllib.request.HTTPErrorProcessor(),
        Redirecting(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _content(answer: Any, deadline: Deadline, max_bytes: int) -> bytes:
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


def _unexpected(status: int) -> str:
    return f"expected status 200, found {status} {http.client.responses.get(status, '')}".rstrip()


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
