"""PyTorch files, as ``torch.save`` writes them, read without running anything in them.

Today's files are zip archives: a pickle, and a part for each storage. Those from before
PyTorch 1.6 are five pickles one after the other and then the storages.
"""

from typing import Final

from ...file_names import names_checkpoint
from ...quoting import shortened
from .numpy_objects import NUMPY_BUILDERS
from .source import FileBytes, FormatError, Source
from .torch_objects import TORCH_BUILDERS, TorchStorage
from .unpickling import unpickle
from .zip_directory import read_directory, read_parts

ZIP_MAGIC: Final = b"PK\3\4"
LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C
LEGACY_VERSION: Final = 1001

BUILDERS: Final = {**NUMPY_BUILDERS, **TORCH_BUILDERS}
"""Builders by the name of the call in a pickle, of NumPy and of PyTorch."""

_PICKLE: Final = "data.pkl"
_FEW: Final = 1000  # opcodes of a pickle that holds next to nothing


def read_zip(source: Source) -> object:
    """Read a file of PyTorch 1.6 or later.

    Args:
        source: The file.

    Returns:
        What was saved: dicts, lists, tuples, numbers and texts, with a `StoredTensor` for every
        tensor and a `PickledArray` for every array, whose values are still in the file.

    Raises:
        FormatError: It is damaged, no archive of torch.save, or a program; nothing was run.
    """
    entries = read_directory(source)
    names = [entry.name for entry in entries]
    _check_kind(names)
    parts = read_parts(source, entries)
    (name,) = (name for name in names if name.rpartition("/")[2] == _PICKLE)
    folder = name.removesuffix(_PICKLE)
    big_endian = _is_big_endian(parts.get(f"{folder}byteorder"))

    storages: dict[tuple[str, str], TorchStorage] = {}

    def storage(identity: object) -> TorchStorage:
        found = TorchStorage.of(identity)
        content = parts.get(f"{folder}data/{found.key}")
        if content is None:
            raise FormatError(f"is damaged: it has no part data/{shortened(found.key)}")
        found.place(content)
        found.big_endian = big_endian
        return storages.setdefault((found.key, found.dtype), found)

    pickled = parts[name]
    stop = pickled.start + pickled.size
    return unpickle(source, pickled.start, stop, BUILDERS, storage)[0]


def read_legacy(source: Source) -> object:
    """Read a file of PyTorch before 1.6, or one saved in its form.

    Args:
        source: The file.

    Returns:
        What `read_zip` returns.

    Raises:
        FormatError: It is damaged, or not such a file; nothing was run.
    """
    storages: list[TorchStorage] = []

    def persistent(identity: object) -> object:
        match identity:
            case ("module", network_class, *_):  # with its source code, which nobody needs
                return network_class
        storages.append(TorchStorage.of(identity))
        return storages[-1]

    magic, place = unpickle(source, 0, source.size, {}, most=_FEW)
    version, place = unpickle(source, place, source.size, {}, most=_FEW)
    if (magic, version) != (LEGACY_MAGIC, LEGACY_VERSION):
        raise FormatError("is damaged: it does not begin as PyTorch's old files do")
    _, place = unpickle(source, place, source.size, {}, most=_FEW)  # of the machine that wrote it
    loaded, place = unpickle(source, place, source.size, BUILDERS, persistent)
    keys, place = unpickle(source, place, source.size, {})
    _place_storages(source, place, storages, keys)
    return loaded


def _place_storages(
    source: Source, place: int, storages: list[TorchStorage], keys: object
) -> None:
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise FormatError("is damaged: its list of storages is none")
    by_key: dict[str, list[TorchStorage]] = {}
    for storage in storages:
        by_key.setdefault(storage.key, []).append(storage)
    # Each is removed, so that what a list names again and again is found out at once.
    for key in keys:
        group = by_key.pop(key, None)
        if group is None:
            raise FormatError("is damaged: its list of storages names one that is not there")
        count = int.from_bytes(source.read(place, 8), "little")
        content = FileBytes(source, place + 8, count * group[0].element_bytes)
        if content.start + content.size > source.size:
            raise FormatError("is cut off or damaged: a storage reaches beyond the end")
        for storage in group:
            storage.place(content)
        place = content.start + content.size


def _is_big_endian(mark: FileBytes | None) -> bool:
    order = "little" if mark is None else bytes(mark.read(0, min(mark.size, 16))).decode("latin-1")
    if order not in ("little", "big"):
        raise FormatError(f"is damaged: expected byte order little or big, found {order!r}")
    return order == "big"


def _check_kind(names: list[str]) -> None:
    last = [name.rpartition("/")[2] for name in names]
    if "constants.pkl" in last or "archive_format" in last:
        kind = "TorchScript" if "constants.pkl" in last else "torch.export"
        raise FormatError(
            f"is a program ({kind}), expected a checkpoint with weights: "
            'torch.save(model.state_dict(), "weights.pth")'
        )
    if last.count(_PICKLE) != 1:
        inside = [name for name in names if names_checkpoint(name)]
        kind = "NumPy file (.npz)" if last and last[0].endswith(".npy") else "zip archive"
        raise FormatError(
            f"is a {kind} that torch.save did not write"
            + (f": unpack it, {shortened(inside[0])} is in it" if inside else "")
        )
