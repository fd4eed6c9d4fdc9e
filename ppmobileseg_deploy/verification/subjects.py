"""What can be compared: a checkpoint, an ONNX file, or outputs that were stored."""

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..files import atomic_path, kind_of
from .examples import Example
from .layers import Layers

_CHECKPOINT_SUFFIXES: Final = (".pth", ".pt", ".pdparams")
_STORED_SUFFIX: Final = ".npz"
_MAX_STORED_BYTES: Final = 1 << 31


@dataclass(frozen=True)
class Outcome:
    """What a model gives for one example.

    Attributes:
        labels: (height, width) class ids.
        logits: float32 (classes, h, w) before or after upsampling; None if the model does not
            show them.
    """

    labels: NDArray[Any]
    logits: NDArray[np.float32] | None


class Subject(Protocol):
    """A model in some form."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def examples(self) -> tuple[Example, ...] | None:
        """The only examples it has outputs for; None if it can be run on any."""

    def run(self, example: Example) -> Outcome:
        """Compute, or look up, the outputs."""

    def layers(self, example: Example) -> Layers | None:
        """Compute the intermediate outputs, in order; None if they were not stored."""


def open_subject(name: str) -> Subject:
    """Open whatever the name says.

    Args:
        name: Path of a checkpoint (.pth, .pdparams), of outputs (.npz), or of an ONNX file.

    Raises:
        CheckpointError: The checkpoint cannot be read.
        ModelError: The ONNX file cannot be loaded.
        UsageError: There is no such file, or the outputs are not what `store_outcomes` writes.
    """
    if name.lower().endswith(_STORED_SUFFIX):
        return StoredSubject(name)
    if name.lower().endswith(_CHECKPOINT_SUFFIXES):
        from .torch_subject import TorchSubject

        return TorchSubject(name)
    from .onnx_subject import OnnxSubject

    return OnnxSubject(name)


class StoredSubject:
    """Outputs that `store_outcomes` wrote."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._outcomes: dict[str, Outcome] = {}
        examples = []
        for key, arrays in _read(Path(name)).items():
            if not {"input", "labels"} <= arrays.keys():
                raise UsageError(f"expected an input and labels of {key!r} in {name}")
            examples.append(Example(key, arrays["input"]))
            self._outcomes[key] = Outcome(arrays["labels"], arrays.get("logits"))
        self._examples = tuple(examples)

    @property
    def name(self) -> str:
        """Path of the file."""
        return self._name

    @property
    def examples(self) -> tuple[Example, ...]:
        """What outputs were stored for."""
        return self._examples

    def run(self, example: Example) -> Outcome:
        """Look up the outputs."""
        return self._outcomes[example.name]

    def layers(self, example: Example) -> None:  # noqa: ARG002
        """Only outputs were stored."""
        return


def store_outcomes(subject: Subject, examples: Iterable[Example], path: Path) -> None:
    """Write inputs and outputs, to compare other models with them later or elsewhere.

    Args:
        subject: The model.
        examples: What to run it on.
        path: A ``.npz`` file: for each example ``NAME/input``, ``NAME/labels`` and, where the
            model shows them, ``NAME/logits``.

    Raises:
        UsageError: The file name has another suffix.
        OutputError: The file cannot be written.
    """
    if path.suffix.lower() != _STORED_SUFFIX:
        raise UsageError(f"expected a file name ending in {_STORED_SUFFIX}, found {path}")
    arrays: dict[str, NDArray[Any]] = {}
    for example in examples:
        outcome = subject.run(example)
        arrays[f"{example.name}/input"] = example.tensor
        arrays[f"{example.name}/labels"] = outcome.labels
        if outcome.logits is not None:
            arrays[f"{example.name}/logits"] = outcome.logits
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def _read(path: Path) -> Mapping[str, dict[str, NDArray[Any]]]:
    if kind_of(path) != "file":
        raise UsageError(f"expected stored outputs at {path}, there is no such file")
    found: dict[str, dict[str, NDArray[Any]]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(each.file_size for each in archive.infolist())
        if size > _MAX_STORED_BYTES:
            raise UsageError(f"expected at most {_MAX_STORED_BYTES} bytes in {path}, found {size}")
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                name, _, what = key.rpartition("/")
                found.setdefault(name, {})[what] = arrays[key]
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, MemoryError) as error:
        raise UsageError(
            f"expected outputs as `ppms-verify --store` writes them in {path} ({error})"
        ) from error
    if not found:
        raise UsageError(f"expected stored outputs in {path}, found none")
    return found
