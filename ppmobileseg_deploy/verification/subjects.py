"""What can be compared: a checkpoint, an ONNX file, or outputs that were stored."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import OFFICIAL, Description
from ..errors import UsageError
from ..file_names import names_checkpoint
from ..files import atomic_path, kind_of
from .examples import Example, Normalisation, image_example, random_examples
from .layers import Layers

_STORED_SUFFIX: Final = ".npz"
_MAX_STORED_BYTES: Final = 1 << 31


@dataclass(frozen=True)
class Outcome:
    """What a model gives for one example.

    Attributes:
        labels: (height, width) class ids of the part of the input that shows the picture.
        logits: float32 (classes, h, w) before or after upsampling, of the whole input or of that
            part; None if the model does not show them.
        threshold: Of a head of one class, the probability above which a pixel is of it; None for
            other heads, and where that is not known.
        photograph_labels: (height, width) class ids at the size of the photograph, decided there;
            None if the example is no photograph, or the model gives labels only.
    """

    labels: NDArray[Any]
    logits: NDArray[np.float32] | None
    threshold: float | None = None
    photograph_labels: NDArray[Any] | None = None


class Subject(Protocol):
    """A model in some form."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def examples(self) -> tuple[Example, ...] | None:
        """The only examples it has outputs for; None if it can be run on any."""

    @property
    def size_hw(self) -> tuple[int, int] | None:
        """The only height and width of an input that it takes; None for any."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing about it, a sentence each."""

    @property
    def normalisation(self) -> Normalisation | None:
        """How pixels become its input, as far as it says."""

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is the network in the paper's form, with all its layers."""

    def run(self, example: Example) -> Outcome:
        """Compute, or look up, the outputs."""

    def layers(self, example: Example) -> Layers | None:
        """Compute the intermediate outputs, in order; None if they cannot be seen."""


def open_subject(
    name: str,
    threshold: float | None = None,
    *,
    weights: str | None = None,
    description: Description | None = None,
) -> Subject:
    """Open whatever the name says.

    Args:
        name: Path of a checkpoint (.pth, .pdparams, .safetensors), the name of an official one,
            or the path of outputs (.npz) or of an ONNX file.
        threshold: Of heads of one class, the probability above which a pixel is of it; None for
            that of the file, or else 0.3.
        weights: Of a checkpoint, which of several sets of weights to take.
        description: Of a checkpoint, what is known about its input.

    Raises:
        CheckpointError: The checkpoint cannot be read.
        ModelError: The ONNX file cannot be loaded.
        UsageError: There is no such file, the outputs are not what `store_outcomes` writes, or
            there is a threshold and the classes compete or were decided before.
    """
    if name.lower().endswith(_STORED_SUFFIX):
        if threshold is not None:
            raise UsageError(f"expected no threshold, since the labels in {name} are decided")
        return StoredSubject(name)
    is_official = name in OFFICIAL and kind_of(Path(name)) is None
    if is_official or names_checkpoint(name):
        from .torch_subject import TorchSubject

        return TorchSubject(name, threshold, weights=weights, description=description)
    from .onnx_subject import OnnxSubject

    return OnnxSubject(name, threshold=threshold)


def choose_examples(
    subjects: Sequence[Subject], images: Sequence[str | Path] = ()
) -> tuple[Example, ...]:
    """Find inputs that all of some models take.

    Args:
        subjects: The models.
        images: Photographs to take besides made-up pictures.

    Returns:
        The inputs that outputs were stored for or, where none were, three made-up pictures and
        the photographs.

    Raises:
        ImageError: A photograph cannot be read.
        UsageError: The models take different sizes only, or there are photographs and stored
            outputs, which are of other inputs.
    """
    for subject in subjects:
        if subject.examples is not None:
            if images:
                raise UsageError(
                    f"expected no images, since {subject.name} holds outputs of other inputs, "
                    f"found {images[0]}"
                )
            return subject.examples
    sizes = {subject.size_hw: subject.name for subject in subjects if subject.size_hw}
    if len(sizes) > 1:
        found = " and ".join(f"{h}x{w} in {name}" for (h, w), name in sizes.items())
        raise UsageError(f"expected models that take the same size of input, found {found}")
    size_hw = next(iter(sizes), None)
    normalisation = _common_normalisation(subjects)
    return (
        *random_examples(size_hw=size_hw, normalisation=normalisation),
        *(image_example(image, size_hw, normalisation) for image in images),
    )


def _common_normalisation(subjects: Sequence[Subject]) -> Normalisation:
    """Return what files say before what checkpoints do, of which less is known."""
    files_first = sorted(subjects, key=lambda subject: subject.is_checkpoint)
    known = [each.normalisation for each in files_first if each.normalisation is not None]
    orders = [each.channel_order for each in known if each.channel_order is not None]
    usual = Normalisation()
    return replace(
        known[0] if known else usual,
        # A file that takes pixels says their order, and not that of its network.
        channel_order=orders[0] if orders else usual.channel_order,
    )


class StoredSubject:
    """Outputs that `store_outcomes` wrote."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._outcomes: dict[str, Outcome] = {}
        examples = []
        for key, arrays in _read(Path(name)).items():
            if not {"input", "labels"} <= arrays.keys():
                raise UsageError(f"expected an input and labels of {key!r} in {name}")
            example, outcome = _checked(key, arrays, name)
            examples.append(example)
            self._outcomes[key] = outcome
        self._examples = tuple(examples)

    @property
    def name(self) -> str:
        """Path of the file."""
        return self._name

    @property
    def examples(self) -> tuple[Example, ...]:
        """What outputs were stored for."""
        return self._examples

    @property
    def notes(self) -> tuple[()]:
        """There is nothing to say."""
        return ()

    @property
    def normalisation(self) -> None:
        """Only numbers were stored."""
        return

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is the network in the paper's form."""
        return False

    @property
    def size_hw(self) -> None:
        """It has its own examples."""
        return

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
            model shows them, ``NAME/logits``. Labels smaller than the input are those of its
            upper left part; the rest is padding.

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
        # NumPy before 2.1 would store allow_pickle=False as one more array.
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]


def _checked(key: str, arrays: Mapping[str, NDArray[Any]], source: str) -> tuple[Example, Outcome]:
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
    return Example(key, tensor, (padding[0], padding[1])), Outcome(labels, logits)


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
