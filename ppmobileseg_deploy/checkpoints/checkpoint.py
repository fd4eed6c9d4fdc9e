"""What a checkpoint file is once it has been read and found to fit."""

from dataclasses import dataclass, field

from torch import Tensor

from ..model import PPMobileSeg, PPMobileSegConfig


@dataclass(frozen=True)
class Checkpoint:
    """The weights of one PP-MobileSeg network and where they came from.

    Attributes:
        config: The variant that the tensors belong to.
        num_classes: Number of classes that the head tells apart.
        state_dict: Every weight of the network, float32 on the CPU, under open-mmlab's keys.
            ``num_batches_tracked`` is left out: it counts training steps and changes no output.
        file_name: Name of the file, without its folder.
        sha256: Hexadecimal SHA-256 of the file.
        official_name: ``"tiny"`` or ``"base"`` if it was asked for by that name.
    """

    config: PPMobileSegConfig
    num_classes: int
    state_dict: dict[str, Tensor] = field(repr=False)
    file_name: str
    sha256: str
    official_name: str | None = None


def build_model(checkpoint: Checkpoint) -> PPMobileSeg:
    """Return the network with the checkpoint's weights, in evaluation mode.

    Args:
        checkpoint: What `load_checkpoint` returned.

    Returns:
        A network of its own: training it leaves the checkpoint as it is.
    """
    model = PPMobileSeg(checkpoint.config, checkpoint.num_classes)
    model.load_state_dict(checkpoint.state_dict, strict=True)
    return model.eval()
