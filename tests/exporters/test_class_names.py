from pathlib import Path

import pytest

from ppmobileseg_deploy import ade20k
from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.exporters.class_names import default_classes, read_classes


def test_150_classes_are_taken_for_ade20k() -> None:
    assert default_classes(150) == (ade20k.NAMES, ade20k.PALETTE_RGB)


def test_other_counts_are_numbered_and_coloured() -> None:
    names, palette = default_classes(19)
    assert names[0] == "class 0"
    assert names[18] == "class 18"
    assert len(set(palette)) == 19


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("c.txt", "a\nb\n", ("a", "b")),
        ("c.txt", "\ufeffa\r\n\n  b  ", ("a", "b")),
        ("c.names", "traffic light\nä", ("traffic light", "ä")),
        ("c.json", '["a", "b"]', ("a", "b")),
    ],
)
def test_names_alone(tmp_path: Path, name: str, text: str, names: tuple[str, ...]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    read, palette = read_classes(path, 2)
    assert read == names
    assert len(set(palette)) == 2


def test_names_with_colours(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"road": [128, 64, 128], "sky": [70, 130, 180]}')
    assert read_classes(path, 2) == (("road", "sky"), ((128, 64, 128), (70, 130, 180)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.txt", b"a\nb\nc\n", "expected 2 class names for this checkpoint, found 3"),
        ("c.txt", b"", "found 0"),
        ("c.txt", b"\xff\xfe\x00", "expected UTF-8"),
        ("c.json", b"[1, 2]", "expected a list of names"),
        ("c.json", b'{"a": [0, 0], "b": [1, 1, 1]}', "expected a list of names"),
        ("c.json", b'{"a": [0, 0, 256], "b": [1, 1, 1]}', "expected a list of names"),
        ("c.json", b"{", "expected JSON"),
        ("c.txt", b"x" * (1 << 21), "more than"),
    ],
)
def test_malformed_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_classes(path, 2)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read class names"):
        read_classes(tmp_path / "none.txt", 2)
