"""Batch: planned or resumed, given to an engine, counted and noted in a manifest."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Literal, Protocol, TypeAlias

from ..errors import UsageError
from ..quoting import brief
from ..runtime.images.headers import MAX_PIXELS
from ..version import VERSION
from .formats import FORMATS, UNREADABLE, Counts
from .listing import list_images
from .places import Place
from .plan import Plan, differences, read_plan, results_in
from .work import FileDone

ROWS_PER_FILE: Final = 2000
"""Images in a file of results, if there are enough for all workers."""

MANIFEST: Final = "_manifest.json"
"""Written when all files are there."""

Engine: TypeAlias = Literal["local", "ray"]

_FILES_A_WORKER: Final = 4


class MakeFiles(Protocol):
    """Makes files of results, as `local.make_files` does."""

    def __call__(
        self, plan: Plan, numbers: Sequence[int], model: bytes, workers: int, threads: int
    ) -> Iterator[FileDone]:
        """Yield what became of each file."""


@dataclass(frozen=True)
class BatchReport:
    """Report of a run.

    Attributes:
        plan: What was to be done.
        earlier: Files that were there before.
        made: Files that were made.
        counts: Images and errors in those that were made.
        failures: A line for each file that could not be made.
        seconds: How long making them took.
    """

    plan: Plan
    earlier: int
    made: int
    counts: Counts
    failures: tuple[str, ...]
    seconds: float


Progress: TypeAlias = Callable[[int, int, float], None]
"""Takes how many images are done, how many there are, and how many were done in a second."""


def plan_batch(
    source: str,
    destination: str,
    model: bytes,
    *,
    resume: bool = False,
    workers: int = 1,
    rows_per_file: int | None = None,
    file_format: str | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Plan:
    """Decide which image has its row in which file, or go on with what was decided before.

    Args:
        source: See `listing.list_images`.
        destination: Folder of the results.
        model: Content of the ONNX file.
        resume: Go on with the batch that is there, if there is one.
        workers: Where there are few images, files are small enough for all of these.
        rows_per_file: Images in a file; None for `ROWS_PER_FILE` or fewer.
        file_format: Name in `FORMATS`; None for Parquet.
        max_pixels: Larger images are refused before they are decoded.

    Raises:
        UsageError: There are no images; there is a batch and it was not to be resumed, or another
            one was asked for.
        ImageError: The source cannot be read.
        OutputError: The plan cannot be written.
    """
    if file_format is not None and file_format not in FORMATS:
        raise UsageError(f"expected a format of {', '.join(FORMATS)}, found {file_format}")
    if rows_per_file is not None and rows_per_file < 1:
        raise UsageError(f"expected at least 1 row in a file, found {rows_per_file}")
    if max_pixels < 1:
        raise UsageError(f"expected max-pixels of at least 1, found {max_pixels}")
    folder, named = Place.of(destination), Place.of(source).location
    asked: dict[str, Any] = {
        "source": named,
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "format": file_format,
        "rows_per_file": rows_per_file,
        "max_pixels": max_pixels,
    }
    plan = read_plan(folder)
    if plan is not None:
        if not resume:
            raise UsageError(f"there is a batch in {destination}: --resume goes on with it")
        other = differences(plan, asked)
        if other is not None:
            raise UsageError(other)
        return plan
    stray = next(results_in(folder), None)
    if stray is not None:
        raise UsageError(f"expected a folder without results in {destination}, found {stray}")
    images = list_images(source)
    count = images.num_rows
    few = -(-count // (_FILES_A_WORKER * workers))
    plan = Plan(
        destination=folder.location,
        source=named,
        model_sha256=asked["model_sha256"],
        format=file_format or "parquet",
        images=count,
        rows_per_file=rows_per_file or min(ROWS_PER_FILE, few),
        max_pixels=max_pixels,
    )
    plan.write(images)
    return plan


def run_batch(
    plan: Plan,
    model: bytes,
    make_files: MakeFiles,
    *,
    workers: int = 1,
    threads: int = 1,
    progress: Progress | None = None,
) -> BatchReport:
    """Make the files of results that are missing; with all of them there, write the manifest.

    Args:
        plan: The batch.
        model: Content of the ONNX file.
        make_files: The engine.
        workers: How many files are made at a time.
        threads: CPU threads for each.
        progress: Is told how it goes on, after each file.

    Raises:
        UsageError: The engine cannot be used as it was asked to.
        OutputError: The manifest cannot be written.
    """
    start = perf_counter()
    there = plan.done()
    missing = [number for number in range(plan.files) if number not in there]
    before = sum(map(plan.rows_of, there))
    made, rows, errors = 0, 0, 0
    failures: list[str] = []
    if missing:
        for done in make_files(plan, missing, model, min(workers, len(missing)), threads):
            if done.counts is None:
                failures.append(f"{plan.name(done.number)} was not made: {done.failure}")
                continue
            made += 1
            rows += done.counts.rows
            errors += done.counts.errors
            if progress is not None:
                progress(before + rows, plan.images, rows / (perf_counter() - start))
    seconds = perf_counter() - start
    if not failures:
        earlier, failures = _counted(plan, there)
        if not failures:
            _write_manifest(plan, Counts(earlier.rows + rows, earlier.errors + errors))
    return BatchReport(plan, len(there), made, Counts(rows, errors), tuple(failures), seconds)


def _counted(plan: Plan, earlier: set[int]) -> tuple[Counts, list[str]]:
    """Count what earlier runs made; also a line for each of their files that cannot be read."""
    rows = errors = 0
    failures: list[str] = []
    for number in sorted(earlier):
        try:
            found = plan.file_format.counts(plan.place(number))
        except UNREADABLE as error:
            failures.append(
                f"{plan.name(number)} of an earlier run cannot be read: {brief(str(error))}; "
                "remove it, and --resume makes it anew"
            )
            continue
        rows, errors = rows + found.rows, errors + found.errors
    return Counts(rows, errors), failures


def _write_manifest(plan: Plan, counts: Counts) -> None:
    manifest = {
        "source": plan.source,
        "images": counts.rows,
        "errors": counts.errors,
        "files": plan.files,
        "rows_per_file": plan.rows_per_file,
        "format": plan.format,
        "model_sha256": plan.model_sha256,
        "tool_version": VERSION,
    }
    (plan.folder / MANIFEST).write(json.dumps(manifest, indent=1).encode() + b"\n")
