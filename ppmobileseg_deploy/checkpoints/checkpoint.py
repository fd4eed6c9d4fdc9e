"""What a checkpoint file is once it has been read and found to fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from torch import Tensor

from ..errors import UsageError
from ..metadata import DEFAULT_THRESHOLD, RGB, checked_threshold
from ..model import PPMobileSeg, PPMobileSegConfig
from .recipes import Recipe

_SAYS: Final = "the checkpoint's"


@dataclass(frozen=True)
class Checkpoint:
    """The weights of one PP-MobileSeg network and where they came from.

    Attributes:
        config: The variant that the tensors belong to.
        num_classes: Number of classes that the head was trained for. With 1 it tells that class
            from all else.
        state_dict: Every weight of the network, float32 on the CPU, under open-mmlab's keys.
            ``num_batches_tracked`` is left out: it counts training steps and changes no output.
        file_name: Name of the file, without its folder.
        sha256: Hexadecimal SHA-256 of the file.
        official_name: ``"tiny"`` or ``"base"`` if it was asked for by that name.
        threshold: Probability above which a pixel is of the class of a head of one class; None
            for other heads, and where nothing was decided yet, see `with_threshold`.
        weights_name: Where in the file the weights lie, such as ``"state_dict"`` or
            ``"ema.module"``.
        class_names: Name of each class id; None, as in the next five, where the file does not
            say.
        palette_rgb: Colour of each class id, (red, green, blue) in [0, 255].
        mean: Subtracted from pixel values in [0, 255], in the order of the network's channels.
        std: What the difference is divided by, likewise.
        channel_order: Order of the network's channels, ``"rgb"`` or ``"bgr"``.
        training: What the configuration of its training says, which mmengine keeps in the file.
        notes: What else is worth knowing about the file, a sentence each.
    """

    config: PPMobileSegConfig
    num_classes: int
    state_dict: dict[str, Tensor] = field(repr=False)
    file_name: str
    sha256: str
    official_name: str | None = None
    threshold: float | None = None
    weights_name: str = ""
    class_names: tuple[str, ...] | None = None
    palette_rgb: tuple[RGB, ...] | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    channel_order: str | None = None
    training: Recipe | None = None
    notes: tuple[str, ...] = ()

    @property
    def variant(self) -> str:
        """Name of the configuration."""
        return self.config.name

    @property
    def stride(self) -> int:
        """Input pixels per grid point of the logits."""
        return self.config.stride

    @property
    def said(self) -> Mapping[str, Recipe | None]:
        """What the file says about the network, by where."""
        return {
            _SAYS: Recipe(
                mean=self.mean,
                std=self.std,
                channel_order=self.channel_order,  # type: ignore[arg-type]
                class_names=self.class_names,
                palette_rgb=self.palette_rgb,
            ),
            f"{_SAYS} training configuration": self.training,
        }


def with_threshold(checkpoint: Checkpoint, threshold: float | None = None) -> Checkpoint:
    """Decide from which probability on the class of a one-class head is seen.

    Args:
        checkpoint: Any checkpoint.
        threshold: In (0, 1); None for what was decided before, or else for `DEFAULT_THRESHOLD`.

    Returns:
        The checkpoint with a threshold, so that `build_model` makes a network of two classes of
        it. Checkpoints of several classes, which compete, stay as they are.

    Raises:
        UsageError: The threshold is not between 0 and 1, or the head has several classes.

    Examples:
        >>> with_threshold(load_checkpoint("water.pth"), 0.5).threshold  # doctest: +SKIP
        0.5
    """
    if threshold is not None:
        threshold = checked_threshold(threshold)
    if checkpoint.num_classes > 1:
        if threshold is None:
            return checkpoint
        raise UsageError(
            f"expected a head of one class with a threshold, {checkpoint.file_name} has "
            f"{checkpoint.num_classes}, of which the most probable one wins"
        )
    if threshold is None:
        threshold = DEFAULT_THRESHOLD if checkpoint.threshold is None else checkpoint.threshold
    return replace(checkpoint, threshold=threshold)


def build_model(checkpoint: Checkpoint) -> PPMobileSeg:
    """Return the network with the checkpoint's weights, in evaluation mode.

    Args:
        checkpoint: What `load_checkpoint` returned, or `with_threshold`.

    Returns:
        A network of its own: training it leaves the checkpoint as it is. Its logits have as many
        channels as the head, or two where there is a threshold.
    """
    model = PPMobileSeg(checkpoint.config, checkpoint.num_classes, checkpoint.threshold)
    model.load_state_dict(checkpoint.state_dict, strict=True)
    return model.eval()
