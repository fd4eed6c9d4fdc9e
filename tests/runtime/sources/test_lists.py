"""Lists in text files and on standard input; an image on standard input."""

import io
import os
from pathlib import Path

import pytest

from ppmobileseg_deploy import small_files
from ppmobileseg_deploy.runtime.sources import find_sources, lists


@pytest.fixture
def stdin(monkeypatch):
    """Put bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def _paths(found):
    return [str(source.path) for source in found.sources]


def _errors(found):
    return [str(error) for error in found.errors]


@pytest.mark.parametrize(
    "content",
    [
        b"a.png\nx/b.png\n",
        b"a.png\r\n\r\n  x/b.png  ",
        b"\xef\xbb\xbfa.png\n# c.png\nx/b.png\na.png\n",
        "a.png\r\nx/b.png\r\n".encode("utf-16"),
        b'"a.png"\r\n"x/b.png"\r\n',
    ],
)
def test_a_list_gives_what_it_names(tree, content):
    tree("a.png", "x/b.png", "c.png")
    Path("list.txt").write_bytes(content)
    found = find_sources(["list.txt"])
    assert _paths(found) == ["a.png", "x/b.png"]
    assert not found.errors


def test_paths_in_a_list_are_tried_from_here_and_then_from_its_folder(tree):
    tree("a.png", "lists/a.png", "lists/b.png", "lists/x/c.png", "lists/f1.png")
    Path("lists/list.txt").write_text("a.png\nb.png\nx/*.png\nf%d.png\nx")
    expected = ["a.png", "lists/b.png", "lists/x/c.png", "lists/f1.png"]
    assert _paths(find_sources(["lists/list.txt"])) == expected


def test_a_list_may_hold_addresses_and_videos(tree):
    tree("a.mp4")
    Path("list.txt").write_text("a.mp4\nhttps://example.org/b.png")
    assert [source.kind for source in find_sources(["list.txt"]).sources] == ["video", "web"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("gone.png", "no such file or folder: gone.png (in list.txt)"),
        ("list.txt", "expected an image in the list, found another list: list.txt (in list.txt)"),
        ("-", "no such file or folder: - (in list.txt)"),
        ("0", "no such file or folder: 0 (in list.txt)"),
    ],
)
def test_what_a_list_cannot_hold_is_an_error(tree, line, error):
    Path("list.txt").write_text(line)
    assert _errors(find_sources(["list.txt"])) == [error]


def test_a_list_of_what_was_named_before_is_no_error(tree):
    tree("a.png", 'a".png')
    Path("list.txt").write_text('a.png\na".png\n')
    found = find_sources(["a.png", 'a".png', "list.txt"])
    assert _paths(found) == ["a.png", 'a".png']
    assert not found.errors


def test_other_lines_of_a_list_are_still_taken(tree):
    tree("a.png")
    Path("list.txt").write_text("gone.png\na.png")
    found = find_sources(["list.txt"])
    assert _paths(found) == ["a.png"]
    assert len(found.errors) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected at least one path or address, found an empty list"),
        (b"\n# a.png\n", "expected at least one path or address, found an empty list"),
        (b"\x80\x81\x82", r"starts with b'\x80\x81\x82'"),
        (b"a\0b", r"starts with b'a\x00b'"),
        (b"a\n" * 600, "expected a list of at most 1000 bytes"),
    ],
)
def test_what_is_no_list_is_one_error(tree, monkeypatch, content, said):
    monkeypatch.setattr(lists, "MAX_LIST_BYTES", 1000)
    Path("list.txt").write_bytes(content)
    (error,) = _errors(find_sources(["list.txt"]))
    assert "cannot read list.txt: " in error
    assert said in error


@pytest.mark.parametrize("start", ["BMW.png", "P6.png", "GIF89.png", "RIFF.png"])
def test_standard_input_may_be_a_list(tree, stdin, start):
    tree(start, "b.png")
    stdin(f"{start}\nb.png\n".encode())
    assert _paths(find_sources(["-"])) == [start, "b.png"]


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\xff\xd8\xff\xe0", "stdin.jpg"),
        (b"\x89PNG\r\n\x1a\n", "stdin.png"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "stdin.png"),
        (b"BM\x36\0\0\0\0\0", "stdin.png"),
        (b"II*\0", "stdin.png"),
        (b"MM\0+", "stdin.png"),
        (b"GIF89a", "stdin.png"),
        (b"P6 1 1 255 ", "stdin.png"),
    ],
)
def test_standard_input_may_be_an_image(stdin, start, name):
    content = start + bytes(100)
    stdin(content)
    (source,) = find_sources(["-", "-"]).sources
    assert (source.kind, source.data, str(source.relative)) == ("stdin", content, name)
    assert source.location == "standard input"


def test_standard_input_is_bounded(stdin, monkeypatch):
    monkeypatch.setattr(lists, "MAX_LIST_BYTES", 100)
    monkeypatch.setattr(lists, "MOST_BYTES", 1000)
    stdin(b"\xff\xd8\xff" + bytes(998))
    assert _errors(find_sources(["-"])) == [
        "cannot read standard input: expected at most 1000 bytes"
    ]


def test_a_video_on_standard_input_is_refused(stdin):
    stdin(b"\0\0\0\x1cftypisom" + bytes(100))
    (error,) = _errors(find_sources(["-"]))
    assert "expected an image or a list of paths" in error


def test_a_process_without_standard_input_gets_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert _errors(find_sources(["-"])) == ["cannot read standard input: there is none"]


def test_a_pipe_without_a_writer_is_an_error(tree, monkeypatch):
    monkeypatch.setattr(small_files, "_PATIENCE_S", 0.1)
    os.mkfifo("list.txt")
    (error,) = _errors(find_sources(["list.txt"]))
    assert error.startswith("cannot read list.txt: nobody wrote to this pipe")
