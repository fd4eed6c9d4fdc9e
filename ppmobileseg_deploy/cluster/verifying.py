"""Verification: every image of a batch has exactly one row, and no file is broken."""

import json
import struct
from dataclasses import dataclass
from typing import Final

from ..errors import UsageError
from ..quoting import brief
from .batch import MANIFEST
from .formats import UNREADABLE, Counts, Row
from .places import Place
from .plan import Plan, read_plan, results_in

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND\xaeB`\x82"
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Verification:
    """What was found in a batch.

    Attributes:
        images: How many there are in its plan.
        counts: Rows that are as they should be, and those of them with an error.
        faults: What is not as it should be, a line each.
    """

    images: int
    counts: Counts
    faults: tuple[str, ...]


def verify_batch(destination: str) -> Verification:
    """Read all results of a batch and compare them with its plan.

    Args:
        destination: The folder of the results.

    Raises:
        UsageError: There is no batch.
    """
    folder = Place.of(destination)
    plan = read_plan(folder)
    if plan is None:
        raise UsageError(f"expected the results of ppms batch in {destination}, found no plan")
    there = plan.done()
    names = {plan.name(number) for number in there}
    faults = [f"{name} is no file of the plan" for name in results_in(folder) if name not in names]
    rows = errors = 0
    for number in range(plan.files):
        if number not in there:
            faults.append(f"{plan.name(number)} is missing")
            continue
        try:
            found, wrong = _verify_file(plan, number)
        except UNREADABLE as error:
            faults.append(f"{plan.name(number)} cannot be read: {brief(str(error))}")
            continue
        rows, errors = rows + found.rows, errors + found.errors
        faults += [f"{plan.name(number)}: {each}" for each in wrong]
    faults += _manifest_faults(plan, Counts(rows, errors))
    return Verification(plan.images, Counts(rows, errors), tuple(faults))


def _verify_file(plan: Plan, number: int) -> tuple[Counts, list[str]]:
    place = plan.place(number)
    wanted = plan.sources(number)["path"].to_pylist()
    faults: list[str] = []
    count = errors = 0
    for row in plan.file_format.rows(place):
        name = wanted[count] if count < len(wanted) else None
        fault = _fault_of(row, name, plan)
        if fault is not None:
            faults.append(f"row {count}: {fault}")
        count += 1
        errors += row["error"] is not None
    if count != len(wanted):
        faults.append(f"expected {len(wanted)} rows, found {count}")
    if plan.file_format.counts(place) != Counts(count, errors):
        faults.append(f"expected its own counts to be of {count} rows and {errors} errors")
    return Counts(count, errors), faults


def _fault_of(row: Row, name: str | None, plan: Plan) -> str | None:
    if row["path"] != name:
        return f"expected {brief(name)}, found {brief(row['path'])}"
    if row["model_sha256"] != plan.model_sha256:
        return f"it is of another model, {brief(row['model_sha256'])}"
    labels = row["labels_png"]
    if row["error"] is not None:
        return None if labels is None else "expected labels or an error, found both"
    if labels is None or not labels.startswith(_PNG) or not labels.endswith(_PNG_END):
        return "its labels are no whole PNG"
    width, height = struct.unpack(">II", labels[16:24])
    if (height, width) != (row["height"], row["width"]):
        return f"expected labels of {row['height']}x{row['width']}, found {height}x{width}"
    return None


def _manifest_faults(plan: Plan, counts: Counts) -> list[str]:
    place = plan.folder / MANIFEST
    if not place.exists():
        return [f"{MANIFEST} is missing: the batch is not done"]
    try:
        manifest = json.loads(place.read(_MOST_BYTES))
        found = Counts(manifest["images"], manifest["errors"])
    except UNREADABLE as error:
        return [f"{MANIFEST} cannot be read: {brief(str(error))}"]
    if found != counts:
        return [f"{MANIFEST}: expected, as in the files, {_said(counts)}; found {_said(found)}"]
    return []


def _said(counts: Counts) -> str:
    return f"{counts.rows} images, {counts.errors} with an error"
