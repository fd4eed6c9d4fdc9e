"""Bodies of requests: counted while they stream, taken from forms, in bounded time."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from .admission import Place
from .problems import ClientLeftError, RequestError
from .settings import ServerSettings

FIELD: Final = "file"
"""Field of a form that holds the image."""

_MAX_FIELDS: Final = 8


async def read_body(request: Request, place: Place, settings: ServerSettings) -> bytes:
    """Read the body of a request.

    Args:
        request: Nothing of it was read.
        place: Counts the bytes.
        settings: Limits.

    Raises:
        RequestError: It is too large, too slow, compressed, or there are too many others.
        ClientLeftError: It ended before its end.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "expected a body without Content-Encoding: images are compressed already",
        )
    most = settings.max_body_bytes
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated[:20]) > most:
        raise _too_large(most, f"found {stated[:20]}")
    deadline = perf_counter() + settings.timeout_s
    pieces: list[bytes] = []
    size = 0
    while True:
        try:
            left_s = max(0.0, deadline - perf_counter())
            message = await asyncio.wait_for(request.receive(), left_s)
        except asyncio.TimeoutError:
            raise RequestError(
                HTTPStatus.REQUEST_TIMEOUT,
                f"expected the whole request within {settings.timeout_s:g} s, "
                f"found {size} bytes of it",
                headers={"Connection": "close"},
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        piece = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise _too_large(most, "found more")
        place.hold(len(piece))
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)


def is_form(request: Request) -> bool:
    """Return whether the body of a request is a form with files."""
    kind = request.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "multipart/form-data"


async def file_of_form(request: Request, body: bytes, parameters: Collection[str]) -> bytes:
    """Return the content of the field `FIELD` of a form.

    Args:
        request: Whose headers say where the parts of the body begin.
        body: The body.
        parameters: Names that belong in the address; a form that has them would have no effect.

    Raises:
        RequestError: It is no form, or has no such field, or several, or a parameter.
    """

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _InMemory(
        request.headers,
        stream(),
        max_files=_MAX_FIELDS,
        max_fields=_MAX_FIELDS,
        max_part_size=len(body) + 1,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"expected a form (multipart/form-data), found a fault: {error}",
        ) from None
    try:
        value: Any = form.get(FIELD)
        if value is None:
            raise RequestError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"expected a form with a field {FIELD!r}, found "
                + (", ".join(repr(name) for name in form) or "none"),
            )
        for name in form:
            if name in parameters:
                raise RequestError(
                    HTTPStatus.UNPROCESSABLE_ENTITY,
                    f"expected {name!r} in the address, as in ?{name}=..., found it in the form",
                )
        if (count := len(form.getlist(FIELD))) > 1:
            raise RequestError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"expected a form with one field {FIELD!r}, found {count}",
            )
        # A field without a file name is text, by which bytes of an image do not survive.
        return value.encode() if isinstance(value, str) else await value.read()
    finally:
        await form.close()


class _InMemory(MultiPartParser):
    # Nothing is written to a disk, which may be read-only; bodies are bounded and in memory.
    spool_max_size = 0


def _too_large(most: int, found: str) -> RequestError:
    return RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"expected a body of at most {most} bytes, {found}",
        headers={"Connection": "close"},
    )
