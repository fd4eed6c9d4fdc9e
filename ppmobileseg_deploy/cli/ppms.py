"""``ppms``: every command behind one name, and ``python -m ppmobileseg_deploy``."""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.completion import (
    get_completion_inspect_parameters,
    install_callback,
    show_callback,
)
from typer.core import TyperGroup
from typer.main import get_command

from ..errors import UsageError
from ..quoting import brief
from .console import Version, new_app, run

COMMANDS: Final[Mapping[str, str]] = {
    "export": "Export a checkpoint to one ONNX file, validated against PyTorch.",
    "graft": "Make any segmentation network's ONNX file give its labels faster.",
    "infer": "Segment images and videos: overlays, labels, JSON.",
    "batch": "Segment millions of images on many machines, or on this one.",
    "eval": "Measure mIoU and accuracy of models on labelled images.",
    "verify": "Compare two models: checkpoints, ONNX files, stored outputs.",
    "bench": "Measure latency and memory of models on this machine.",
    "inspect": "Show what an ONNX file contains, and what can run it.",
    "serve": "Segment images over HTTP, for many users at a time.",
    "web": "Serve a page that segments pictures in the browser.",
}
"""Each command and its line in the help. Its parser is ``app`` in the module of that name."""

_COMPLETION: Final[Mapping[str, Any]] = {
    "--install-completion": install_callback,
    "--show-completion": show_callback,
}
_SHELLS: Final = ("bash", "zsh", "fish", "powershell", "pwsh")


class _Commands(TyperGroup):
    """The commands, each loaded when it is called: ``ppms --help`` loads none."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return the parser of a command.

        Raises:
            UsageError: There is no such command.
        """
        if cmd_name not in COMMANDS:
            raise _no_command(f"found {brief(cmd_name)}")
        return get_command(import_module(f".{cmd_name}", __package__).app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the list of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option ``--help``."""
        option: Any = super().get_help_option(ctx)
        option.default = False  # for None, typer loads pydantic: as long as all the rest
        return option

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before a command.

        Raises:
            UsageError: There is nothing, or a shell that is not known.
        """
        if not (args or ctx.resilient_parsing):
            raise _no_command("found none")
        completion = _COMPLETION.get(args[0]) if len(args) == 2 else None
        if completion is not None:
            if args[1] not in _SHELLS:
                raise UsageError(f"expected a shell, {', '.join(_SHELLS)}, found {brief(args[1])}")
            completion(ctx, None, args[1])
        rest: list[str] = super().parse_args(ctx, args)
        return rest


def _no_command(found: str) -> UsageError:
    return UsageError(f"expected a command, {', '.join(COMMANDS)}, {found}; see ppms --help")


def _complete(option: str, help_text: str) -> Any:
    # Not typer's own options, which have no default: see `_Commands.get_help_option`.
    return typer.Option(option, callback=_COMPLETION[option], is_eager=True, help=help_text)


app = new_app(cls=_Commands)


@app.callback()
def ppms(
    _install: Annotated[
        bool,
        _complete(
            "--install-completion",
            "Complete command lines in this shell, or in the one that is named next.",
        ),
    ] = False,
    _show: Annotated[
        bool,
        _complete(
            "--show-completion",
            "Print the script that does it, for this shell or the one that is named next.",
        ),
    ] = False,
    _version: Version = False,
) -> None:
    """PP-MobileSeg semantic segmentation on a plain CPU.

    A checkpoint becomes one ONNX file, which runs without PyTorch. `ppms COMMAND --help` lists the
    options of a command. All but batch, graft, inspect, serve and web are programs of their
    own, too, such as ppms-infer.

    The exit code is 0 when everything was done, 1 when something failed or differs, 2 for wrong
    use such as a missing input, 130 after Ctrl-C.
    """


def main() -> None:
    """Entry point of ``ppms``."""
    get_completion_inspect_parameters()  # tells typer how shells ask for completion
    run(app)
