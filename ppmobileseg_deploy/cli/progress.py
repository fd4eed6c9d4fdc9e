"""A bar on standard error while a command counts up to something."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from .console import stderr


class Show(Protocol):
    """Moves the bar."""

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Take how much is done, how much there is, and what to write before the bar."""


@contextmanager
def progress() -> Iterator[Show | None]:
    """Show a bar and an estimate of the time that is left, and remove it at the end.

    Yields:
        What moves the bar; None where standard error is no terminal.
    """
    if not stderr.is_interactive:
        yield None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=stderr, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str = "") -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show
