"""Arrow: tables of images in, tables of labels out, as Ray Data, Spark, Daft and Dask call it."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa

from ..errors import ImageError, PPMobileSegError, UsageError
from ..quoting import brief
from ..runtime.images.headers import MAX_PIXELS
from ..runtime.inference.find_model import find_model
from ..runtime.segmenter import OrtSegmenter

OUTPUTS: Final = ("labels_png", "areas")
"""What can be had of an image: its labels as a PNG of class ids, the share of each class."""

_TYPES: Final = {"labels_png": pa.binary(), "areas": pa.map_(pa.string(), pa.float64())}
_TOO_LARGE: Final = "not enough memory for this image"

_Rows = TypeVar("_Rows", pa.Table, pa.RecordBatch)


class ArrowSegmenter:
    """A segmenter of tables whose rows are images. One bad image is a row with an error.

    It can be pickled, the model's content included: workers on other machines need no file.

    Args:
        model: Path of an ONNX file, or its content; or ``"tiny"`` or ``"base"``, see
            `OrtSegmenter`.
        outputs: Which of `OUTPUTS` the result has.
        threads: CPU threads of this object; None for as many as there are cores.
        max_pixels: Larger images are refused before they are decoded.

    Raises:
        ModelError: The file is damaged, or no segmentation model.
        UsageError: The file is missing, or an output is not known.

    Examples:
        >>> segment = ArrowSegmenter("end2end.onnx")
        >>> content = Path("street.jpg").read_bytes()
        >>> rows = segment(pa.table({"path": ["street.jpg"], "bytes": [content]}))
        >>> rows.column_names
        ['path', 'height', 'width', 'labels_png', 'areas', 'model_sha256', 'error']
        >>> rows["height"][0], rows["error"][0]
        (<pyarrow.Int32Scalar: 512>, <pyarrow.StringScalar: None>)
    """

    def __init__(
        self,
        model: str | Path | bytes,
        outputs: Sequence[str] = OUTPUTS,
        threads: int | None = 1,
        *,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._outputs = _checked(outputs)
        content = model if isinstance(model, bytes) else _content(find_model(str(model)))
        self._sha256 = hashlib.sha256(content).hexdigest()
        self._segmenter = OrtSegmenter(content, threads=threads, max_pixels=max_pixels)
        # Labels then do not depend on the images before, and so not on how rows are divided.
        self._segmenter.expect([])

    @property
    def schema(self) -> pa.Schema:
        """Columns of the result.

        ``path``: as it came in. ``height``, ``width``: of the upright image in pixels.
        ``labels_png``: a gray PNG of that size, whose values are class ids (16 bits a pixel above
        256 classes). ``areas``: class name to share of the image in (0, 1], largest first.
        ``model_sha256``: of the ONNX file. ``error``: why there is nothing of all this but the
        path and the model; null where there is.
        """
        return schema_of(self._outputs)

    def __call__(self, rows: _Rows) -> _Rows:
        """Segment the images of a table.

        Args:
            rows: A table or record batch with the columns ``path``, text of any kind that names
                the image, and ``bytes``, the content of its file. Other columns are not looked
                at.

        Returns:
            What was given, a table or record batch, with the columns of `schema` and the same
            rows in the same order.

        Raises:
            UsageError: A column is missing, or has another type.
        """
        paths, contents = _column(rows, "path", _is_text), _column(rows, "bytes", _is_binary)
        found = [
            self.row(path.as_py(), content.as_py())
            for path, content in zip(paths, contents, strict=True)
        ]
        kind = pa.RecordBatch if isinstance(rows, pa.RecordBatch) else pa.Table
        result: _Rows = kind.from_pylist(found, schema=self.schema)
        return result

    def map(self, batches: Iterable[_Rows]) -> Iterator[_Rows]:
        """Segment tables one after the other, which is what Spark's ``mapInArrow`` calls."""
        return map(self, batches)

    def row(self, path: str | None, content: bytes | ImageError | None) -> dict[str, Any]:
        """Segment one image.

        Args:
            path: What names it.
            content: Its file; None where there is none, or why there is none.

        Returns:
            The row of the result, by column.
        """
        row: dict[str, Any] = dict.fromkeys(self.schema.names)
        row.update(path=path, model_sha256=self._sha256)
        try:
            if content is None:
                raise ImageError("expected the bytes of an image, found null")
            if isinstance(content, ImageError):
                raise content
            result = self._segmenter(content)
            found: dict[str, Any] = {}
            for output in self._outputs:
                if output == "labels_png":
                    found[output] = result.encode("png", kind="labels")
                else:
                    found[output] = list(result.areas().items())
            height, width = result.orig_shape
            row.update(found, height=height, width=width)
        except PPMobileSegError as error:
            row["error"] = str(error)
        except MemoryError:
            row["error"] = _TOO_LARGE
        return row


def schema_of(outputs: Sequence[str] = OUTPUTS) -> pa.Schema:
    """Return the columns of a result with these outputs; see `ArrowSegmenter.schema`."""
    return pa.schema(
        [
            ("path", pa.string()),
            ("height", pa.int32()),
            ("width", pa.int32()),
            *((output, _TYPES[output]) for output in outputs),
            ("model_sha256", pa.string()),
            ("error", pa.string()),
        ]
    )


def _checked(outputs: Sequence[str]) -> tuple[str, ...]:
    chosen = (outputs,) if isinstance(outputs, str) else tuple(dict.fromkeys(outputs))
    unknown = [each for each in chosen if each not in OUTPUTS]
    if unknown:
        raise UsageError(f"expected outputs of {', '.join(OUTPUTS)}, found {brief(unknown[0])}")
    return chosen


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the model {path}: {error.strerror or error}") from error


def _column(rows: _Rows, name: str, fits: Any) -> Any:
    if rows.schema.names.count(name) != 1:
        raise UsageError(
            f"expected one column {name!r}, found {brief(rows.schema.names)}: name the columns "
            "of the images' paths and contents path and bytes"
        )
    column = rows.column(name)
    if not fits(column.type):
        expected = "text" if name == "path" else "binary"
        raise UsageError(f"expected a column {name!r} of {expected}, found {brief(column.type)}")
    return column


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        is_one(kind)
        for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _is_binary(kind: pa.DataType) -> bool:
    return any(
        is_one(kind)
        for is_one in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )
