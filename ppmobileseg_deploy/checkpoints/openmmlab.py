"""Reading ``.pth`` files without running anything that is in them.

PyTorch's ``weights_only`` unpickler builds tensors and plain containers and refuses every other
class or function that a file names. Training frameworks put a few more into their files, logs
mostly; those are replaced by `_Inert`.
"""

import io
import pickle
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..errors import CheckpointError
from ..quoting import printable

_ZIP_MAGIC = b"PK\x03\x04"
_LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


class _Inert:
    """Stands for an object that is not needed: takes any arguments and state, keeps nothing."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


def _stand_in(module: str, name: str) -> type[_Inert]:
    # PyTorch finds the replacement of a global by these two attributes.
    return type(name, (_Inert,), {"__module__": module, "__qualname__": name})


_STAND_INS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    # The message hub of mmengine keeps curves of loss and learning rate in these. They refer to
    # their own methods, which pickle writes as getattr(HistoryBuffer, "mean").
    _stand_in("mmengine.logging.history_buffer", "HistoryBuffer"),
    _stand_in("builtins", "getattr"),
    _stand_in("__builtin__", "getattr"),  # its old name, which PyTorch 2.4 does not translate
    # Scores, palettes and the curves themselves; as numpy 1 and as numpy 2 name them.
    _stand_in("numpy", "dtype"),
    _stand_in("numpy", "ndarray"),
    _stand_in("numpy.core.multiarray", "_reconstruct"),
    _stand_in("numpy.core.multiarray", "scalar"),
    _stand_in("numpy._core.multiarray", "_reconstruct"),
    _stand_in("numpy._core.multiarray", "scalar"),
]

_allow_list = threading.Lock()


def is_pth(data: bytes) -> bool:
    """Whether the bytes begin as PyTorch begins its files, today (zip) or before 1.6."""
    return data.startswith(_ZIP_MAGIC) or _LEGACY_MAGIC in data[:32]


def read_pth(data: bytes, file_name: str) -> object:
    """Read a PyTorch file.

    Args:
        data: Content of the file, as written by ``torch.save``.
        file_name: How messages call the file.

    Returns:
        What was saved: containers, numbers, texts and tensors on the CPU. Log buffers and
        numpy objects are there as empty placeholders.

    Raises:
        CheckpointError: The file is damaged, or names a class or function that is neither
            needed nor known to be harmless. None of its code was run.
    """
    if data.startswith(_ZIP_MAGIC):
        _check_archive(data, file_name)
    try:
        with _only_stand_ins_allowed():
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(_refusal(str(error), file_name)) from error
    except Exception as error:
        # Bytes from a stranger can make the unpickler fail in any way: they may call for a
        # missing stack entry, a negative size or more memory than there is.
        raise CheckpointError(
            f"{file_name} is damaged or no PyTorch checkpoint ({_first_line(error)})"
        ) from error


@contextmanager
def _only_stand_ins_allowed() -> Iterator[None]:
    """Replace the process's list of allowed globals by ours, and put it back."""
    with _allow_list:
        before = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(_STAND_INS)
        try:
            yield
        finally:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(before)


def _check_archive(data: bytes, file_name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise CheckpointError(
            f"{file_name} is cut off or damaged: its table of contents cannot be read ({error})"
        ) from error
    names = {entry.filename.rsplit("/", 1)[-1] for entry in entries}
    if "constants.pkl" in names:
        raise CheckpointError(
            f"{file_name} is a TorchScript program, expected a checkpoint with a state dict"
        )
    if "data.pkl" not in names:
        raise CheckpointError(
            f"{file_name} is a zip archive that torch.save did not write (no data.pkl in it)"
        )
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > len(data):
        raise CheckpointError(
            f"{file_name} holds {len(data)} bytes that claim to unpack to {unpacked}; "
            "torch.save does not compress, so this is no checkpoint"
        )
    if damaged := _damaged_entry(data):
        raise CheckpointError(
            f"{file_name} is damaged: {printable(damaged)} is not what its checksum was made of"
        )


def _damaged_entry(data: bytes) -> str | None:
    """Compare the checksums, which PyTorch does not: a flipped bit would be a wrong weight."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if all(entry.CRC == 0 for entry in entries):
            return None  # torch.serialization.set_crc32_options(False) saves without checksums
        for entry in entries:
            if not _is_intact(archive, entry):
                return entry.filename
    return None


def _is_intact(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(entry) as content:
            while content.read(1 << 20):
                pass
    except Exception:
        # Headers that contradict each other, a password, a broken compressed stream.
        return False
    return True


def _refusal(message: str, file_name: str) -> str:
    if found := re.search(r"GLOBAL (\S+)", message):
        return (
            f"{file_name} asks for {printable(found[1])}, expected tensors, plain containers and "
            "training logs only; nothing was run (save its state dict alone: "
            'torch.save(model.state_dict(), "weights.pth"))'
        )
    detail = re.search(r"WeightsUnpickler error:\s*(.+)", message)
    reason = detail[1].strip() if detail else message.strip().partition("\n")[0]
    return f"{file_name} is damaged or no PyTorch checkpoint ({printable(reason)})"


def _first_line(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}".partition("\n")[0])
