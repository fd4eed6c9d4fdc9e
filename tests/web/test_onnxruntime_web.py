"""The browser's runtime comes from npm, once, and only if it is the expected archive."""

import base64
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from ppmobileseg_deploy.errors import OutputError, UsageError
from ppmobileseg_deploy.web import onnxruntime_web
from ppmobileseg_deploy.web.onnxruntime_web import FILES, VERSION, runtime_files

NAME = f"onnxruntime-web-{VERSION}.tgz"
CONTENTS = {new_name: f"content of {name}".encode() for name, new_name in FILES.items()}


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What the registry has, in small."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as package:
        for name in FILES:
            content = f"content of {name}".encode()
            info = tarfile.TarInfo(f"package/dist/{name}")
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))
    content = file.getvalue()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    monkeypatch.setattr(onnxruntime_web, "SHA512", digest)
    return content


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ppmobileseg_deploy" / "npm"


def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program called npm in front of all others."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


needs_sh = pytest.mark.skipif(os.name == "nt", reason="the program is a script of sh")


@needs_sh
def test_npm_fetches_it_once(archive, cache, tmp_path, monkeypatch):
    (tmp_path / "registry").write_bytes(archive)
    npm(
        tmp_path,
        monkeypatch,
        f'echo "$@" >> "{tmp_path}/calls"; cp "{tmp_path}/registry" {NAME}',
    )
    assert runtime_files() == CONTENTS
    assert runtime_files() == CONTENTS
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"pack onnxruntime-web@{VERSION} --ignore-scripts --silent"]
    assert [each.name for each in cache.iterdir()] == [NAME]


@needs_sh
def test_a_damaged_copy_is_fetched_anew(archive, cache, tmp_path, monkeypatch):
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(archive[:-1])
    (tmp_path / "registry").write_bytes(archive)
    npm(tmp_path, monkeypatch, f'cp "{tmp_path}/registry" {NAME}')
    assert runtime_files() == CONTENTS
    assert (cache / NAME).read_bytes() == archive


def test_a_copy_put_there_by_hand_needs_no_npm(archive, cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(archive)
    assert runtime_files() == CONTENTS


def test_without_npm_it_says_what_to_do(cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError) as caught:
        runtime_files()
    assert str(caught.value) == (
        f"a page for the browser needs npm, which comes with Node.js, to fetch {NAME}; or put "
        f"that file of npm's registry into {cache}"
    )


@needs_sh
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo no such host >&2; exit 1", f"npm could not fetch {NAME} (no such host); or put"),
        ("exit 1", f"npm could not fetch {NAME} ("),
        ("true", f"expected {NAME} with the SHA-512"),
        (f"echo forged > {NAME}", "npm fetched another file"),
    ],
)
def test_what_npm_gives_is_not_trusted(archive, cache, tmp_path, monkeypatch, script, message):
    npm(tmp_path, monkeypatch, script)
    with pytest.raises(OutputError) as caught:
        runtime_files()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not cache.exists()
