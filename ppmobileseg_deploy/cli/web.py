"""``ppms web``: shows a page that ``ppms-export --web`` wrote."""

from pathlib import Path
from typing import Annotated

import typer

from .command import Command
from .console import Version, new_app, stderr, stdout

app = new_app()


@app.command("web", cls=Command)
def web(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A folder that ppms-export --web wrote.", show_default=False
        ),
    ],
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen at; 0.0.0.0 lets other machines in. Browsers give a page more "
            "than one thread, and the camera, on this machine or over https only.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", help="Port to listen at; 0 for any free one.")
    ] = 8000,
    _version: Version = False,
) -> None:
    """Serve a page that segments pictures in the browser, until Ctrl-C.

    Any other web server does, too. This one sends the headers for which browsers give a page more
    than one thread.
    """
    from ..web import PageServer, check_page

    check_page(folder)
    with PageServer(folder, host, port) as server:
        stdout.print(server.address, markup=False, soft_wrap=True)
        stderr.print("Ctrl-C ends it.")
        server.serve_forever()
