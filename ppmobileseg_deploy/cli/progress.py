"""A bar on standard error while a command counts up to something."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .console import stderr


@contextmanager
def progress(what: str = "") -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar and an estimate of the time that is left, and remove it at the end.

    Args:
        what: Written before the bar.

    Yields:
        A function that takes how much is done and how much there is; None where standard error
        is no terminal.
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
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
