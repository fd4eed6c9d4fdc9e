"""API keys: one of them has to come with a request, where there are any."""

import base64
import hashlib
import hmac
import re
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import UsageError
from ..small_files import read_small
from .problems import error_answer

_LEAST_CHARACTERS: Final = 16
_KEY: Final = re.compile(rf"[!-~]{{{_LEAST_CHARACTERS},}}")
_MOST_BYTES: Final = 1 << 16
_GUARDED: Final = ("/v1/", "/v2", "/metrics", "/predict", "/setup")
_OPEN: Final = frozenset({"/v2/health/live", "/v2/health/ready"})


def read_keys(path: Path) -> tuple[str, ...]:
    """Read API keys.

    Args:
        path: A text file with one key a line; empty lines and those that begin with ``#`` mean
            nothing.

    Raises:
        UsageError: It cannot be read, has no key, or one that is too short or no ASCII.
    """
    try:
        content = read_small(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the API keys in {path}: {reason}") from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"expected at most {_MOST_BYTES} bytes of API keys in {path}, found more")
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys:
        raise UsageError(f"expected API keys in {path}, one a line, found none")
    for number, key in enumerate(keys, 1):
        if not _KEY.fullmatch(key):
            raise UsageError(
                f"expected keys of at least {_LEAST_CHARACTERS} letters, digits and signs in "
                f"{path}, key {number} is another"
            )
    return keys


class KeyCheck:
    """ASGI middleware that lets those through who have a key.

    Probes, the page and the description of the interface are open to everybody.

    Args:
        app: What answers them.
        keys: The keys; none to let everybody through.
    """

    def __init__(self, app: ASGIApp, keys: tuple[str, ...]) -> None:
        self._app = app
        self._digests = [_digest(key.encode()) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse to."""
        if self._digests and _is_guarded(scope["path"]) and not self._has_key(scope):
            answer = error_answer(
                HTTPStatus.UNAUTHORIZED,
                "expected an API key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
                {"WWW-Authenticate": "Bearer"},
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            given = token.strip()
        elif kind.lower() == "basic":  # all that Label Studio can send
            given = _password(token.strip())
        else:
            given = headers.get("x-api-key", "")
        digest = _digest(given.encode("utf-8", "surrogateescape"))
        # All of them, whichever fits: the time tells nothing.
        return sum([hmac.compare_digest(digest, each) for each in self._digests]) > 0


def _is_guarded(path: str) -> bool:
    return path.startswith(_GUARDED) and path not in _OPEN


def _password(credentials: str) -> str:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return ""
    return text.partition(":")[2]


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
