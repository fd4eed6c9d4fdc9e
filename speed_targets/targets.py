"""What a measurement is held to."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Target:
    """A number and its limit.

    Attributes:
        name: What was measured.
        value: What was found, None where it could not be measured.
        limit: What it is held to.
        at_least: Whether larger is better.
        unit: Behind the number: ``"x"`` for ratios, ``"s"``, ``"MB"``.
    """

    name: str
    value: float | None
    limit: float
    at_least: bool
    unit: str

    @property
    def met(self) -> bool | None:
        """Whether the value is within the limit, None where there is no value."""
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def target_table(targets: Iterable[Target]) -> Table:
    """Lay out targets for printing."""
    table = Table(title="targets", title_justify="left")
    for heading in ("what", "measured", "target", "met"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    verdicts = {True: "yes", False: "[red]no[/red]", None: "-"}
    for target in targets:
        relation = "at least" if target.at_least else "at most"
        table.add_row(
            target.name,
            "-" if target.value is None else f"{target.value:.2f} {target.unit}",
            f"{relation} {target.limit:g} {target.unit}",
            verdicts[target.met],
        )
    return table
