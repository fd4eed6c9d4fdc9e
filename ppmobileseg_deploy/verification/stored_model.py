"""Stored outputs in place of a model: compared later, or on another machine."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..files import atomic_path, kind_of
from .comparable_model import ComparableModel, ModelOutput
from .examples import Example

STORED_SUFFIX: Final = ".npz"
"""Suffix of files of stored outputs."""

_MAX_STORED_BYTES: Final = 1 << 31


class StoredModel:
    """Outputs that `store_outputs` wrote.

    Args:
        name: Path of the file.

    Attributes:
        name: Path of the file.
        examples: What outputs were stored for.

    Raises:
        UsageError: There is no such file, or it holds something else.
    """

    size_hw = None
    notes = ()
    normalisation = None
    is_checkpoint = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._outputs: dict[str, ModelOutput] = {}
        examples = []
        for key, arrays in _read(Path(name)).items():
            if not {"input", "labels"} <= arrays.keys():
                raise UsageError(f"expected an input and labels of {key!r} in {name}")
            example, output = _checked(key, arrays, name)
            examples.append(example)
            self._outputs[key] = output
        self.examples = tuple(examples)

    def run(self, example: Example) -> ModelOutput:
        """Look up the outputs."""
        return self._outputs[example.name]

    def layers(self, example: Example) -> None:  # noqa: ARG002
        """Only outputs were stored."""
        return


def store_outputs(model: ComparableModel, examples: Iterable[Example], path: Path) -> None:
    """Write inputs and outputs, to compare other models with them later or elsewhere.

    Args:
        model: The model.
        examples: What to run it on.
        path: A ``.npz`` file: for each example ``NAME/input``, ``NAME/labels`` and, where the
            model shows them, ``NAME/logits``. Labels smaller than the input are those of its
            upper left part; the rest is padding.

    Raises:
        UsageError: The file name has another suffix.
        OutputError: The file cannot be written.
    """
    if path.suffix.lower() != STORED_SUFFIX:
        raise UsageError(f"expected a file name ending in {STORED_SUFFIX}, found {path}")
    arrays: dict[str, NDArray[Any]] = {}
    for example in examples:
        output = model.run(example)
        arrays[f"{example.name}/input"] = example.tensor
        arrays[f"{example.name}/labels"] = output.labels
        if output.logits is not None:
            arrays[f"{example.name}/logits"] = output.logits
    with atomic_path(path) as temporary:
        # NumPy before 2.1 would store allow_pickle=False as one more array.
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]


def _checked(
    key: str, arrays: Mapping[str, NDArray[Any]], source: str
) -> tuple[Example, ModelOutput]:
    tensor, labels, logits = arrays["input"], arrays["labels"], arrays.get("logits")
    if tensor.ndim != 4 or tensor.shape[:2] != (1, 3) or tensor.dtype != np.float32:
        raise UsageError(
            f"expected a float32 input (1, 3, height, width) of {key!r} in {source}, found "
            f"{tensor.dtype} {tensor.shape}"
        )
    padding = tuple(
        whole - part for whole, part in zip(tensor.shape[2:], labels.shape, strict=False)
    )
    if labels.ndim != 2 or not labels.size or min(padding) < 0 or labels.dtype.kind not in "iu":
        raise UsageError(
            f"expected whole numbers (height, width) up to {tensor.shape[2:]} as labels of "
            f"{key!r} in {source}, found {labels.dtype} {labels.shape}"
        )
    if logits is not None and (logits.ndim != 3 or logits.dtype.kind != "f"):
        raise UsageError(
            f"expected float logits (classes, height, width) of {key!r} in {source}, found "
            f"{logits.dtype} {logits.shape}"
        )
    return Example(key, tensor, (padding[0], padding[1])), ModelOutput(labels, logits)


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
