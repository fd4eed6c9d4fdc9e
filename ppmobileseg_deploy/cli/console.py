"""What the commands share: where they print and how they end."""

import re
import sys

import typer
from rich.console import Console

from ..errors import PPMobileSegError, UsageError

stdout = Console(highlight=False)
"""Results: tables and paths."""

stderr = Console(stderr=True, highlight=False)
"""Progress, notes, warnings and errors."""


def run(app: typer.Typer) -> None:
    """Run a command; print an error of this package as one line, without a traceback.

    The process ends with the error's exit code (2 for wrong use, 1 for failed work), or with
    130 after Ctrl-C.
    """
    try:
        app()
    except PPMobileSegError as error:
        message = " ".join(str(error).split())
        stderr.print(f"error: {message}", style="red", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        stderr.print("interrupted", style="red")
        sys.exit(130)


def parse_size_hw(text: str) -> tuple[int, int]:
    """Read a size given on the command line.

    Args:
        text: ``"HEIGHTxWIDTH"`` in pixels, or one number for a square.

    Returns:
        Height and width.

    Raises:
        UsageError: The text is anything else.
    """
    match = re.fullmatch(r"(\d+)(?:[xX](\d+))?", text.strip())
    if match is None:
        raise UsageError(f"expected a size such as 512x512 (height x width), found {text!r}")
    height = int(match[1])
    width = int(match[2]) if match[2] else height
    if min(height, width) < 1:
        raise UsageError(f"expected a size of at least 1x1, found {text!r}")
    return height, width
