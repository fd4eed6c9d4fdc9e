"""Work: one file of results, made whole by one worker from its images."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import ImageError, PPMobileSegError
from ..integrations.arrow import ArrowSegmenter
from ..runtime.parallel import InOrder
from .formats import Counts
from .places import MOST_IMAGE_BYTES, Place
from .plan import Plan

_READERS: Final = 4
_ROWS_AT_ONCE: Final = 16

_Content = tuple[str, bytes | ImageError | None]


@dataclass(frozen=True)
class FileDone:
    """What became of a file of results.

    Attributes:
        number: Which one, from 0 on.
        counts: What is in it; None where it could not be made.
        failure: Why it could not be made; None where it is there.
    """

    number: int
    counts: Counts | None
    failure: str | None = None


class Worker:
    """Makes files of results, one after the other; it can be pickled.

    Args:
        plan: The batch.
        model: Content of the ONNX file.
        threads: CPU threads.
    """

    def __init__(self, plan: Plan, model: bytes, threads: int) -> None:
        self._plan = plan
        self._segmenter = ArrowSegmenter(model, threads=threads, max_pixels=plan.max_pixels)

    def make(self, number: int) -> FileDone:
        """Segment the images of a file of results and put it in place.

        Images that cannot be read or segmented are rows with an error. Where the storage fails,
        which it may not do the next time, there is no file.
        """
        plan = self._plan
        try:
            found = _contents(plan.sources(number))
            rows = [self._segmenter.row(path, content) for path, content in found]
            plan.place(number).write(plan.file_format.encode(rows, number * plan.rows_per_file))
        except (OSError, pa.ArrowException, PPMobileSegError) as error:
            return FileDone(number, None, str(error))
        errors = sum(row["error"] is not None for row in rows)
        return FileDone(number, Counts(len(rows), errors))


def _contents(sources: pa.Table) -> Iterator[_Content]:
    """Yield name and content of images, some read ahead, in their order."""
    for file, group in groupby(sources.to_pylist(), lambda source: source["file"]):
        if file is None:
            with InOrder(_read, (source["path"] for source in group), _READERS) as contents:
                yield from contents
        else:
            names = {source["row"]: source["path"] for source in group}
            yield from _of_parquet(Place(file), names)


def _read(path: str) -> _Content:
    try:
        return path, Place(path).read(MOST_IMAGE_BYTES)
    except ImageError as error:
        return path, error


def _of_parquet(place: Place, names: dict[int, str]) -> Iterator[_Content]:
    first, last = min(names), max(names)
    with place.open() as opened:
        file = pq.ParquetFile(opened)
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            if start <= last and first < end:
                batches = file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=["bytes"])
                contents = (content for batch in batches for content in batch.column(0))
                for row, content in enumerate(contents, start):
                    if row in names:
                        yield names[row], content.as_py()
            start = end
