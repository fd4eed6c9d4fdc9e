"""A PyTorch checkpoint to compare: the network in the paper's form."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..checkpoints import (
    Checkpoint,
    Description,
    build_model,
    describe,
    load_checkpoint,
    with_threshold,
)
from ..evaluation.torch_segmenter import photograph_labels
from ..model import labels_off, pad_to_multiple
from .comparable_model import ModelOutput
from .examples import Example, Normalisation


class TorchModel:
    """The network of a checkpoint; its layers are its modules.

    Args:
        checkpoint: A loaded one, the path of one, or the name of an official one.
        threshold: Of a head of one class, see `checkpoints.with_threshold`.
        weights: Which of several sets of weights to take, see `checkpoints.load_checkpoint`.
        description: What is known about its input, in place of what the checkpoint says.

    Attributes:
        name: What the user called it.
        notes: Remarks about the checkpoint, a sentence each.
        normalisation: How pixels become its input.

    Raises:
        CheckpointError: It cannot be read or does not fit.
        UsageError: There is a threshold, and the head has several classes; or there are no
            weights of that name.
    """

    examples = None
    size_hw = None
    is_checkpoint = True

    def __init__(
        self,
        checkpoint: Checkpoint | str,
        threshold: float | None = None,
        *,
        weights: str | None = None,
        description: Description | None = None,
    ) -> None:
        if isinstance(checkpoint, Checkpoint):
            self.name = checkpoint.file_name
        else:
            self.name, checkpoint = checkpoint, load_checkpoint(checkpoint, weights)
        self.notes = checkpoint.notes
        metadata, _ = describe(checkpoint, description)
        self.normalisation = Normalisation(
            metadata.mean_rgb, metadata.std_rgb, metadata.channel_order
        )
        decided = with_threshold(checkpoint, threshold)
        self._threshold = decided.threshold
        self._network = build_model(decided)

    @torch.inference_mode()
    def run(self, example: Example) -> ModelOutput:
        """Compute labels and low-resolution logits."""
        padded = pad_to_multiple(torch.from_numpy(example.tensor))
        logits = self._network(padded)
        height, width = example.shown_hw
        labels = labels_off(logits, padded.shape[-2:])[0, 0, :height, :width]
        at_size = None
        if example.photograph_hw is not None:
            padded_hw = padded.shape[2], padded.shape[3]
            at_size = photograph_labels(
                logits, padded_hw, example.shown_hw, example.photograph_hw
            ).numpy()
        return ModelOutput(labels.numpy(), logits[0].numpy(), self._threshold, at_size)

    @torch.inference_mode()
    def layers(self, example: Example) -> dict[str, NDArray[np.float32]]:
        """Compute the output of every module, in the order in which they finish."""
        outputs: dict[str, NDArray[np.float32]] = {}
        hooks = [
            module.register_forward_hook(_keep(outputs, name))
            for name, module in self._network.named_modules()
            if name
        ]
        try:
            self._network(pad_to_multiple(torch.from_numpy(example.tensor)))
        finally:
            for hook in hooks:
                hook.remove()
        return outputs


def _keep(outputs: dict[str, NDArray[np.float32]], name: str) -> Any:
    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            # A module that is called twice is known by its last call. In-place activations
            # would change what was kept.
            outputs.pop(name, None)
            outputs[name] = output.detach().clone().numpy()

    return keep
