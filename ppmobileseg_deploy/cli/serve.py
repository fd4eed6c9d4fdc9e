"""``ppms serve``: an HTTP server that segments images."""

import os
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from ..errors import UsageError
from ..quoting import brief
from ..server.settings import MAX_BODY_BYTES, MAX_PIXELS, QUEUE, TIMEOUT_S, ServerSettings
from .command import Command
from .console import Version, new_app, stderr, stdout, warnings_as_notes
from .extras import require_serve_extra
from .infer_options import Merge, Model

_INTERRUPTED: Final = 130
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

_SERVING: Final = "Where and to whom"
_LIMITS: Final = "Limits"

app = new_app()


@app.command("serve", cls=Command)
def serve(
    model: Model = None,
    merge: Merge = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen at; 0.0.0.0 lets other machines in.",
            rich_help_panel=_SERVING,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="N", help="Port to listen at; 0 for any free one.", rich_help_panel=_SERVING
        ),
    ] = 8000,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Answer only those who know one of the keys in this text file, one a line.",
            rich_help_panel=_SERVING,
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder that ppms-export --web wrote, so that the page at / can compute in the "
            "browser, too.",
            rich_help_panel=_SERVING,
        ),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Let pages of this web site, such as https://example.org, use the server from a "
            "browser; may be given several times.",
            rich_help_panel=_SERVING,
        ),
    ] = None,
    allow_url: Annotated[
        bool,
        typer.Option(
            "--allow-url",
            help="Fetch images from public addresses that requests name.",
            rich_help_panel=_SERVING,
        ),
    ] = False,
    label_studio: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where Label Studio is, for which the server is an ML backend: its images are "
            "fetched from there, with the token in $LABEL_STUDIO_API_KEY.",
            rich_help_panel=_SERVING,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Images at a time. Without it: one for each core, or one where --threads is "
            "given.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="CPU threads for each image. Without it: the cores, shared out among workers.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    queue: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Requests that wait for a worker; more are told to come again.",
            rich_help_panel=_LIMITS,
        ),
    ] = QUEUE,
    max_body: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="Refuse requests of more bytes: 500k, 32MiB, 1g.",
            rich_help_panel=_LIMITS,
        ),
    ] = f"{MAX_BODY_BYTES >> 20}MiB",
    max_pixels: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Refuse images of more pixels before decoding them.",
            rich_help_panel=_LIMITS,
        ),
    ] = MAX_PIXELS,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="S",
            help="Seconds in which a request has to arrive, the network has to be done with an "
            "image, an answer has to be fetched, and in which the server ends.",
            rich_help_panel=_LIMITS,
        ),
    ] = TIMEOUT_S,
    _version: Version = False,
) -> None:
    """Segment images over HTTP, for many users at a time, until SIGTERM or Ctrl-C.

    POST /v1/segment takes an image and gives JSON, labels or an overlay; /docs describes all
    there is, /metrics is for Prometheus, /v2 is the Open Inference Protocol. The log is JSON, one
    line for each request, on standard error.
    """
    require_serve_extra("serving")
    from ..runtime.inference.find_model import find_model
    from ..runtime.inference.workers import share_cores
    from ..server.app import build_app
    from ..server.keys import read_keys
    from ..server.log import start_logging
    from ..server.service import open_service
    from ..server.serving import address_of, listen, serve_until_told
    from ..web import check_page

    if page is not None:
        check_page(page)
    shared = share_cores(None, workers=workers, threads=threads)
    settings = ServerSettings(
        workers=shared.count,
        queue=queue,
        max_body_bytes=parse_bytes(max_body),
        max_pixels=max_pixels,
        timeout_s=timeout,
        api_keys=() if api_key_file is None else read_keys(api_key_file),
        cors_origins=tuple(_origin(each) for each in cors or ()),
        allow_url=allow_url,
        label_studio_url="" if label_studio is None else _site(label_studio),
        label_studio_token=os.environ.get("LABEL_STUDIO_API_KEY", ""),
    )
    with warnings_as_notes():
        service = open_service(
            find_model(model), settings, shared.session_threads, merge=merge, page=page
        )
    application = build_app(service)
    listener = listen(host, port)
    start_logging()
    stdout.print(address_of(listener), markup=False, soft_wrap=True)
    stderr.print(f"{shared}; Ctrl-C ends it.", markup=False, soft_wrap=True)
    if serve_until_told(application, service, listener):
        raise typer.Exit(_INTERRUPTED)


def parse_bytes(text: str) -> int:
    """Read a number of bytes given on the command line.

    Args:
        text: ``"500000"``, ``"500k"``, ``"32MB"`` or ``"32MiB"``; all but plain numbers count in
            powers of 1024.

    Raises:
        UsageError: The text is anything else.
    """
    match = re.fullmatch(r"(\d{1,12})\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise UsageError(f"expected a size such as 500k or 32MiB, found {brief(text)}")
    return int(match[1]) * _UNITS[match[2]]


def _site(text: str) -> str:
    if not re.fullmatch(r"https?://[^?#\s@]+", text):
        raise UsageError(
            "expected the address of Label Studio, such as http://localhost:8080, found "
            f"{brief(text)}"
        )
    return text.rstrip("/")


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s]+", text):
        raise UsageError(
            f"expected the origin of a web site, such as https://example.org, found {brief(text)}"
        )
    return text
