"""Official checkpoints: their addresses, hashes, and place in the cache."""

import http.client
import re
import sys
import tempfile
import urllib.error
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch

from ..cache import cache_dir
from ..errors import DownloadError, OutputError
from ..files import atomic_path, sha256_of


@dataclass(frozen=True)
class OfficialCheckpoint:
    """A checkpoint that its authors publish.

    Attributes:
        name: Short name, such as ``"tiny"``.
        url: Address of the file; its last part is the file's name.
        sha256_prefix: First hexadecimal digits of the file's SHA-256, which its name holds: they
            tell damaged files, and no forged ones.
        sha256: The whole of it, where it is known.
    """

    name: str
    url: str
    sha256_prefix: str
    sha256: str | None = None

    @property
    def file_name(self) -> str:
        """Name of the file, without a folder."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def cached_path(self) -> Path:
        """Path of the file in the cache, whether `download` or the user puts it there."""
        return cache_dir() / "checkpoints" / self.file_name

    @property
    def noted_path(self) -> Path:
        """Path of the note with the whole SHA-256 of the file that was fetched first."""
        return self.cached_path.with_name(f"{self.file_name}.sha256")


_ADDRESS = (
    "https://download.openmmlab.com/mmsegmentation/v0.5/pp_mobileseg/"
    "pp_mobileseg_mobilenetv3_2xb16_3rdparty-{name}_512x512-ade20k-{prefix}.pth"
)

OFFICIAL: Final[Mapping[str, OfficialCheckpoint]] = MappingProxyType(
    {
        name: OfficialCheckpoint(name, _ADDRESS.format(name=name, prefix=prefix), prefix)
        for name, prefix in (("tiny", "a351ebf5"), ("base", "f12b44f3"))
    }
)
"""The checkpoints of mmsegmentation, trained on ADE20K (150 classes), by name."""


def download(official: OfficialCheckpoint) -> Path:
    """Return the path of an official checkpoint, fetching it if it is not there whole.

    A file in the cache is trusted no more than one from the network: its hash is checked each
    time, and a damaged one is fetched anew. Where the whole SHA-256 is not known beforehand, that
    of the first file is noted beside it, and no other file is taken from then on. A download gets
    its final name only after its hash was found right.

    Args:
        official: Which checkpoint.

    Returns:
        Path of the complete file in the cache.

    Raises:
        DownloadError: It could not be fetched, arrived damaged or is another file than the one
            before, or could not be stored. The message gives the address and the path where the
            file belongs.
    """
    path = official.cached_path
    damaged = False
    try:
        damaged = path.is_file()
        if not damaged or not _is_right(official, sha256_of(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(official, path)
        _note_sha256(official)
    # torch.hub reports a wrong hash, which is also what a cut connection leads to, as a
    # RuntimeError.
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        note = " (the file there now is damaged)" if damaged else ""
        raise DownloadError(
            f"cannot download {official.name}: {_reason(error, official)}; "
            f"fetch {official.url} by other means and put it at {path}{note}"
        ) from error
    return path


class _AnotherFileError(RuntimeError):
    """The SHA-256 of a download has the right first digits, and another rest than is known."""


def _fetch(official: OfficialCheckpoint, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".ppms-", dir=path.parent) as folder:
        arrived = Path(folder) / path.name
        torch.hub.download_url_to_file(
            official.url,
            str(arrived),
            hash_prefix=official.sha256_prefix,
            progress=sys.stderr is not None and sys.stderr.isatty(),
        )
        sha256 = sha256_of(arrived)
        if not _is_right(official, sha256):
            raise _AnotherFileError(sha256)
        arrived.replace(path)


def _is_right(official: OfficialCheckpoint, sha256: str) -> bool:
    known = official.sha256 or _noted_sha256(official)
    return sha256.startswith(official.sha256_prefix) and known in (None, sha256)


def _noted_sha256(official: OfficialCheckpoint) -> str | None:
    try:
        noted = official.noted_path.read_text("ascii").split()
    except (OSError, ValueError):
        return None
    return noted[0] if noted and re.fullmatch("[0-9a-f]{64}", noted[0]) else None


def _note_sha256(official: OfficialCheckpoint) -> None:
    if _noted_sha256(official) is None:
        # As sha256sum writes and reads it. A cache that cannot be written to is none to note in.
        line = f"{sha256_of(official.cached_path)}  {official.file_name}\n"
        with suppress(OutputError), atomic_path(official.noted_path) as temporary:
            temporary.write_text(line, "ascii")


def _reason(error: Exception, official: OfficialCheckpoint) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    if isinstance(error, _AnotherFileError):
        where = "" if official.sha256 else f", which {official.noted_path} names"
        known = official.sha256 or _noted_sha256(official)
        return f"what arrived is another file: its SHA-256 is {error}, expected {known}{where}"
    if isinstance(error, RuntimeError):
        prefix = official.sha256_prefix
        return f"what arrived is cut off or altered (its SHA-256 does not begin with {prefix})"
    return f"{type(error).__name__}: {error}"
