import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.files import (
    AtomicFile,
    AtomicFolder,
    atomic_path,
    check_file,
    check_folder,
    kind_of,
    remove_abandoned,
)

if sys.platform != "win32":
    import fcntl


def test_the_file_appears_whole_with_its_suffix_kept(tmp_path: Path) -> None:
    target = tmp_path / "new" / "labels.png"
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"content")
        assert not target.exists()
    assert target.read_bytes() == b"content"
    assert list(target.parent.iterdir()) == [target]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_bytes(b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("failure", [RuntimeError("boom"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: BaseException
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(failure)), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise failure
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"cannot write .*a\.txt: No space left on device"),
        atomic_path(tmp_path / "a.txt"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="cannot write"),
        atomic_path(tmp_path / "file" / "a.txt"),
    ):
        pass


def test_a_file_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(0o440)
    with atomic_path(target) as temporary:
        temporary.write_text("new")
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o440)


def test_a_link_stays_one_and_its_file_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / "there" / "a", tmp_path / "link.onnx"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    with atomic_path(link) as temporary:
        assert temporary.suffix == ".onnx"
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(tmp_path.iterdir()) == [link, target.parent]


@pytest.mark.parametrize(
    ("path", "link", "leads_to"),
    [
        ("in/a.jpg", "in/a.jpg", "../out/planted.jpg"),
        ("in/a.jpg", "in/a.jpg", "../out/new/planted.jpg"),
        ("in/a.jpg", "in/a.jpg", "{root}/out/planted.jpg"),
        ("in/x/a.jpg", "in/x", "../out/new"),
        ("in/x/y/a.jpg", "in/x", "../out/new"),
        ("in/x/../a.jpg", "in/x", "../out/new"),
    ],
)
@pytest.mark.parametrize("make", [AtomicFile, AtomicFolder, check_file], ids=lambda f: f.__name__)
def test_a_link_that_leads_nowhere_makes_no_file_there(
    tmp_path: Path, make: Callable[[Path], object], path: str, link: str, leads_to: str
) -> None:
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    (tmp_path / link).symlink_to(leads_to.format(root=tmp_path))
    before = _names_in(tmp_path)
    with pytest.raises(OutputError, match=rf"cannot write .*found the link .*{link} that leads"):
        make(tmp_path / path)
    assert _names_in(tmp_path) == before


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_refused_and_kept(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    os.mkfifo(target) if kind == "pipe" else target.mkdir()
    mode = target.stat().st_mode
    with (
        pytest.raises(OutputError, match=rf"cannot write .*target: expected a file.* {kind}"),
        atomic_path(target),
    ):
        pytest.fail("nothing was to be written")
    assert target.stat().st_mode == mode


@pytest.mark.parametrize("name", ["nul\0.png", "x" * 300 + ".png"], ids=["null", "long"])
def test_an_impossible_name_is_one_clear_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="cannot write"), atomic_path(tmp_path / name):
        pytest.fail("nothing was to be written")


def test_every_path_has_a_kind_or_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    names = [".", "file", "pipe", "link", "dangling", "missing", "file/below", "x" * 300, "\0"]
    kinds = ["folder", "file", "device", "file", None, None, None, None, None]
    assert [kind_of(tmp_path / name) for name in names] == kinds


def _names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    folder = AtomicFolder(tmp_path / "new" / "frames")
    (folder.temporary / "1.png").write_bytes(b"content")
    assert not (tmp_path / "new" / "frames").exists()
    folder.commit()
    folder.discard()
    assert _names_in(tmp_path) == ["new", "new/frames", "new/frames/1.png"]


def test_a_folder_replaces_another_with_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "old.png").touch()
    folder = AtomicFolder(tmp_path / "frames")
    (folder.temporary / "new.png").touch()
    folder.commit()
    assert _names_in(tmp_path) == ["frames", "frames/new.png"]


def test_an_old_folder_that_cannot_be_removed_is_left_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "old.png").touch()
    folder = AtomicFolder(tmp_path / "frames")
    (folder.temporary / "new.png").touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        folder.commit()
    assert [name for name in _names_in(tmp_path) if not name.startswith(".")] == [
        "frames",
        "frames/new.png",
    ]
    assert remove_abandoned(tmp_path) == 1
    assert _names_in(tmp_path) == ["frames", "frames/new.png"]


def test_a_folder_that_is_discarded_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "old.png").touch()
    folder = AtomicFolder(tmp_path / "frames")
    (folder.temporary / "new.png").touch()
    folder.discard()
    assert _names_in(tmp_path) == ["frames", "frames/old.png"]


def test_a_folder_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "frames").touch()
    with pytest.raises(OutputError, match=r"cannot write .*frames: expected a folder"):
        AtomicFolder(tmp_path / "frames")
    assert _names_in(tmp_path) == ["frames"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from ppmobileseg_deploy.files import AtomicFile, AtomicFolder
file, folder = AtomicFile(Path("a.png")), AtomicFolder(Path("b"))
file.temporary.write_bytes(b"half")
(folder.temporary / "1.png").touch()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked there")
def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED], cwd=tmp_path)
    assert killed.returncode < 0
    assert len(_names_in(tmp_path)) == 3
    # What somebody writes now, what others call their files, and what is no file of ours.
    file, folder = AtomicFile(tmp_path / "a.png"), AtomicFolder(tmp_path / "b")
    for name in (".ppms-notes", ".ppms-0123456789abcdeX.png", "0.png"):
        (tmp_path / name).touch()
    (tmp_path / ".ppms-0123456789abcdef.png").symlink_to("0.png")
    os.mkfifo(tmp_path / ".ppms-0123456789abcdef.pipe")
    kept = {*_names_in(tmp_path)}
    assert remove_abandoned(tmp_path) == 2
    left = {*_names_in(tmp_path)}
    assert {file.temporary.name, folder.temporary.name} <= left
    assert {".ppms-notes", ".ppms-0123456789abcdeX.png", "0.png"} <= left
    assert len(kept - left) == 3  # a file, and a folder with one
    assert remove_abandoned(tmp_path) == 0
    file.commit()
    folder.commit()
    assert (tmp_path / "a.png").is_file()
    assert (tmp_path / "b").is_dir()


def test_a_folder_that_is_missing_has_nothing_abandoned(tmp_path: Path) -> None:
    assert remove_abandoned(tmp_path / "missing") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked there")
@pytest.mark.parametrize("make", [AtomicFile, AtomicFolder], ids=lambda f: f.__name__)
def test_what_is_being_made_is_never_taken_for_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: type[AtomicFile | AtomicFolder]
) -> None:
    steps = []

    def after_another_process(real: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: Any) -> object:
            with monkeypatch.context() as patch:
                patch.setattr(fcntl, "flock", real_flock)
                steps.append((real.__name__, remove_abandoned(tmp_path)))
            return real(*arguments)

        return run

    real_flock = fcntl.flock
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", after_another_process(fcntl.flock))
        patch.setattr(os, "rename", after_another_process(os.rename))
        written = make(tmp_path / "a")
        assert steps == [("flock", 0), ("rename", 0)]
        assert written.temporary.exists()
        written.commit()
    assert {removed for _, removed in steps} == {0}
    assert _names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("mode", [0o200, 0o222, 0o444])
def test_a_file_that_can_only_be_written_or_only_be_read_is_replaced(
    tmp_path: Path, mode: int
) -> None:
    (tmp_path / "a").touch(mode)
    (tmp_path / "a").chmod(mode)
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_a_file_system_without_locks_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with atomic_path(tmp_path / "a") as temporary:
        temporary.touch()
        assert remove_abandoned(tmp_path) == 0
    assert _names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["", "new", "new/deeper", "link", "relative/.."])
def test_a_folder_that_can_be_written_is_not_made(name: str, tmp_path: Path) -> None:
    (tmp_path / "relative").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "relative")
    before = sorted(tmp_path.rglob("*"))
    check_folder(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("file", "is no folder"),
        ("dangling", "found the link .*dangling that leads nowhere"),
        ("dangling/deeper", "found the link .*dangling that leads nowhere"),
        ("file/deeper", "Not a directory"),
        ("closed", "no permission to write in .*closed"),
        ("closed/new/deeper", "no permission to write in .*closed"),
        ("x" * 300, "File name too long"),
        ("a\0b", "null"),
    ],
)
def test_a_folder_that_cannot_be_written_is_told(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "closed").mkdir()
    # Root may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, _mode: path.name != "closed")
    with pytest.raises(OutputError, match=message) as error:
        check_folder(tmp_path / name)
    assert str(error.value).startswith("cannot write to ")
