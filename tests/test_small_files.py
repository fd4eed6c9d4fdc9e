import os
import threading
import time
from pathlib import Path

import pytest

from ppmobileseg_deploy import small_files
from ppmobileseg_deploy.small_files import read_small


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize(
    ("size", "read"), [(0, 0), (1, 1), (9, 9), (10, 10), (11, 11), (12, 11), (1 << 20, 11)]
)
def test_no_more_is_read_than_tells_that_it_is_too_much(
    tmp_path: Path, size: int, read: int
) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    assert read_small(tmp_path / "file", 10) == b"x" * read


def test_a_file_of_many_pieces_is_read_whole(tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "file").write_bytes(content)
    assert read_small(tmp_path / "file", 1 << 20) == content


def test_a_pipe_is_read_to_its_end(pipe: Path) -> None:
    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for piece in (b"sky\n", b"tree\n"):
                time.sleep(0.05)
                file.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    assert read_small(pipe, 100) == b"sky\ntree\n"
    writer.join()


@pytest.mark.parametrize("opened", [False, True], ids=["nobody is there", "nobody writes"])
def test_a_pipe_is_not_waited_for_for_ever(
    pipe: Path, opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_files, "_PATIENCE_S", 0.1)
    other = os.open(pipe, os.O_RDWR) if opened else None
    with pytest.raises(TimeoutError, match=r"nobody wrote to this pipe to its end within 0\.1 s"):
        read_small(pipe, 100)
    if other is not None:
        os.close(other)


def test_a_device_without_end_is_read_no_further_than_asked() -> None:
    assert read_small(Path("/dev/zero"), 10) == bytes(11)


def test_what_is_no_file_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_small(tmp_path, 10)
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "missing", 10)
