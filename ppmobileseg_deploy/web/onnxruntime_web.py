"""ONNX Runtime for browsers, as npm's registry has it.

The package is fetched once by npm, kept in this package's cache folder, and checked against its
SHA-512 each time it is used: what a page is made of is the same everywhere.
"""

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..cache import cache_dir
from ..errors import OutputError, UsageError
from ..files import atomic_path

VERSION: Final = "1.30.0"
"""Of onnxruntime-web."""

SHA512: Final = (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
"""Of its archive, in base64, as npm writes it into lock files."""

FILES: Final[Mapping[str, str]] = {
    "ort.wasm.min.mjs": "ort.wasm.min.js",
    "ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.js",
    "ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs": "ort.webgpu.min.js",
    "ort-wasm-simd-threaded.asyncify.mjs": "ort-wasm-simd-threaded.asyncify.js",
    "ort-wasm-simd-threaded.asyncify.wasm": "ort-wasm-simd-threaded.asyncify.wasm",
}
"""Files of the package that a page needs, and what they are called in it: many servers do not know
that ``.mjs`` is JavaScript."""

_NAME: Final = f"onnxruntime-web-{VERSION}.tgz"
_TIMEOUT_S: Final = 600


def runtime_files() -> dict[str, bytes]:
    """Return the runtime's files by their names in a page, fetching the package where needed.

    Raises:
        UsageError: It has to be fetched, and there is no npm.
        OutputError: npm could not fetch it, or it is another file than the one expected.
    """
    path = cache_dir() / "npm" / _NAME
    archive = _read(path)
    if archive is None or not _is_right(archive):
        archive = _fetched(path)
        with atomic_path(path) as temporary:
            temporary.write_bytes(archive)
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as package:
        found = {}
        for name, new_name in FILES.items():
            file = package.extractfile(f"package/dist/{name}")
            if file is None:  # not to be had: the archive is the one whose hash is known
                raise OutputError(f"expected a file {name} in {_NAME}, found something else")
            found[new_name] = file.read()
        return found


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _is_right(archive: bytes) -> bool:
    return base64.b64encode(hashlib.sha512(archive).digest()).decode() == SHA512


def _fetched(path: Path) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise UsageError(
            f"a page for the browser needs npm, which comes with Node.js, to fetch {_NAME}; or "
            f"put that file of npm's registry into {path.parent}"
        )
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(
                [npm, "pack", f"onnxruntime-web@{VERSION}", "--ignore-scripts", "--silent"],
                cwd=folder,
                check=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_TIMEOUT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or b""
            reason = said.decode("utf-8", "replace").strip().splitlines() or [str(error)]
            raise OutputError(
                f"npm could not fetch {_NAME} ({reason[0]}); or put that file of npm's registry "
                f"into {path.parent}"
            ) from error
        archive = _read(Path(folder) / _NAME)
    if archive is None or not _is_right(archive):
        raise OutputError(
            f"expected {_NAME} with the SHA-512 {SHA512}, npm fetched "
            + ("nothing of that name" if archive is None else "another file")
        )
    return archive
