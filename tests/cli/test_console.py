"""However a command ends, it says so in one line and by its exit code."""

import errno
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from ppmobileseg_deploy.cli.console import parse_size_hw, plural, print_note, run
from ppmobileseg_deploy.errors import ImageError, UsageError


@pytest.fixture
def end(monkeypatch, capsys):
    """``end(error, arguments)``: run a command that raises or returns it; code and output."""

    def run_command(outcome, arguments=()):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)

        @app.command()
        def command(number: int = 0) -> int | None:
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(app)
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run_command


@pytest.mark.parametrize(
    ("outcome", "code", "message"),
    [
        (None, 0, ""),
        (0, 0, ""),
        (1, 1, ""),
        (typer.Exit(3), 3, ""),
        (ImageError("bad image"), 1, "error: bad image\n"),
        (UsageError("no such size"), 2, "error: no such size\n"),
        (
            UsageError("two\nlines, [bold]marked[/bold]"),
            2,
            "error: two\\nlines, [bold]marked[/bold]\n",
        ),
        (ImageError("a\x1b[31mb\x00"), 1, "error: a\\x1b[31mb\\x00\n"),
        (BrokenPipeError(), 141, ""),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
        (OSError(28, "No space left"), 1, "error: [Errno 28] No space left"),
        (ImageError("x" * 500), 1, f"error: {'x' * 500}\n"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (typer.Abort(), 130, "interrupted"),
    ],
)
def test_every_end_has_its_code_and_one_line(end, outcome, code, message):
    found, out, err = end(outcome)
    assert found == code
    assert out == ""
    assert err.strip() == message.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--numbr", "1"], "--numbr"),
        (["--number", "one"], "--number"),
        (["--number"], "--number"),
        (["surplus"], "surplus"),
        (["--numb", "1"], "--number"),
    ],
)
def test_wrong_arguments_are_one_line_and_code_2(end, arguments, message):
    code, out, err = end(None, arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert err.endswith("; --help lists what there is\n")


def test_help_is_no_error(end):
    code, out, err = end(ImageError("not reached"), ["--help"])
    assert code == 0
    assert "--number" in out
    assert err == ""


@pytest.mark.parametrize(
    ("name", "before"),
    [(name, []) for name in ("export", "infer", "eval", "bench", "verify")]
    + [("export", ["inspect"])],
)
def test_every_command_has_a_short_option_for_help(name, before, monkeypatch, capsys):
    main = import_module(f"ppmobileseg_deploy.cli.{name}").main
    printed = []
    for option in ("--help", "-h"):
        monkeypatch.setattr(sys, "argv", ["command", *before, option])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "-h, --help" in printed[0]


def test_what_is_no_error_of_ours_is_not_hidden(monkeypatch):
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command()
    def command() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["command"])
    with pytest.raises(ZeroDivisionError):
        run(app)


def test_a_note_is_one_line_on_standard_error(capsys):
    print_note("first\n  second [x]")
    assert capsys.readouterr() == ("", "note: first second [x]\n")


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_one_thing_is_not_many(count, text):
    assert plural(count, "file") == text


@pytest.mark.parametrize(
    ("text", "size_hw"),
    [("512x256", (512, 256)), ("1X2", (1, 2)), ("320", (320, 320)), (" 8x9 ", (8, 9))],
)
def test_a_size_is_height_then_width(text, size_hw):
    assert parse_size_hw(text) == size_hw


@pytest.mark.parametrize("text", ["", "x", "512x", "512,512", "-1x5", "0x5", "5x0", "1x2x3", "a"])
def test_anything_else_is_no_size(text):
    with pytest.raises(UsageError, match="size"):
        parse_size_hw(text)


def test_a_warning_is_a_note_of_one_line():
    code = (
        "import typer, warnings\n"
        "from ppmobileseg_deploy.cli.console import new_app, run\n"
        "app = new_app()\n"
        "@app.command()\n"
        "def work() -> None:\n"
        "    warnings.warn('two\\nlines')\n"
        "run(app)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "note: two lines\n")
