"""How every command reads its options and prints its help page."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from typer.core import TyperCommand

from ..errors import UsageError
from .console import print_note

_ARGUMENTS: Final = "Arguments"
OTHERS: Final = "Others"
"""Heading of what belongs to no other group."""

_OPTIONS: Final = "Options"


class Command(TyperCommand):
    """A command with plain help, which still understands options by their former names.

    Options are listed by their ``rich_help_panel``. Typer shows these headings in rich's boxes
    only, which take twice the lines.
    """

    renamed: ClassVar[Mapping[str, str]] = {}
    """Former names of options, and what they are called now."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; a former name of an option is taken, with a note.

        Args:
            ctx: The context of the call.
            args: What was written after the command.

        Raises:
            UsageError: An option was given by its former and by its present name.
        """
        notes: list[str] = []
        if not ctx.resilient_parsing:
            args, notes = _present_names(args, self.renamed)
        rest: list[str] = super().parse_args(ctx, args)
        for note in notes:
            print_note(note)
        return rest

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return what follows the command in the line of its usage."""
        return [
            self.options_metavar or "",
            *(_shown(each) if each.required else f"[{_shown(each)}]" for each in _arguments(self)),
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each group in the order in which they are declared.

        Args:
            ctx: The context of the call.
            formatter: What to write to.
        """
        arguments = [
            (_shown(each), each.help or "") for each in _arguments(self) if not each.hidden
        ]
        groups: dict[str, list[tuple[str, str]]] = {_ARGUMENTS: arguments}
        options = [each for each in self.get_params(ctx) if each.param_type_name == "option"]
        has_headings = any(getattr(each, "rich_help_panel", None) for each in options)
        for option in options:
            # --version and --help, the eager ones, are about no group.
            default = OTHERS if has_headings and option.is_eager else _OPTIONS
            record = option.get_help_record(ctx)
            if record is not None:
                heading = getattr(option, "rich_help_panel", None) or default
                groups.setdefault(heading, []).append(record)
        for heading, records in groups.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def _arguments(command: TyperCommand) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "argument"]


def _shown(argument: Any) -> str:
    return f"{argument.metavar or argument.name.upper()}{'...' if argument.nargs == -1 else ''}"


def _present_names(args: list[str], renamed: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Put present names of options in place of former ones; return notes about them, too."""
    end = args.index("--") if "--" in args else len(args)
    names = [each.partition("=")[0] for each in args[:end]]
    changed, notes = list(args), dict[str, None]()
    for place, name in enumerate(names):
        if name not in renamed:
            continue
        present = renamed[name]
        if present in names:
            raise UsageError(
                f"expected {present} alone, which {name} was called before, found both"
            )
        changed[place] = present + args[place].removeprefix(name)
        notes[f"{name} is called {present} now; the former name goes with the next release"] = None
    return changed, list(notes)
