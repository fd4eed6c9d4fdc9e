import hashlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ppmobileseg_deploy.checkpoints import OFFICIAL, OfficialCheckpoint, download
from ppmobileseg_deploy.errors import DownloadError

BODY = b"weights" * 20_000
DIGEST = hashlib.sha256(BODY).hexdigest()
GOOD = (200, BODY, len(BODY))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ppmobileseg_deploy" / "checkpoints"


def official_at(address, file_name="net.pth"):
    return OfficialCheckpoint("tiny", f"{address}/{file_name}", DIGEST[:8])


def files_in(folder: Path):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(("name", "prefix"), [("tiny", "a351ebf5"), ("base", "f12b44f3")])
def test_addresses(name, prefix, cache):
    official = OFFICIAL[name]
    file_name = f"pp_mobileseg_mobilenetv3_2xb16_3rdparty-{name}_512x512-ade20k-{prefix}.pth"
    folder = "https://download.openmmlab.com/mmsegmentation/v0.5/pp_mobileseg/"
    assert official.url == folder + file_name
    assert official.sha256_prefix == prefix
    assert official.cached_path == cache / file_name
    assert list(OFFICIAL) == ["tiny", "base"]


def test_a_good_file_is_fetched_once(serve, cache):
    official = official_at(serve({"/net.pth": GOOD}))
    path = download(official)
    assert path == official.cached_path == cache / "net.pth"
    assert path.read_bytes() == BODY
    assert download(official) == path
    assert serve.requests == ["/net.pth"]
    assert files_in(cache) == ["net.pth", "net.pth.sha256"]


def forged(body):
    """Bytes of another file, of which the test pretends that its hash begins alike."""
    return (200, body[::-1], len(body))


def test_the_whole_hash_of_the_first_file_is_noted_and_compared(serve, cache, monkeypatch):
    official = replace(official_at(serve({"/net.pth": GOOD})), sha256_prefix="")
    download(official)
    assert official.noted_path.read_text() == f"{DIGEST}  net.pth\n"
    other = replace(official_at(serve({"/net.pth": forged(BODY)})), sha256_prefix="")
    assert download(other).read_bytes() == BODY
    other.cached_path.unlink()
    with pytest.raises(DownloadError, match="what arrived is another file") as caught:
        download(other)
    assert f"expected {DIGEST}, which {official.noted_path} names" in str(caught.value)
    assert files_in(cache) == ["net.pth.sha256"]
    other.noted_path.unlink()
    assert download(other).read_bytes() == BODY[::-1]


def test_a_file_in_the_cache_that_is_another_is_fetched_anew(serve, cache):
    official = replace(official_at(serve({"/net.pth": GOOD})), sha256_prefix="")
    path = download(official)
    path.write_bytes(BODY[:-1])
    assert download(official).read_bytes() == BODY


def test_a_hash_that_is_known_counts_whole(serve, cache):
    address = serve({"/net.pth": GOOD, "/forged.pth": forged(BODY)})
    official = replace(official_at(address), sha256=DIGEST)
    assert download(official).read_bytes() == BODY
    other = replace(official_at(address, "forged.pth"), sha256_prefix="", sha256=DIGEST)
    with pytest.raises(DownloadError, match=f"another file.*expected {DIGEST};"):
        download(other)


@pytest.mark.parametrize("noted", ["", "nonsense", "ab" * 20, "\u00e4"])
def test_a_note_that_is_none_is_written_anew(noted, serve, cache):
    official = official_at(serve({"/net.pth": GOOD}))
    path = download(official)
    official.noted_path.write_text(noted)
    assert download(official) == path
    assert official.noted_path.read_text() == f"{DIGEST}  net.pth\n"


def test_a_file_that_the_user_put_there_is_used(serve, cache):
    official = official_at(serve({}))
    cache.mkdir(parents=True)
    official.cached_path.write_bytes(BODY)
    assert download(official).read_bytes() == BODY
    assert serve.requests == []


def test_a_damaged_file_in_the_cache_is_replaced(serve, cache):
    official = official_at(serve({"/net.pth": GOOD}))
    cache.mkdir(parents=True)
    official.cached_path.write_bytes(BODY[:-1])
    assert download(official).read_bytes() == BODY
    assert files_in(cache) == ["net.pth", "net.pth.sha256"]


FAILURES = pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param((200, BODY[::-1], len(BODY)), "does not begin with", id="wrong hash"),
        pytest.param((200, BODY[:70_000], len(BODY)), "cut off", id="cut in the middle"),
        pytest.param((200, b"", len(BODY)), "cut off", id="cut before the first byte"),
        pytest.param((404, b"gone", 4), "the server answered 404 Not Found", id="404"),
        pytest.param((503, b"busy", 4), "the server answered 503", id="503"),
    ],
)


@FAILURES
def test_a_failed_download_explains_itself_and_leaves_nothing(serve, cache, answer, reason):
    official = official_at(serve({"/net.pth": answer}))
    with pytest.raises(DownloadError) as caught:
        download(official)
    message = str(caught.value)
    assert reason in message
    assert official.url in message
    assert str(cache / "net.pth") in message
    assert "\n" not in message
    assert files_in(cache) == []


@FAILURES
def test_a_damaged_file_is_never_used_when_it_cannot_be_replaced(serve, cache, answer, reason):
    official = official_at(serve({"/net.pth": answer}))
    cache.mkdir(parents=True)
    official.cached_path.write_bytes(BODY[:-1])
    with pytest.raises(DownloadError, match="the file there now is damaged"):
        download(official)
    assert files_in(cache) == ["net.pth"]


def test_offline(cache, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    official = official_at(f"http://127.0.0.1:{port}")
    with pytest.raises(DownloadError, match="cannot download tiny: no connection") as caught:
        download(official)
    assert official.url in str(caught.value)
    assert str(cache / "net.pth") in str(caught.value)
    assert files_in(cache) == []


def test_a_cache_that_cannot_be_made(serve, cache):
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file where the folder should be")
    official = official_at(serve({"/net.pth": GOOD}))
    with pytest.raises(DownloadError, match=r"NotADirectoryError|FileExistsError"):
        download(official)


def test_no_progress_bar_outside_a_terminal(serve, capfd):
    download(official_at(serve({"/net.pth": GOOD})))
    assert capfd.readouterr() == ("", "")
