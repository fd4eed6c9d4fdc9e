import os
from pathlib import Path
from types import ModuleType

import pytest

from ppmobileseg_deploy import ade20k, cityscapes, small_files
from ppmobileseg_deploy.class_names import (
    choose_palette,
    default_classes,
    read_classes,
    read_names,
    read_palette,
    usual_palette,
)
from ppmobileseg_deploy.errors import UsageError


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
    assert palette is None


def test_names_with_colours(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"road": [128, 64, 128], "sky": [70, 130, 180]}')
    assert read_classes(path, 2) == (("road", "sky"), ((128, 64, 128), (70, 130, 180)))


@pytest.mark.parametrize("table", [ade20k, cityscapes])
def test_known_names_have_their_usual_colours(table: ModuleType) -> None:
    assert usual_palette(table.NAMES) == table.PALETTE_RGB
    assert usual_palette(table.NAMES[::-1]) != table.PALETTE_RGB[::-1]
    assert len(set(usual_palette(table.NAMES[1:]))) == len(table.NAMES) - 1


def test_a_head_of_one_class_tells_two_apart() -> None:
    names, palette = default_classes(1)
    assert names == ("background", "foreground")
    assert len(set(palette)) == 2


@pytest.mark.parametrize(
    ("name", "text", "names", "last_rgb"),
    [
        ("c.txt", "water", ("background", "water"), None),
        ("c.txt", "land\nwater", ("land", "water"), None),
        ("c.json", '{"water": [1, 2, 3]}', ("background", "water"), (1, 2, 3)),
        ("c.json", '{"land": [9, 9, 9], "water": [1, 2, 3]}', ("land", "water"), (1, 2, 3)),
    ],
)
def test_names_for_a_head_of_one_class(
    tmp_path: Path,
    name: str,
    text: str,
    names: tuple[str, ...],
    last_rgb: tuple[int, int, int] | None,
) -> None:
    path = tmp_path / name
    path.write_text(text)
    read, palette = read_classes(path, 1)
    assert read == names
    if last_rgb is None:
        assert palette is None
    else:
        assert palette is not None
        assert len(set(palette)) == 2
        assert palette[1] == last_rgb
    path.write_text("a\nb\nc")
    with pytest.raises(UsageError, match="expected"):
        read_classes(path, 1)


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


def test_a_pipe_without_a_writer_is_an_error(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(small_files, "_PATIENCE_S", 0.1)
    os.mkfifo(tmp_path / "pipe")
    for read, what in ((read_names, "class names"), (read_palette, "colours")):
        with pytest.raises(UsageError, match=f"cannot read {what} from .*pipe: nobody wrote"):
            read(tmp_path / "pipe")


@pytest.mark.parametrize(("source", "table"), [("ade20k", ade20k), ("Cityscapes", cityscapes)])
def test_tables_that_are_built_in(source, table) -> None:
    assert read_names(source) == (table.NAMES, table.PALETTE_RGB)
    assert read_palette(source) == dict(zip(table.NAMES, table.PALETTE_RGB, strict=True))


def test_a_file_goes_before_a_table_of_its_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cityscapes").write_text("mine")
    assert read_names("cityscapes") == (("mine",), None)


@pytest.mark.parametrize(
    ("text", "palette"),
    [
        ("[[1, 2, 3], [0, 255, 0]]", ((1, 2, 3), (0, 255, 0))),
        ('{"sky": [1, 2, 3]}', {"sky": (1, 2, 3)}),
    ],
)
def test_colours_from_a_file(tmp_path: Path, text: str, palette: object) -> None:
    path = tmp_path / "palette.json"
    path.write_text(text)
    assert read_palette(path) == palette


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "3", '["sky"]', "[[1, 2]]", "[[1, 2, true]]", '{"a": "red"}', "[" * 99999],
)
def test_files_without_colours(tmp_path: Path, text: str) -> None:
    path = tmp_path / "palette.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"palette\.json"):
        read_palette(path)


NAMES = ("sky", "sea", "sky")
BLACK = ((0, 0, 0),) * 3


@pytest.mark.parametrize(
    ("wanted", "palette"),
    [
        ([(1, 2, 3), (4, 5, 6), (7, 8, 9)], ((1, 2, 3), (4, 5, 6), (7, 8, 9))),
        ({"sky": (1, 2, 3), "no class": (9, 9, 9)}, ((1, 2, 3), (0, 0, 0), (1, 2, 3))),
    ],
)
def test_classes_get_other_colours(wanted, palette) -> None:
    assert choose_palette(NAMES, BLACK, wanted) == palette


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([(1, 2, 3)], "expected 3 colours, one for each class, found 1"),
        ([(1, 2, 3)] * 2 + [(1, 2, 300)], r"found \(1, 2, 300\)"),
        ([1, 2, 3], "three whole numbers in .0, 255., found 1"),
        ({"sky": (1, 2)}, r"found \(1, 2\)"),
        ({"skyy": (1, 2, 3)}, "only other names, such as 'skyy': did you mean 'sky'"),
        ({"pancake": (1, 2, 3)}, "such as 'pancake': the model's classes are '"),
        ({}, "expected colours"),
    ],
)
def test_other_colours_that_do_not_fit(wanted, message) -> None:
    with pytest.raises(UsageError, match=message):
        choose_palette(NAMES, BLACK, wanted)


@pytest.mark.parametrize(
    ("train_id", "name", "rgb"),
    [(0, "road", (128, 64, 128)), (10, "sky", (70, 130, 180)), (18, "bicycle", (119, 11, 32))],
)
def test_cityscapes(train_id, name, rgb) -> None:
    table = cityscapes
    assert len(table.NAMES) == len(set(table.NAMES)) == len(set(table.PALETTE_RGB)) == 19
    assert (table.NAMES[train_id], table.PALETTE_RGB[train_id]) == (name, rgb)
