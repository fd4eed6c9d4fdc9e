"""README.md and docs/ name commands, options, files and Python as they are."""

import importlib
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "demo/README.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
COMMANDS = ("export", "graft", "infer", "batch", "eval", "verify", "bench", "serve", "web")
# What every command has, and the reference says once.
COMMON = {"--help", "-h", "--version", "--install-completion", "--show-completion"}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _blocks(page: Path, *languages: str) -> list[str]:
    """What stands between fences of one of these languages; ``""`` for none."""
    # Fences come in pairs: what follows a closing one is prose.
    fenced = re.findall(
        r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return [block for language, block in fenced if language in languages]


def _command_lines() -> Iterator[tuple[str, list[str]]]:
    """Page, and words of each command of ours in a block for a shell."""
    for page in PAGES:
        for block in _blocks(page, "bash", "sh", ""):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                while words:
                    end = words.index("|") if "|" in words else len(words)
                    one, words = words[:end], words[end + 1 :]
                    if one and one[0].startswith("ppms"):
                        yield _name(page), one


def _command(name: str) -> Any:
    return get_command(importlib.import_module(f"ppmobileseg_deploy.cli.{name}").app)


def _options(name: str) -> dict[str, bool]:
    """Spellings of a command's options, and whether its help shows them."""
    return {
        spelling: not getattr(option, "hidden", False)
        for option in _command(name).params
        for spelling in (*option.opts, *option.secondary_opts)
        if spelling.startswith("-")
    }


def _of(words: list[str]) -> tuple[str, list[str]]:
    """Name of the command's module, and its arguments."""
    program, arguments = words[0], words[1:]
    if program == "ppms":
        return arguments[0], arguments[1:]
    name = program.removeprefix("ppms-")
    if name == "export" and arguments[:1] in (["inspect"], ["graft"]):
        return arguments[0], arguments[1:]
    return name, arguments


LINES = list(_command_lines())


def test_there_are_commands_to_check() -> None:
    assert {_of(words)[0] for _, words in LINES} >= {*COMMANDS, "inspect"}


@pytest.mark.parametrize(
    ("page", "words"), LINES, ids=[f"{page}-{' '.join(words)}"[:100] for page, words in LINES]
)
def test_a_command_line_is_understood(page: str, words: list[str]) -> None:
    name, arguments = _of(words)
    known = _options(name)
    options = [each for each in arguments if re.match(r"--?[a-z]", each)]
    assert [each for each in options if not known.get(each)] == []
    _command(name).make_context(words[0], arguments, resilient_parsing=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_option_and_no_other(name: str) -> None:
    text = (ROOT / "docs" / "reference" / f"ppms-{name}.md").read_text("utf-8")
    rows = re.findall(r"^\| (`-.*?) \| ", text, re.MULTILINE)
    documented = set(re.findall(r"(?:`|, )(--?[a-z][a-z0-9-]*)", " ".join(rows)))
    shown = {each for each, visible in _options(name).items() if visible} - COMMON
    assert documented == shown


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_that_a_page_links_to_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)\s#]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


@pytest.fixture
def folder_of_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages name; images are small."""
    demo = ROOT / "demo"
    shutil.copy(demo / "ppmobileseg_tiny_demo.onnx", tmp_path / "end2end.onnx")
    (tmp_path / "demo" / "images").mkdir(parents=True)
    shutil.copy(demo / "ppmobileseg_tiny_demo.onnx", tmp_path / "demo")
    shutil.copy(demo / "images" / "avenue.jpg", tmp_path / "demo" / "images")
    image_bgr = cv2.resize(cv2.imread(str(demo / "images" / "avenue.jpg")), (192, 128))
    for name in ("street.jpg", "photo.jpg", "a.jpg", "b.jpg", "upload.jpg", "aerial.tif"):
        assert cv2.imwrite(str(tmp_path / name), image_bgr)
    with av.open(str(tmp_path / "drive.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width = image_bgr.shape[:2]
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image_bgr), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


WITH_PYTHON = [page for page in PAGES if _blocks(page, "python")]


# Blocks of "py" are not run: they export for seconds, or need a file of another kind.
@pytest.mark.parametrize("page", WITH_PYTHON, ids=_name)
def test_the_python_of_a_page_runs(page: Path, folder_of_a_reader: Path) -> None:
    names: dict[str, Any] = {}
    for block in _blocks(page, "python"):
        exec(compile(block, _name(page), "exec"), names)


def test_the_readme_is_read_in_a_minute() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 150
