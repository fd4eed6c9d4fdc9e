"""Opening models of any form, and choosing the inputs that all of them take."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..cache import OFFICIAL_MODELS
from ..errors import UsageError
from ..file_names import names_checkpoint
from ..files import kind_of
from .comparable_model import ComparableModel
from .examples import Example, Normalisation, image_example, synthetic_examples
from .onnx_model import OnnxModel
from .stored_model import STORED_SUFFIX, StoredModel

if TYPE_CHECKING:
    from ..checkpoints import Description


def open_model(
    name: str,
    threshold: float | None = None,
    *,
    weights: str | None = None,
    description: "Description | None" = None,
) -> ComparableModel:
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
        UsageError: There is no such file, the outputs are not what `store_outputs` writes, or
            there is a threshold and the classes compete or were decided before.
    """
    if name.lower().endswith(STORED_SUFFIX):
        if threshold is not None:
            raise UsageError(f"expected no threshold, since the labels in {name} are decided")
        return StoredModel(name)
    if is_checkpoint(name):
        from .torch_model import TorchModel  # here, since ONNX files are compared without PyTorch

        return TorchModel(name, threshold, weights=weights, description=description)
    return OnnxModel(name, threshold=threshold)


def is_checkpoint(name: str) -> bool:
    """Whether a name is that of a checkpoint: a file called like one, or an official model."""
    return names_checkpoint(name) or (name in OFFICIAL_MODELS and kind_of(Path(name)) is None)


def choose_examples(
    models: Sequence[ComparableModel], images: Sequence[str | Path] = ()
) -> tuple[Example, ...]:
    """Find inputs that all of some models take.

    Args:
        models: All of them.
        images: Photographs to take besides synthetic pictures.

    Returns:
        The inputs that outputs were stored for or, where none were, three synthetic pictures and
        the photographs.

    Raises:
        ImageError: A photograph cannot be read.
        UsageError: The models take different sizes only, or there are photographs and stored
            outputs, which are of other inputs.
    """
    for model in models:
        if model.examples is not None:
            if images:
                raise UsageError(
                    f"expected no images, since {model.name} holds outputs of other inputs, "
                    f"found {images[0]}"
                )
            return model.examples
    sizes = {model.size_hw: model.name for model in models if model.size_hw}
    if len(sizes) > 1:
        found = " and ".join(f"{h}x{w} in {name}" for (h, w), name in sizes.items())
        raise UsageError(f"expected models that take the same size of input, found {found}")
    size_hw = next(iter(sizes), None)
    normalisation = _common_normalisation(models)
    return (
        *synthetic_examples(size_hw=size_hw, normalisation=normalisation),
        *(image_example(image, size_hw, normalisation) for image in images),
    )


def _common_normalisation(models: Sequence[ComparableModel]) -> Normalisation:
    """Return what files say before what checkpoints do, of which less is known."""
    files_first = sorted(models, key=lambda model: model.is_checkpoint)
    known = [each.normalisation for each in files_first if each.normalisation is not None]
    orders = [each.channel_order for each in known if each.channel_order is not None]
    usual = Normalisation()
    return replace(
        known[0] if known else usual,
        # A file that takes pixels says their order, and not that of its network.
        channel_order=orders[0] if orders else usual.channel_order,
    )
