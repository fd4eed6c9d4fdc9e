"""``ppms``: every command behind one name."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module

import pytest
from typer.main import get_command

from ppmobileseg_deploy.cli.ppms import COMMANDS, main
from ppmobileseg_deploy.version import VERSION


@pytest.fixture
def ppms(in_process):
    """``ppms("infer", "--help")``: run ppms in this process."""
    return in_process("ppms", main)


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands(ppms, option):
    code, out, err = ppms(option)
    assert (code, err) == (0, "")
    lines = [line.split(maxsplit=1) for line in out.split("Commands:\n")[1].splitlines()]
    assert lines == [[name, text] for name, text in COMMANDS.items()]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_own_help_and_version(ppms, command):
    code, out, err = ppms(command, "-h")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: ppms {command} [OPTIONS]")
    assert "<" not in out.split("\n\n")[0]
    assert ppms(command, "--version") == (0, f"ppms {command} {VERSION}\n", "")


def test_the_version(ppms):
    assert ppms("--version") == (0, f"ppms {VERSION}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "expected a command, export, graft, infer, batch, eval, verify, bench, inspect, "
            "serve, web,",
        ),
        (["exprot", "x.pth"], "inspect, serve, web, found 'exprot'; see ppms --help"),
        (["--quiet"], "--quiet"),
        (["infer", "--quiet"], "--quiet"),
        (["infer"], "Missing argument"),
        (
            ["--show-completion", "tcsh"],
            "expected a shell, bash, zsh, fish,",
        ),
    ],
)
def test_wrong_use_is_one_line(ppms, arguments, message):
    code, out, err = ppms(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_command_does_what_the_program_of_its_name_does(ppms, desk, picture):
    picture("a.png")
    code, out, err = ppms("infer", "a.png", "--json-lines")
    assert (code, err) == (0, "")
    assert json.loads(out)["image"]["source"] == "a.png"
    code, _, err = ppms("infer", "none.png")
    assert (code, err) == (2, "error: no such file or folder: none.png\n")


_LOADED = """
import sys
sys.argv = ["ppms", *{arguments}]
from ppmobileseg_deploy.cli.ppms import main
try:
    main()
except SystemExit:
    pass
heavy = ("cv2", "numpy", "onnx", "onnxruntime", "PIL", "pydantic", "torch")
print(*(name for name in heavy if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), *((command, "--help") for command in COMMANDS)]
)
def test_help_loads_nothing_heavy(arguments):
    code = _LOADED.format(arguments=arguments)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.startswith(("Usage: ppms", "ppms "))
    assert ended.stderr == "\n"


def test_as_a_module():
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "ppmobileseg_deploy", "infer", "--help"],
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Usage: python -m ppmobileseg_deploy infer [OPTIONS] SOURCE...")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with ``ppms`` in it, as an installation makes it."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "ppms"
    program.write_text(
        f"#!{sys.executable}\nfrom ppmobileseg_deploy.cli.ppms import main\nmain()\n"
    )
    program.chmod(0o755)
    return folder


_COMPLETE = """
source <(ppms --show-completion bash)
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_ppms_completion ppms
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ppms ''", [*COMMANDS]),
        ("ppms in", ["infer", "inspect"]),
        ("ppms infer --ov", ["--overwrite", "--overlap"]),
        ("ppms export --cl", [""]),  # the former name of an option is not offered
        ("ppms infer pho", [""]),  # bash completes the names of files
    ],
)
def test_bash_completes_commands_and_options(programs, words, found):
    ended = subprocess.run(
        ["bash", "-c", _COMPLETE.format(words=words)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split("\n")[:-1] == found


@pytest.mark.skipif(os.name == "nt", reason="programs are made otherwise there")
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_can_be_asked_for(programs, shell):
    ended = subprocess.run(
        [programs / "ppms", "--show-completion", shell], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"_PPMS_COMPLETE=complete_{shell}" in ended.stdout


def _parser(command):
    return get_command(import_module(f"ppmobileseg_deploy.cli.{command}").app)


def _options(command):
    return {
        name: (type(param).__name__, param.is_flag, param.metavar)
        for param in _parser(command).params
        if param.param_type_name == "option"
        for name in param.opts
    }


_ONE_FORM = [
    *("--names", "--palette", "--image", "--images", "--labels", "--json", "--threshold"),
    *("--tolerance", "--min-agreement", "--weights", "--channel-order", "--show"),
    *("--reduce-zero-label", "--mean", "--std", "--limit"),
]


@pytest.mark.parametrize("option", _ONE_FORM)
def test_an_option_takes_the_same_in_every_command(option):
    found = {
        command: _options(command)[option] for command in COMMANDS if option in _options(command)
    }
    assert len(set(found.values())) == 1, found


@pytest.mark.parametrize("command", COMMANDS)
def test_a_former_name_is_the_name_of_nothing_else(command):
    options = _options(command)
    for former, present in _parser(command).renamed.items():
        assert former not in options
        assert present in options
