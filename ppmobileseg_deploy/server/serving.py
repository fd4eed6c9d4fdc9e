"""Serving: the application behind a socket, until the process is told to end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import UsageError
from .log import log
from .service import Service

_BACKLOG: Final = 1024
_KEEP_ALIVE_S: Final = 5
_LAST_ANSWERS_S: Final = 2
_SWEEP_S: Final = 1.0
_TICK_S: Final = 0.02
_MAX_PORT: Final = 65535
_INVALID: Final = b'{"error":"expected a request in HTTP/1.1, found something else"}'


def listen(host: str, port: int) -> socket.socket:
    """Begin to listen.

    Args:
        host: Address to listen at; ``"127.0.0.1"`` is for this machine alone.
        port: Port to listen at; 0 for any free one.

    Raises:
        UsageError: It cannot listen there, or there is no such port.
    """
    if not 0 <= port <= _MAX_PORT:  # which resolvers take modulo 65536
        raise UsageError(f"expected a port of 0 to {_MAX_PORT}, found {port}")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot serve at {host}, port {port}: {reason}") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return what a browser on this machine is given."""
    host, port = listener.getsockname()[:2]
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104  compared
    return f"http://{f'[{named}]' if ':' in named and named[0] != '[' else named}:{port}/"


def serve_until_told(app: ASGIApp, service: Service, listener: socket.socket) -> bool:
    """Serve until SIGTERM or SIGINT; answer what was taken on until then.

    Args:
        app: What `build_app` made of the service.
        service: What answers. It is closed at the end.
        listener: What `listen` returned. It is closed at the end.

    Returns:
        Whether it was Ctrl-C, SIGINT, that ended it.
    """
    return asyncio.run(_serve(app, service, listener))


async def _serve(app: ASGIApp, service: Service, listener: socket.socket) -> bool:
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
        backlog=_BACKLOG,
    )
    server = _Server(config)
    signals = _Signals()
    tasks = [
        asyncio.ensure_future(_end(service, server, signals)),
        asyncio.ensure_future(_sweep(server, service.settings.timeout_s)),
    ]
    with signals.watched():
        await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().run_in_executor(None, service.close)
    log("ended")
    return signals.interrupted


async def _end(service: Service, server: "_Server", signals: "_Signals") -> None:
    """When the first signal comes: take nothing new on, finish what is there, and stop."""
    await signals.first.wait()
    service.is_ending = True
    log("ending", present=service.admission.present)
    until = monotonic() + service.settings.timeout_s - _LAST_ANSWERS_S
    while service.admission.present and monotonic() < until and not signals.second:
        await asyncio.sleep(_TICK_S)
    server.force_exit = signals.second
    server.should_exit = True


async def _sweep(server: "_Server", timeout_s: float) -> None:
    """Cut connections on which nothing goes on: half a header, an answer that is not fetched."""
    while True:
        await asyncio.sleep(min(_SWEEP_S, timeout_s / 4))
        now = monotonic()
        for connection in list(server.server_state.connections):
            if isinstance(connection, _Protocol) and connection.idle_s(now) > timeout_s:
                connection.transport.abort()


class _Signals:
    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = False
        self.interrupted = False
        self._loop = asyncio.get_running_loop()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        before = {each: signal.signal(each, self._came) for each in uvicorn.server.HANDLED_SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _came(self, number: int, _: Any) -> None:
        self._loop.call_soon_threadsafe(self._note, number)

    def _note(self, number: int) -> None:
        self.second = self.first.is_set()
        self.interrupted = self.interrupted or number == signal.SIGINT
        self.first.set()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # `_Signals` does


class _Protocol(H11Protocol):
    """HTTP/1.1 that knows since when nothing was asked for, and says in JSON what is wrong."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._idle_since = monotonic()

    def idle_s(self, now: float) -> float:
        """Return for how long no request has been answered here, though one may be on its way."""
        busy = self.cycle is not None and not self.cycle.response_complete
        return 0.0 if busy else now - self._idle_since

    def on_response_complete(self) -> None:
        self._idle_since = monotonic()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        if self.cycle is not None and not self.cycle.response_complete:
            # Its body makes no sense: whoever answers learns that nobody listens.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif self.conn.our_state is h11.IDLE:
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(_INVALID)).encode()),
                (b"connection", b"close"),
            ]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=_INVALID),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
