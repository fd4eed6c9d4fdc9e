"""A small web server that shows a page to browsers, with the headers that threads need."""

import http.server
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..errors import UsageError

HEADERS: Final = {
    # Together they isolate the page, and browsers give shared memory, hence threads, to no other.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The page loads nothing from elsewhere, and nothing it shows can be sent elsewhere.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    "worker-src 'self' blob:; img-src 'self' blob:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""Sent with every answer."""

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    # Not left to the system, whose registry may say otherwise: browsers run no other type.
    ".js": "text/javascript; charset=utf-8",
    ".glsl": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".onnx": "application/octet-stream",
}
"""Media type of a file of a page, by how its name ends."""


class PageServer(http.server.ThreadingHTTPServer):
    """Serves the files of one folder, reading only, and lists no folders."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        """Begin to listen.

        Args:
            folder: What is shown.
            host: Address to listen at; ``"127.0.0.1"`` is for this machine alone.
            port: Port to listen at; 0 for any free one.

        Raises:
            UsageError: It cannot listen there.
        """
        try:
            super().__init__((host, port), partial(_Handler, directory=str(folder)))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"cannot serve at {host}, port {port}: {reason}") from error

    @property
    def address(self) -> str:
        """What a browser on this machine is given."""
        host, port = self.server_address[:2]
        named = "127.0.0.1" if host == "0.0.0.0" else str(host)  # noqa: S104  compared, not bound
        return f"http://{named}:{port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that stops loading is no error."""


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = TYPES
    protocol_version = "HTTP/1.1"
    server_version = "ppms"
    sys_version = ""
    timeout = 60  # of a connection on which nothing comes

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ARG002
        self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Say nothing: a request is nothing that people at the terminal wait for."""
