"""From a path or an official name to a checkpoint that fits the network."""

import hashlib
from pathlib import Path

from torch import Tensor

from ..errors import CheckpointError
from .checkpoint import Checkpoint
from .fitting import fit
from .official import OFFICIAL, download
from .openmmlab import is_pth, read_pth
from .paddle import PaddleArray, is_pdparams, read_pdparams, to_tensors
from .state_dict import find_weights

MAX_BYTES = 1 << 30
"""No file of this network comes near: base with its optimizer state takes 72 MB."""


def load_checkpoint(path_or_name: str | Path) -> Checkpoint:
    """Read a checkpoint of either framework; variant and classes are read off its tensors.

    The format is recognised by the file's content, not by its name. Nothing in the file is
    executed, and a checkpoint that lacks a tensor or has one too many is refused.

    Args:
        path_or_name: An open-mmlab ``.pth`` file, a PaddleSeg ``.pdparams`` file, or, if there
            is no such file, the name of an official checkpoint (``"tiny"``, ``"base"``), which
            is downloaded once and then kept in the cache.

    Returns:
        The checkpoint; its weights are float32 whatever the file stores.

    Raises:
        CheckpointError: There is no such file, it is unreadable or unsafe, or does not fit.
        DownloadError: An official checkpoint could not be fetched.
    """
    path, official_name = Path(path_or_name), None
    if str(path_or_name) in OFFICIAL and not path.is_file():
        official_name = str(path_or_name)
        path = download(OFFICIAL[official_name])
    # Read once, so that the hash belongs to the bytes that are used.
    data = _read(path)
    config, num_classes, state_dict = fit(_tensors(data, path.name), path.name)
    return Checkpoint(
        config=config,
        num_classes=num_classes,
        state_dict=state_dict,
        file_name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        official_name=official_name,
    )


def _read(path: Path) -> bytes:
    try:
        problem = _problem(path)
        data = b"" if problem else path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    if problem:
        raise CheckpointError(f"{problem}, expected a .pth or .pdparams file")
    return data


def _problem(path: Path) -> str | None:
    if path.is_dir():
        return f"{path} is a folder"
    if not path.exists():
        return f"no file {path}, and no official checkpoint of that name ({', '.join(OFFICIAL)})"
    if not path.is_file():
        return f"{path} is a device or pipe"
    size = path.stat().st_size
    if size == 0:
        return f"{path} is empty"
    if size > MAX_BYTES:
        return f"{path} has {size} bytes, PP-MobileSeg at most {MAX_BYTES}"
    return None


def _tensors(data: bytes, file_name: str) -> dict[str, Tensor]:
    if is_pth(data):
        return find_weights(read_pth(data, file_name), _as_tensor, file_name)
    if is_pdparams(data):
        arrays = find_weights(read_pdparams(data, file_name), _as_array, file_name)
        return to_tensors(arrays, data, file_name)
    raise CheckpointError(
        f"{file_name} is neither a PyTorch file (.pth) nor a Paddle pickle (.pdparams): "
        f"it begins with {data[:8]!r}"
    )


def _as_tensor(value: object) -> Tensor | None:
    return value if isinstance(value, Tensor) else None


def _as_array(value: object) -> PaddleArray | None:
    match value:
        case (PaddleArray() as array) | (str(), PaddleArray() as array):
            return array
        case _:
            return None
