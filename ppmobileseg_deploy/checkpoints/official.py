"""The official checkpoints: their addresses, hashes, and place in the cache."""

import hashlib
import http.client
import sys
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch

from ..cache import cache_dir
from ..errors import DownloadError


@dataclass(frozen=True)
class OfficialCheckpoint:
    """A checkpoint that its authors publish.

    Attributes:
        name: Short name, such as ``"tiny"``.
        url: Address of the file; its last part is the file's name.
        sha256_prefix: First hexadecimal digits of the file's SHA-256.
    """

    name: str
    url: str
    sha256_prefix: str

    @property
    def file_name(self) -> str:
        """Name of the file, without a folder."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def cached_path(self) -> Path:
        """Where the file belongs, whether `download` or the user puts it there."""
        return cache_dir() / "checkpoints" / self.file_name


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
    time, and a damaged one is fetched anew. A download gets its final name only after its hash
    was found right.

    Args:
        official: Which checkpoint.

    Returns:
        Path of the complete file in the cache.

    Raises:
        DownloadError: It could not be fetched, arrived damaged, or could not be stored. The
            message gives the address and the path where the file belongs.
    """
    path = official.cached_path
    damaged = False
    try:
        damaged = path.is_file()
        if damaged and _sha256(path).startswith(official.sha256_prefix):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            official.url,
            str(path),
            hash_prefix=official.sha256_prefix,
            progress=sys.stderr is not None and sys.stderr.isatty(),
        )
    # torch.hub reports a wrong hash, which is also what a cut connection leads to, as a
    # RuntimeError.
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        note = " (the file there now is damaged)" if damaged else ""
        raise DownloadError(
            f"cannot download {official.name}: {_reason(error, official)}; "
            f"fetch {official.url} by other means and put it at {path}{note}"
        ) from error
    return path


def _reason(error: Exception, official: OfficialCheckpoint) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    if isinstance(error, RuntimeError):
        prefix = official.sha256_prefix
        return f"what arrived is cut off or altered (its SHA-256 does not begin with {prefix})"
    return f"{type(error).__name__}: {error}"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
