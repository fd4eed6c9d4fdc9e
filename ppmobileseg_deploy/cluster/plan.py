"""Plan: what a batch is to do, and which image has its row in which file of results."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import UsageError
from ..quoting import brief
from .formats import FORMATS, Format
from .places import Place

_FOLDER: Final = "_plan"  # readers of Parquet pass over names that begin so
_PLAN: Final = "plan.json"
_SOURCES: Final = "sources.parquet"
_MOST_BYTES: Final = 1 << 20
_VERSION: Final = 1


@dataclass(frozen=True)
class Plan:
    """What a batch is to do; it lies in the folder of its results.

    Attributes:
        destination: Folder of the results.
        source: What the user named.
        model_sha256: Of the ONNX file.
        format: Name in `FORMATS`.
        images: How many there are.
        rows_per_file: Images in each file of results but the last.
        max_pixels: Larger images are refused before they are decoded.
        version: Of the plan's own form.
    """

    destination: str
    source: str
    model_sha256: str
    format: str
    images: int
    rows_per_file: int
    max_pixels: int
    version: int = _VERSION

    @property
    def files(self) -> int:
        """How many files of results there are."""
        return -(-self.images // self.rows_per_file)

    @property
    def file_format(self) -> Format:
        """The format of the results."""
        return FORMATS[self.format]

    @property
    def folder(self) -> Place:
        """The folder of the results."""
        return Place(self.destination)

    def place(self, number: int) -> Place:
        """Return a file of results, by its number from 0 on."""
        return self.folder / self.name(number)

    def name(self, number: int) -> str:
        """Return the name of a file of results."""
        return f"part-{number:05}{self.file_format.suffix}"

    def rows_of(self, number: int) -> int:
        """Return how many images have their row in a file of results."""
        return min(self.rows_per_file, self.images - number * self.rows_per_file)

    def sources(self, number: int) -> pa.Table:
        """Return the images of a file of results, a table of `listing.SCHEMA`.

        Raises:
            OSError: The plan cannot be read.
        """
        with (self.folder / _FOLDER / _SOURCES).open() as file:
            table = pq.ParquetFile(file).read_row_group(number)
        if table.num_rows != self.rows_of(number):
            raise UsageError(
                f"expected {self.rows_of(number)} sources for {self.name(number)} in the plan of "
                f"{self.destination}, found {table.num_rows}"
            )
        return table

    def done(self) -> set[int]:
        """Return the numbers of the files of results that are there."""
        numbers = {self.name(number): number for number in range(self.files)}
        found = (Place(each).name for each in self.folder.files_below())
        return {numbers[name] for name in found if name in numbers}

    def write(self, sources: pa.Table) -> None:
        """Write the plan and the list of its images; the plan comes last.

        Raises:
            OutputError: That is not possible.
        """
        stream = io.BytesIO()
        pq.write_table(sources, stream, row_group_size=self.rows_per_file, compression="zstd")
        (self.folder / _FOLDER / _SOURCES).write(stream.getvalue())
        described = {key: value for key, value in asdict(self).items() if key != "destination"}
        (self.folder / _FOLDER / _PLAN).write(json.dumps(described, indent=1).encode())


def read_plan(destination: Place) -> Plan | None:
    """Read the plan of a batch.

    Args:
        destination: The folder of its results.

    Returns:
        The plan; None where there is none.

    Raises:
        UsageError: It is damaged, or of another release.
    """
    place = destination / _FOLDER / _PLAN
    if not place.exists():
        return None
    try:
        described = json.loads(place.read(_MOST_BYTES))
        plan = Plan(destination=destination.location, **described)
        whole = all(type(getattr(plan, each.name)) is each.type for each in fields(plan))
    except (ValueError, TypeError):
        raise UsageError(f"expected the plan of a batch in {place}, found no JSON of it") from None
    positive = whole and min(plan.images, plan.rows_per_file, plan.max_pixels) >= 1
    if not positive or plan.version != _VERSION or plan.format not in FORMATS:
        raise UsageError(
            f"expected a plan of version {_VERSION} in {place}, found {brief(described)}"
        )
    return plan


def results_in(destination: Place) -> Iterator[str]:
    """Yield the names of what looks like files of results in a folder."""
    suffixes = tuple(each.suffix for each in FORMATS.values())
    for location in destination.files_below():
        name = Place(location).name
        if name.startswith("part-") and name.endswith(suffixes):
            yield name


def differences(plan: Plan, asked: dict[str, Any]) -> str | None:
    """Say in what a plan differs from what is asked for; None if it does not."""
    for name, value in asked.items():
        planned = getattr(plan, name)
        if value is not None and value != planned:
            return f"expected {name} {brief(planned)} as in the run that is resumed, found {value}"
    return None
