"""What the commands share: where they print and how they end."""

import io
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from ..dependencies import explain
from ..errors import PPMobileSegError, UsageError
from ..quoting import printable
from ..version import VERSION
from .hints import with_hint

stdout = Console(highlight=False)
"""Results: tables and paths."""

stderr = Console(stderr=True, highlight=False)
"""Progress, notes, warnings and errors."""


_INTERRUPTED: Final = 130
_NOBODY_READS: Final = 141  # what a shell reports for a command that such a pipe has ended

# What typer raises for an unknown option, a missing argument or a value of the wrong type. Its
# name moved between typer's releases; its public subclass did not.
_WrongArguments: Final[Any] = typer.BadParameter.__bases__[0]


def new_app(**settings: Any) -> typer.Typer:
    """Make the parser of a command.

    Its help is plain text: the boxes of rich take twice the lines and break paragraphs anew.

    Args:
        settings: More arguments of `typer.Typer`, or others than these.
    """
    plain = {
        "add_completion": False,
        "pretty_exceptions_enable": False,
        "rich_markup_mode": None,
        "context_settings": {"help_option_names": ["-h", "--help"]},
    }
    return typer.Typer(**plain | settings)


def _print_version(ctx: typer.Context, wanted: bool) -> None:  # noqa: FBT001  typer calls it
    if wanted and not ctx.resilient_parsing:
        stdout.print(f"{ctx.command_path} {VERSION}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
]
"""The option ``--version``, which every command has."""


def run(app: typer.Typer) -> NoReturn:
    """Run a command; print what went wrong as one line, without a traceback.

    The process ends with the command's return value (nothing counts as 0), with the error's exit
    code (2 for wrong use, 1 for failed work), with 130 after Ctrl-C, or, without a word, with 141
    when what it prints is not read any more, as in ``| head``.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may hold what the terminal's encoding does not; standard error is so already.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _end_of(app)
        sys.stdout.flush()
    except BrokenPipeError:
        code = _NOBODY_READS
        # The interpreter would try once more as it ends, here and below.
        sys.stdout = sys.stderr = io.StringIO()
    except OSError as error:
        # Those of files are ours by now: most likely, standard output could not be written.
        sys.stdout = io.StringIO()
        print_error(error)
        code = 1
    sys.exit(code)


def _program() -> str:
    return Path(sys.argv[0]).name.removesuffix(".exe")


def _end_of(app: typer.Typer) -> int:
    """Run a command, print what went wrong, and return the exit code."""
    code: int | None
    try:
        with warnings.catch_warnings():
            # Those of libraries, such as of a decoder about damaged metadata, are for developers.
            warnings.showwarning = lambda message, *_args, **_kwargs: print_note(str(message))
            code = app(prog_name=_program(), standalone_mode=False)
    except PPMobileSegError as error:
        print_error(error)
        code = error.exit_code
    except _WrongArguments as error:
        print_error(f"{error.format_message().rstrip('.')}; --help lists what there is")
        code = error.exit_code
    except ImportError as error:
        explained = explain(error)
        if explained is None:
            raise
        print_error(explained)
        code = 1
    except SystemExit as ended:
        # How typer and rich end when nobody reads what they print, and what completes a command
        # line when it is done; all else returns its code.
        if ended.code:
            raise BrokenPipeError from None
        code = 0
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        stderr.print("interrupted", style="red")
    return code or 0


def print_error(error: Exception | str) -> None:
    """Print an error as one line on standard error, with the option that would help."""
    text = error if isinstance(error, str) else with_hint(error)
    stderr.print(f"error: {_one_line(text)}", style="red", markup=False, soft_wrap=True)


def print_note(text: str) -> None:
    """Print something worth knowing, which is no error, as one line on standard error."""
    stderr.print(f"note: {_one_line(text)}", style="yellow", markup=False, soft_wrap=True)


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Print each warning of the block at once, whatever filters say, and only once."""
    said: set[str] = set()

    def show(message: Warning | str, *_: object) -> None:
        if str(message) not in said:
            said.add(str(message))
            print_note(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _one_line(text: str) -> str:
    # File names and model files of strangers are quoted in messages.
    return printable(" ".join(text.split()))


def plural(count: int, thing: str) -> str:
    """Return a number and what it counts: ``"1 image"``, ``"2 images"``."""
    return f"{count} {thing}" + ("" if count == 1 else "s")


def parse_size_hw(text: str) -> tuple[int, int]:
    """Read a size given on the command line.

    Args:
        text: ``"HEIGHTxWIDTH"`` in pixels, or one number for a square.

    Returns:
        Height and width.

    Raises:
        UsageError: The text is anything else.
    """
    match = re.fullmatch(r"(\d{1,9})(?:[xX](\d{1,9}))?", text.strip())
    if match is None:
        raise UsageError(f"expected a size such as 512x512 (height x width), found {text!r}")
    height = int(match[1])
    width = int(match[2]) if match[2] else height
    if min(height, width) < 1:
        raise UsageError(f"expected a size of at least 1x1, found {text!r}")
    return height, width
