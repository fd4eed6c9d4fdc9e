"""Listing: the images that a folder, a pattern, a list or a Parquet file names, as a table."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import ImageError, UsageError
from ..quoting import brief
from ..runtime.images.files import READABLE_SUFFIXES
from .places import Place

SCHEMA: Final = pa.schema([("path", pa.string()), ("file", pa.string()), ("row", pa.int64())])
"""Of an image: its name in the results and, if it is in a Parquet file, that file and the row."""

PARQUET_SUFFIXES: Final = (".parquet", ".pq")

_LIST_SUFFIX: Final = ".txt"
_WILDCARD: Final = re.compile(r"[*?\[]")
_LONGEST_LINE: Final = 1 << 16
_READ_AT_ONCE: Final = 1 << 20


def list_images(location: str) -> pa.Table:
    """Find the images that a location names.

    Args:
        location: A folder, with those in it, of images or of Parquet files; a pattern such as
            ``s3://bucket/**/*.jpg``; a text file with one path a line; or a Parquet file with a
            column ``bytes`` (and one ``path``, if the images have names) or ``path``.

    Returns:
        A table of `SCHEMA`. Each path is there once, in the order of the names for folders and
        patterns, else as listed; rows with bytes are all there.

    Raises:
        UsageError: There is nothing of the kind, or nothing in it.
        ImageError: It cannot be read.
    """
    place = Place.of(location)
    if place.exists():
        if place.is_folder():
            table = _of_files(sorted(place.files_below()), location)
        elif place.location.endswith(_LIST_SUFFIX):
            table = _of_paths(_lines(place))
        elif place.location.endswith(PARQUET_SUFFIXES):
            table = _of_parquet([place.location])
        else:
            table = _of_paths([place.location])
    elif _WILDCARD.search(place.location):
        table = _of_files(sorted(_matching(place)), location)
    else:
        raise UsageError(f"no such file or folder: {location}")
    if not table.num_rows:
        raise UsageError(f"expected images, found none in {location}")
    return table


def _matching(pattern: Place) -> Iterator[str]:
    from fsspec.utils import glob_translate

    start = _WILDCARD.search(pattern.location)
    fixed = pattern.location[: start.start() if start else None].rpartition("/")[0]
    fits = re.compile(glob_translate(pattern.location)).fullmatch
    return (each for each in Place(fixed).files_below() if fits(each))


def _of_files(locations: list[str], named: str) -> pa.Table:
    images = [each for each in locations if _suffix(each) in READABLE_SUFFIXES]
    if images:
        return _of_paths(images)
    parquet = [each for each in locations if each.endswith(PARQUET_SUFFIXES)]
    if not parquet:
        wanted = " ".join(sorted({*READABLE_SUFFIXES, *PARQUET_SUFFIXES}))
        raise UsageError(f"expected images, found none in {named} (looked for {wanted})")
    return _of_parquet(parquet)


def _suffix(location: str) -> str:
    name = PurePosixPath(location).name
    return "" if name.startswith(".") else PurePosixPath(name).suffix.lower()


def _of_paths(paths: Iterable[str] | pa.ChunkedArray) -> pa.Table:
    # Arrow's own set: Python's would take ten times the memory of the names.
    column = paths if isinstance(paths, pa.ChunkedArray) else _column(paths)
    unique = pc.unique(column.cast(pa.string()))
    nothing = pa.nulls(len(unique))
    columns = [unique, nothing.cast(pa.string()), nothing.cast(pa.int64())]
    return pa.table(columns, schema=SCHEMA)


def _column(paths: Iterable[str]) -> pa.ChunkedArray:
    chunks: list[pa.Array] = []
    pending: list[str] = []
    for path in paths:
        pending.append(path)
        if len(pending) == _READ_AT_ONCE // 16:
            chunks.append(pa.array(pending, pa.string()))
            pending.clear()
    chunks.append(pa.array(pending, pa.string()))
    return pa.chunked_array(chunks)


def _lines(place: Place) -> Iterator[str]:
    try:
        with place.open() as file:
            rest = b""
            while piece := file.read(_READ_AT_ONCE):
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    raise ImageError(
                        f"cannot read {place}: expected one path a line, found a line of more "
                        f"than {_LONGEST_LINE} bytes"
                    )
                yield from _locations(lines, place)
            yield from _locations([rest], place)
    except OSError as error:
        raise ImageError(f"cannot read {place}: {error}") from error


def _locations(lines: list[bytes], place: Place) -> Iterator[str]:
    for line in lines:
        try:
            text = line.decode("utf-8").removeprefix("\ufeff").strip()
        except UnicodeDecodeError:
            raise ImageError(
                f"cannot read {place}: expected a list of paths (UTF-8, one a line), found "
                f"{brief(line)}"
            ) from None
        if text and not text.startswith("#"):
            yield Place.of(text).location


def _of_parquet(locations: list[str]) -> pa.Table:
    tables = [_of_one_parquet(Place(each)) for each in locations]
    table = pa.concat_tables(tables)
    if pc.all(pc.is_null(table["file"])).as_py():
        return _of_paths(table["path"])
    return table


def _of_one_parquet(place: Place) -> pa.Table:
    try:
        with place.open() as opened:
            file = pq.ParquetFile(opened)
            types = {field.name: field.type for field in file.schema_arrow}
            names = _read_paths(file) if _is_text(types.get("path")) else None
            count = file.metadata.num_rows
    except (OSError, pa.ArrowException) as error:
        raise ImageError(f"cannot read {place}: {error}") from error
    if _is_binary(types.get("bytes")):
        rows = pa.array(range(count), pa.int64())
        if names is None:
            prefix = pa.scalar(f"{place}#")
            names = pc.binary_join_element_wise(prefix, rows.cast(pa.string()), "")
        files = pa.array([place.location], pa.string()).take(pa.array([0] * count, pa.int8()))
        return pa.table([names, files, rows], schema=SCHEMA)
    if names is None:
        raise UsageError(
            f"expected a column bytes of binary or path of text in {place}, found "
            f"{brief(', '.join(f'{name} ({kind})' for name, kind in types.items()))}"
        )
    paths = [Place.of(each).location for each in names.to_pylist() if each]
    nothing = pa.nulls(len(paths))
    columns = [pa.array(paths, pa.string()), nothing.cast(pa.string()), nothing.cast(pa.int64())]
    return pa.table(columns, schema=SCHEMA)


def _read_paths(file: Any) -> pa.ChunkedArray:
    return file.read(columns=["path"])["path"].cast(pa.string())


def _is_text(kind: pa.DataType | None) -> bool:
    return kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_binary(kind: pa.DataType | None) -> bool:
    return kind is not None and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
