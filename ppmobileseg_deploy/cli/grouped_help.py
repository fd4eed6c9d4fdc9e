"""Help of a command with many options: under headings, in plain text."""

from typing import Any

from typer.core import TyperCommand

_ARGUMENTS = "Arguments"
_OTHERS = "Others"


class GroupedCommand(TyperCommand):
    """A command whose options are listed by their ``rich_help_panel``.

    Typer shows these headings in rich's boxes only, which our commands do without.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each group in the order in which they are declared.

        Args:
            ctx: The context of the call.
            formatter: What to write to.
        """
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                default = _ARGUMENTS if param.param_type_name == "argument" else _OTHERS
                heading = getattr(param, "rich_help_panel", None) or default
                groups.setdefault(heading, []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)
