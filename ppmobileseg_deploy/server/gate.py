"""Gate: every request passes it, is given a name, is logged, counted, and answered in any case."""

import logging
import re
import uuid
from collections.abc import MutableMapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .log import LOG, log
from .problems import CLIENT_LEFT, RequestError, answer_to, failure_answer
from .service import Service
from .trace import Trace, begin_trace, trace_of

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_LONGEST_PATH: Final = 200
_PROBES: Final = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""Not logged where all is well: they come every few seconds."""


class Gate:
    """ASGI middleware around all others.

    Args:
        app: What answers.
        service: Whose metrics count the requests.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        start = perf_counter()
        asked = Headers(scope=scope).get("x-request-id", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else uuid.uuid4().hex
        trace = begin_trace(scope, request_id)
        status = 0
        sent_bytes = 0

        async def sending(message: Message) -> None:
            nonlocal status, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
                if self._service.is_ending:
                    headers["Connection"] = "close"
            else:
                sent_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            LOG.exception("failure", extra={"fields": {"request_id": request_id}})
            if status == 0:
                await failure_answer(request_id)(scope, receive, sending)
        seconds = perf_counter() - start
        route = trace.route or _route(scope)
        self._count(route, status, seconds)
        if not (scope["path"] in _PROBES and status == HTTPStatus.OK):
            _log_request(scope, trace, route, status, sent_bytes, seconds)

    def _count(self, route: str, status: int, seconds: float) -> None:
        metrics = self._service.metrics
        metrics.answered(route, status, seconds)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            metrics.refused()
        elif status == CLIENT_LEFT:
            metrics.client_left()


class EarlyRefusal:
    """ASGI middleware that refuses images for which there is no place, before all else is done.

    `Admission` would refuse them, too: this spares the routing, which a full server has no time
    for.

    Args:
        app: What answers the others.
        service: Whose places count.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse to."""
        route = _route_of_images(scope["path"]) if scope["method"] == "POST" else None
        if route is not None:
            try:
                self._service.check_room()
            except RequestError as error:
                trace_of(scope).route = route
                await answer_to(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _route_of_images(path: str) -> str | None:
    """Return the route of a path that images are sent to; None for any other."""
    if path in ("/v1/segment", "/predict"):
        return path
    if path.startswith("/v2/models/") and path.endswith("/infer"):
        return "/v2/models/{model}/infer"
    return None


def _route(scope: MutableMapping[str, Any]) -> str:
    """Return the path as it is declared, or ``"other"``: strangers choose what they ask for."""
    return getattr(scope.get("route"), "path", "") or "other"


def _log_request(
    scope: Scope, trace: Trace, route: str, status: int, sent_bytes: int, seconds: float
) -> None:
    fields: dict[str, object] = {
        "request_id": trace.request_id,
        "client": (scope.get("client") or ("",))[0],
        "method": scope["method"][:20],
        "path": scope["path"][:_LONGEST_PATH],  # not the query, which may hold an address
        "route": route,
        "status": status,
        "sent_bytes": sent_bytes,
        "ms": round(seconds * 1e3, 2),
    }
    if trace.size_hw is not None:
        fields["size_hw"] = list(trace.size_hw)
    if trace.stages:
        fields["stages_ms"] = {name: round(each * 1e3, 2) for name, each in trace.stages.items()}
    if trace.error is not None:
        fields["error"] = trace.error
    level = logging.ERROR if status == HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
    log("request", level, **fields)
