"""What to do with results that exist already."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ...errors import UsageError
from ...files import kind_of, remove_abandoned, write_errors
from .planning import PlannedSource, is_folder

_FRAME: Final = re.compile(r"[0-9]+\.png")
_FROM_THE_DESKTOP: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def settle_existing(
    plans: Sequence[PlannedSource], *, overwrite: bool = False, resume: bool = False
) -> list[PlannedSource]:
    """Decide, before any work, about results that exist.

    The only source of a run, where it is an image that the user named, may replace its own earlier
    results without ``overwrite``: people vary the options on one photograph.

    Also removes the temporary files that runs which were killed left in the folders of the
    results.

    Args:
        plans: What is to be written, from `plan_outputs`.
        overwrite: Replace what exists.
        resume: Leave out what is complete and do only what is missing.

    Returns:
        The plans with what is left to do; with ``resume``, sources that have all their results
        are not among them.

    Raises:
        UsageError: There are existing results and neither option was given, both options were
            given, or a result would replace a source of the run or something that is no result.
            A link is none, wherever it leads: somebody else may have chosen where. With
            ``resume`` one that leads to a complete result stays as it is.
    """
    if overwrite and resume:
        raise UsageError("expected overwrite or resume, found both")
    existing = [
        (plan, kind, path)
        for plan in plans
        for kind, path in plan.outputs.items()
        if os.path.lexists(path)
    ]
    complete = {path for _, _, path in existing if _is_complete(path)} if resume else set()
    sources = {_identity(plan.source.path) for plan in plans} - {None}
    for plan, kind, path in existing:
        if _identity(path) in sources:
            raise UsageError(f"the result {path} would overwrite a source of this run")
        if path.is_symlink() and path not in complete:
            raise UsageError(
                f"expected a file of its own or nothing for the result {path}, found a link to "
                f"{path.readlink()}: remove the link",
                parameter="output",
            )
        _check_kind(path, "folder" if is_folder(kind, plan.source) else "file")
    if not (overwrite or resume):
        alone = len(plans) == 1
        kept = [path for plan, kind, path in existing if not (alone and _is_own(plan, kind, path))]
        if kept:
            raise _refusal(kept, plans)
    for folder in {path.parent for plan in plans for path in plan.outputs.values()}:
        remove_abandoned(folder)
    if not resume:
        return list(plans)
    remaining = []
    for plan in plans:
        missing = {kind: path for kind, path in plan.outputs.items() if path not in complete}
        if missing:
            remaining.append(replace(plan, outputs=missing))
    return remaining


def mark_unfinished(path: Path) -> None:
    """Note beside a result that it ends before its video does, so that a resumed run redoes it.

    Args:
        path: The file or folder of the result.

    Raises:
        OutputError: The note cannot be written.
    """
    # What is there already, such as a link that leads elsewhere, is a note, too.
    with write_errors(path), suppress(FileExistsError):
        _note(path).touch(exist_ok=False)


def mark_finished(path: Path) -> None:
    """Remove the note of `mark_unfinished`, if there is one.

    Raises:
        OutputError: It cannot be removed.
    """
    with write_errors(path):
        _note(path).unlink(missing_ok=True)


def _refusal(existing: Sequence[Path], plans: Sequence[PlannedSource]) -> UsageError:
    others = len(existing) - 1
    found = f"{existing[0]} and {others} more exist" if others else f"{existing[0]} exists"
    several = sum(len(plan.outputs) for plan in plans) > 1
    return UsageError(found, parameter="resume" if several else "overwrite")


def _is_own(plan: PlannedSource, kind: str, path: Path) -> bool:
    """Whether a file is called like an earlier result of an image that the user named."""
    source = plan.source
    names = (f"{source.relative.stem}_{kind}", f"{source.relative.name}_{kind}")
    return source.named and source.kind == "image" and path.stem in names


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


def _is_complete(path: Path) -> bool:
    # Files and folders get their names when they are complete.
    return kind_of(path) is not None and not os.path.lexists(_note(path))


def _identity(path: Path | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _check_kind(path: Path, expected: str) -> None:
    found = kind_of(path)
    if found != expected:
        raise UsageError(
            f"expected a {expected} or nothing for the result {path}, found a {found}"
        )
    if expected == "file":
        return
    try:
        names = os.listdir(path)  # noqa: PTH208 - names are enough
    except OSError as error:
        raise UsageError(f"cannot list folder {path}: {error.strerror or error}") from None
    for name in names:
        if not _FRAME.fullmatch(name) and name not in _FROM_THE_DESKTOP:
            raise UsageError(
                f"expected only numbered PNG files in {path}, which the result replaces, "
                f"found {name!r}"
            )
