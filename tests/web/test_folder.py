"""The folder of a page: complete, and nothing in it that asks another server."""

import re
from pathlib import Path

import pytest

import ppmobileseg_deploy.web
from ppmobileseg_deploy.errors import OutputError, UsageError
from ppmobileseg_deploy.web import check_page, write_page

PAGE = Path(ppmobileseg_deploy.web.__file__).parent / "page"
RUNTIME = {"ort.wasm.min.js": b"runtime"}


def test_it_has_the_page_the_runtime_and_its_licence(tmp_path):
    write_page(tmp_path / "new" / "folder", RUNTIME)
    folder = tmp_path / "new" / "folder"
    check_page(folder)
    assert (folder / "onnxruntime" / "ort.wasm.min.js").read_bytes() == b"runtime"
    assert "MIT License" in (folder / "onnxruntime" / "LICENSE").read_text()
    for name in ("index.html", "app.js", "style.css", "worker.js", "example.jpg"):
        assert (folder / name).read_bytes() == (PAGE / name).read_bytes()


def test_whatever_a_module_or_the_page_names_is_there(tmp_path):
    write_page(tmp_path, RUNTIME)
    for file in (*tmp_path.glob("*.js"), tmp_path / "index.html"):
        text = file.read_text("utf-8")
        named = re.findall(r'from "\./(.*?)";$|(?:src|href)="(.*?)"', text, re.MULTILINE)
        for name in filter(None, (name for pair in named for name in pair)):
            assert (tmp_path / name).is_file(), f"{file.name}: {name}"


def test_the_page_names_no_other_server():
    for file in PAGE.glob("*.*"):
        if file.suffix in (".js", ".html", ".css"):
            found = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", file.read_text("utf-8")))
            assert not found, file.name


def test_another_example_and_files_of_the_user_stay(tmp_path):
    (tmp_path / "example.jpg").write_bytes(b"mine")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    (tmp_path / "app.js").write_bytes(b"of a former page")
    write_page(tmp_path, RUNTIME)
    assert (tmp_path / "example.jpg").read_bytes() == b"mine"
    assert (tmp_path / "notes.txt").read_bytes() == b"mine"
    assert (tmp_path / "app.js").read_bytes() == (PAGE / "app.js").read_bytes()


def test_the_page_comes_last(tmp_path):
    (tmp_path / "worker.js").mkdir()
    with pytest.raises(OutputError, match=r"worker\.js"):
        write_page(tmp_path, RUNTIME)
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "expected a folder, found nothing at "),
        (lambda path: path.write_text(""), "expected a folder, found a file at "),
        (lambda path: path.mkdir(), "expected a folder with index.html, as ppms-export --web"),
    ],
)
def test_what_is_no_page_is_refused(tmp_path, make, message):
    path = tmp_path / "page"
    make(path)
    with pytest.raises(UsageError) as caught:
        check_page(path)
    assert str(caught.value).startswith(message)
    assert str(path) in str(caught.value)
