"""What a folder, a pattern, a list and a Parquet file name."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ppmobileseg_deploy.cluster.listing import SCHEMA, list_images
from ppmobileseg_deploy.errors import ImageError, UsageError


def _paths(location: object) -> list[str]:
    table = list_images(str(location))
    assert table.schema == SCHEMA
    return table["path"].to_pylist()


def test_a_folder_gives_the_images_in_it_and_below(pictures):
    wanted = sorted(str(each) for each in pictures.rglob("*") if each.suffix in (".jpg", ".png"))
    assert _paths(pictures) == [each for each in wanted if "hidden" not in each]


@pytest.mark.parametrize(
    ("pattern", "count"), [("*.jpg", 6), ("**/*.jpg", 10), ("deep/[0-3].*", 2), ("b?d.png", 1)]
)
def test_a_pattern(pictures, pattern, count):
    assert len(_paths(pictures / pattern)) == count


def test_a_list_names_each_image_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_bytes(
        "\ufeffb.jpg\n# no\n\n  a.jpg  \r\nb.jpg\ns3://bucket/a b?.jpg".encode()
    )
    assert _paths("list.txt") == [f"{tmp_path}/b.jpg", f"{tmp_path}/a.jpg", "s3://bucket/a b?.jpg"]


def test_parquet_with_paths(tmp_path):
    pq.write_table(
        pa.table({"path": ["/x/b.jpg", "/x/a.jpg", None, "/x/b.jpg"]}), tmp_path / "t.parquet"
    )
    assert _paths(tmp_path / "t.parquet") == ["/x/b.jpg", "/x/a.jpg"]


def test_parquet_with_bytes_with_and_without_names(tmp_path):
    pq.write_table(pa.table({"path": ["a", "a"], "bytes": [b"1", b"2"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"bytes": [b"3"]}), tmp_path / "2.parquet")
    table = list_images(str(tmp_path)).to_pylist()
    first, second = str(tmp_path / "1.parquet"), str(tmp_path / "2.parquet")
    assert table == [
        {"path": "a", "file": first, "row": 0},
        {"path": "a", "file": first, "row": 1},
        {"path": f"{second}#0", "file": second, "row": 0},
    ]


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("missing", None, UsageError, "no such file or folder"),
        ("*.nothing", None, UsageError, "found none"),
        ("empty.txt", b"# nothing\n", UsageError, "expected images, found none"),
        ("bad.txt", b"\xff\xfe\xfa\n", ImageError, "expected a list of paths"),
        ("long.txt", b"a" * 100_000_000, ImageError, "found a line of more"),
        ("web.txt", b"https://a.example/b.jpg\n", UsageError, "fetches images from the web"),
        ("bad.parquet", b"PAR1 nothing", ImageError, "cannot read"),
    ],
)
def test_what_is_refused(tmp_path, name, content, error, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        list_images(str(tmp_path / name))
    assert len(str(caught.value)) < 500


def test_a_table_without_images_is_refused(tmp_path):
    pq.write_table(pa.table({"image": [1]}), tmp_path / "t.parquet")
    with pytest.raises(UsageError, match=r"expected a column bytes of binary or path of text"):
        list_images(str(tmp_path / "t.parquet"))


@pytest.mark.parametrize("location", ["", "https://host/a.jpg", "nonsense://host/a"])
def test_places_that_there_are_not(location):
    with pytest.raises(UsageError):
        list_images(location)
