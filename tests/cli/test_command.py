"""How options are read, and shown in the help."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pytest
import typer

from ppmobileseg_deploy.cli.command import Command
from ppmobileseg_deploy.cli.console import Version, new_app, run


class _Renamed(Command):
    renamed: ClassVar[Mapping[str, str]] = {"--agreement": "--min-agreement", "--raw": "--plain"}


@pytest.fixture
def command(in_process):
    """A command that prints what it was given."""
    app = new_app()

    @app.command(cls=_Renamed)
    def work(
        file: Annotated[str, typer.Argument(metavar="FILE", help="What to read.")],
        other: Annotated[str | None, typer.Argument(metavar="OTHER", help="What else.")] = None,
        min_agreement: Annotated[
            float, typer.Option(metavar="0..1", rich_help_panel="Limits", help="At least.")
        ] = 0.9,
        plain: Annotated[bool, typer.Option("--plain", help="As it is.")] = False,
        _version: Version = False,
    ) -> None:
        """Do some work."""
        print(file, other, min_agreement, plain)

    return in_process("work", lambda: run(app))


_NOTE = (
    "note: --agreement is called --min-agreement now; the former name goes with the next release\n"
)


@pytest.mark.parametrize(
    ("arguments", "out", "err"),
    [
        (["a", "--min-agreement", "0.5"], "a None 0.5 False\n", ""),
        (["a", "--agreement", "0.5"], "a None 0.5 False\n", _NOTE),
        (["--agreement=0.5", "a"], "a None 0.5 False\n", _NOTE),
        (["--agreement", "0.4", "a", "--agreement=0.5"], "a None 0.5 False\n", _NOTE),
        (
            ["a", "--raw"],
            "a None 0.9 True\n",
            _NOTE.replace("agreement", "raw").replace("min-raw", "plain"),
        ),
        (["--", "a", "--agreement"], "a --agreement 0.9 False\n", ""),
        (["a", "--agreements", "1"], "", None),
    ],
)
def test_a_former_name_is_taken_with_a_note(command, arguments, out, err):
    done = command(*arguments)
    if err is None:
        assert done.code == 2
        assert done.stderr.startswith("error: No such option: --agreements")
    else:
        assert done == (0, out, err)


def test_the_former_and_the_present_name_together_are_refused(command):
    done = command("a", "--agreement", "0.5", "--min-agreement=0.6")
    assert done.code == 2
    assert done.stderr == (
        "error: expected --min-agreement alone, which --agreement was called before, found both\n"
    )


def test_help_is_grouped_and_in_plain_words(command):
    done = command("--help")
    assert done == (
        0,
        """\
Usage: work [OPTIONS] FILE [OTHER]

  Do some work.

Arguments:
  FILE   What to read.
  OTHER  What else.

Limits:
  --min-agreement 0..1  At least.  [default: 0.9]

Options:
  --plain  As it is.

Others:
  --version   Print the version and exit.
  -h, --help  Show this message and exit.
""",
        "",
    )
