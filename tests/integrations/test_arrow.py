"""Tables in, tables out: each row as a single call gives it, and bad rows beside good ones."""

import hashlib
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.errors import ModelError, UsageError

pa = pytest.importorskip("pyarrow")

from ppmobileseg_deploy.integrations.arrow import ArrowSegmenter  # noqa: E402

DEMO = Path(__file__).parents[2] / "demo"
MODEL = DEMO / "ppmobileseg_tiny_demo.onnx"


def _small_jpeg(path: Path) -> bytes:
    image_bgr = cv2.resize(cv2.imread(str(path)), (160, 96))
    return cv2.imencode(".jpg", image_bgr)[1].tobytes()


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    return {path.name: _small_jpeg(path) for path in sorted((DEMO / "images").glob("*.jpg"))}


@pytest.fixture(scope="module")
def segment() -> ArrowSegmenter:
    return ArrowSegmenter(MODEL)


def test_every_row_is_what_a_single_call_gives(images, segment):
    table = pa.table({"path": list(images), "bytes": list(images.values()), "other": [*images]})
    found = segment(table)
    assert found.schema == segment.schema
    single = OrtSegmenter(MODEL, threads=1)
    single.expect([])
    for row, (name, content) in zip(found.to_pylist(), images.items(), strict=True):
        result = single(content)
        labels = cv2.imdecode(np.frombuffer(row["labels_png"], np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(labels, result.labels)
        assert (row["path"], row["height"], row["width"]) == (name, 96, 160)
        assert row["areas"] == list(result.areas().items())
        assert row["model_sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
        assert row["error"] is None


def test_bad_images_are_rows_with_an_error(images, segment):
    good = next(iter(images.values()))
    bad = {"empty": b"", "none": None, "text": b"hello", "half": good[: len(good) // 2]}
    table = pa.table({"path": ["a", *bad, None], "bytes": [good, *bad.values(), good]})
    rows = segment(table).to_pylist()
    assert [row["path"] for row in rows] == ["a", *bad, None]
    assert [row["error"] is None for row in rows] == [True, False, False, False, False, True]
    for row in rows[1:-1]:
        assert row["model_sha256"] == rows[0]["model_sha256"]
        assert [row[name] for name in ("height", "width", "labels_png", "areas")] == [None] * 4
        assert "\n" not in row["error"]


def test_an_image_of_too_many_pixels_is_an_error(images):
    content = next(iter(images.values()))
    small = ArrowSegmenter(MODEL, max_pixels=1000)
    [row] = small(pa.table({"path": ["a"], "bytes": [content]})).to_pylist()
    assert "expected 1 to 1000 pixels" in row["error"]


def test_no_memory_for_an_image_is_an_error(images, monkeypatch):
    def fails(*_):
        raise MemoryError

    segment = ArrowSegmenter(MODEL)
    monkeypatch.setattr(segment, "_segmenter", fails)
    table = pa.table({"path": ["a"], "bytes": [b"1"]})
    assert segment(table)["error"].to_pylist() == ["not enough memory for this image"]


@pytest.mark.parametrize(
    "text", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]
)
@pytest.mark.parametrize("binary", [pa.binary(), pa.large_binary()])
def test_record_batches_of_any_text_and_binary(images, segment, text, binary):
    name, content = next(iter(images.items()))
    paths = pa.array([name]).cast(text)
    batch = pa.record_batch({"path": paths, "bytes": pa.array([content], binary)})
    [found] = segment.map([batch])
    assert isinstance(found, pa.RecordBatch)
    assert found.schema == segment.schema
    assert found["path"].to_pylist() == [name]


def test_no_rows_give_no_rows(segment):
    schema = pa.schema([("path", pa.string()), ("bytes", pa.binary())])
    found = segment(schema.empty_table())
    assert (found.num_rows, found.schema) == (0, segment.schema)


def test_outputs_are_chosen(images):
    segment = ArrowSegmenter(MODEL.read_bytes(), outputs=["areas"])
    table = pa.table({"path": list(images)[:1], "bytes": list(images.values())[:1]})
    assert segment(table).column_names == [
        *("path", "height", "width", "areas", "model_sha256", "error")
    ]


def test_another_process_needs_no_file(images, tmp_path):
    copied = tmp_path / "model.onnx"
    copied.write_bytes(MODEL.read_bytes())
    table = pa.table({"path": list(images), "bytes": list(images.values())})
    segment = ArrowSegmenter(copied)
    pickled = pickle.dumps(segment)
    copied.unlink()
    assert pickle.loads(pickled)(table).equals(segment(table))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"path": ["a"]}, "expected one column 'bytes', found \\['path'\\]"),
        ({"image": [b""], "bytes": [b""]}, "expected one column 'path'"),
        ({"path": ["a"], "bytes": ["a"]}, "expected a column 'bytes' of binary, found DataType"),
        ({"path": [1], "bytes": [b""]}, "expected a column 'path' of text"),
    ],
)
def test_tables_of_another_kind_are_refused(segment, table, message):
    with pytest.raises(UsageError, match=message):
        segment(pa.table(table))


def test_models_and_outputs_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(UsageError, match="expected outputs of labels_png, areas, found 'overlay'"):
        ArrowSegmenter(MODEL, outputs=("overlay",))
    with pytest.raises(UsageError):
        ArrowSegmenter(tmp_path / "missing.onnx")
    with pytest.raises(ModelError):
        ArrowSegmenter(b"no model")
