"""Formats of the files of results: Parquet, and tars as WebDataset reads them."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import PPMobileSegError
from ..integrations.arrow import schema_of
from .places import Place

_ROWS_A_GROUP: Final = 200
_ROWS: Final = "ppms.rows"
_ERRORS: Final = "ppms.errors"

Row = dict[str, Any]
"""A row of a result, by column; see `ArrowSegmenter.schema`."""


@dataclass(frozen=True)
class Counts:
    """What is in a file of results.

    Attributes:
        rows: Images.
        errors: Those of them that could not be segmented.
    """

    rows: int
    errors: int


@dataclass(frozen=True)
class Format:
    """A format of files of results.

    Attributes:
        suffix: How the files end.
        encode: Makes a file's content of its rows and the number of the first one in the batch.
        counts: Reads from a file what is in it.
        rows: Reads a file's rows one by one.
    """

    suffix: str
    encode: Callable[[list[Row], int], bytes]
    counts: Callable[[Place], Counts]
    rows: Callable[[Place], Iterator[Row]]


def _counts_of(rows: list[Row]) -> dict[str, str]:
    errors = sum(row["error"] is not None for row in rows)
    return {_ROWS: str(len(rows)), _ERRORS: str(errors)}


def _encode_parquet(rows: list[Row], first: int) -> bytes:  # noqa: ARG001  tars need it
    schema = schema_of().with_metadata(_counts_of(rows))
    stream = io.BytesIO()
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for start in range(0, len(rows), _ROWS_A_GROUP):
            part = rows[start : start + _ROWS_A_GROUP]
            writer.write_table(pa.Table.from_pylist(part, schema=schema))
    return stream.getvalue()


def _parquet_counts(place: Place) -> Counts:
    with place.open() as file:
        found = pq.ParquetFile(file).metadata.metadata or {}
    return _parse_counts({key.decode(): value.decode() for key, value in found.items()})


def _parquet_rows(place: Place) -> Iterator[Row]:
    with place.open() as file:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=_ROWS_A_GROUP):
            yield from batch.to_pylist()


def _encode_tar(rows: list[Row], first: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, pax_headers=_counts_of(rows)
    ) as tar:
        for number, row in enumerate(rows, first):
            labels = row["labels_png"]
            described = {key: value for key, value in row.items() if key != "labels_png"}
            if described["areas"] is not None:
                described["areas"] = dict(described["areas"])
            _add(tar, f"{number:09}.json", json.dumps(described).encode())
            if labels is not None:
                _add(tar, f"{number:09}.labels.png", labels)
    return stream.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # of no time and nobody: the same images give the same file
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _tar_counts(place: Place) -> Counts:
    with place.open() as file, tarfile.open(fileobj=file, mode="r:") as tar:
        return _parse_counts(tar.pax_headers)


def _tar_rows(place: Place) -> Iterator[Row]:
    with place.open() as file, tarfile.open(fileobj=file, mode="r:") as tar:
        row: Row | None = None
        for member in tar:
            stream = tar.extractfile(member)
            content = b"" if stream is None else stream.read()
            if member.name.endswith(".json"):
                if row is not None:
                    yield row
                row = {**json.loads(content), "labels_png": None}
                if row["areas"] is not None:
                    row["areas"] = list(row["areas"].items())
            elif row is not None:
                row["labels_png"] = content
        if row is not None:
            yield row


def _parse_counts(found: Mapping[str, str]) -> Counts:
    return Counts(int(found[_ROWS]), int(found[_ERRORS]))


FORMATS: Final[Mapping[str, Format]] = {
    "parquet": Format(".parquet", _encode_parquet, _parquet_counts, _parquet_rows),
    "webdataset": Format(".tar", _encode_tar, _tar_counts, _tar_rows),
}
"""By name. Both keep their counts in the file, so that nothing else has to be written with it."""

UNREADABLE: Final = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    pa.ArrowException,
    tarfile.TarError,
    PPMobileSegError,
)
"""What a file raises that is damaged, or none of ours."""
