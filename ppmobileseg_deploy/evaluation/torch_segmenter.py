"""Segmenter of a PyTorch checkpoint: the reference for the accuracy of an exported file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..checkpoints import Description, build_model, describe, load_checkpoint, with_threshold
from ..metadata import ModelMetadata
from ..model import pad_to_multiple, upsample_logits
from ..runtime.inference.preprocessing import Preprocessing
from ..types import SizeHW

_BAND_ROWS = 64


@dataclass(frozen=True)
class TorchLabels:
    """Labels of one image.

    Attributes:
        labels: int64 (height, width) class ids.
    """

    labels: NDArray[Any]


class TorchSegmenter:
    """The network in the paper's form, in PyTorch, with mmsegmentation's test pipeline.

    Logits of all classes are upsampled to the network's input, cut to the part that shows the
    image, and resized to the image: two bilinear steps, as ``EncoderDecoder.predict`` does it.

    Args:
        checkpoint: Path of a checkpoint, or the name of an official one.
        threshold: Of a head of one class, see `checkpoints.with_threshold`.
        weights: Which of several sets of weights to take, see `checkpoints.load_checkpoint`.
        description: Names and normalisation, in place of what the checkpoint says.

    Attributes:
        metadata: What is known about the network.
        notes: Remarks about the checkpoint, a sentence each.

    Raises:
        CheckpointError: It cannot be read or does not fit.
        UsageError: There is a threshold, and the head has several classes; or there are no
            weights of that name.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        threshold: float | None = None,
        *,
        weights: str | None = None,
        description: Description | None = None,
    ) -> None:
        loaded = with_threshold(load_checkpoint(checkpoint, weights), threshold)
        self._network = build_model(loaded)
        self.metadata: ModelMetadata
        self.metadata, origins = describe(loaded, description)
        self.notes = (*loaded.notes, *origins.notes)
        self._preprocess = Preprocessing.from_metadata(self.metadata)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each class id."""
        return self.metadata.class_names

    def __call__(self, image: NDArray[np.uint8]) -> TorchLabels:
        """Segment one image, (height, width, 3) uint8, BGR."""
        prepared = self._preprocess(image)
        with torch.inference_mode():
            padded = pad_to_multiple(torch.from_numpy(prepared.tensor))
            padded_hw = padded.shape[2], padded.shape[3]
            labels = photograph_labels(
                self._network(padded), padded_hw, prepared.resized_hw, prepared.original_hw
            )
        return TorchLabels(labels.numpy())


def photograph_labels(
    logits: Tensor, padded_hw: SizeHW, resized_hw: SizeHW, size_hw: SizeHW
) -> Tensor:
    """Label a photograph by mmsegmentation's rule, with the logits of all classes.

    Args:
        logits: float32 (1, classes, h, w).
        padded_hw: Size of the network's input.
        resized_hw: The part of it that shows the photograph.
        size_hw: Size of the photograph.

    Returns:
        int64 (height, width), class ids.
    """
    height, width = resized_hw
    return _resized_argmax(upsample_logits(logits, padded_hw)[:, :, :height, :width], size_hw)


def _resized_argmax(logits: Tensor, size_hw: tuple[int, int]) -> Tensor:
    # In bands of rows, because 150 planes of a photograph's size are gigabytes.
    height, width = size_hw
    rows = torch.arange(height, dtype=torch.float64)
    source = ((rows + 0.5) * logits.shape[2] / height - 0.5).clamp(0, logits.shape[2] - 1)
    above = source.floor().long()
    below = (above + 1).clamp(max=logits.shape[2] - 1)
    weight = (source - above).to(logits.dtype)[:, None]
    labels = torch.empty(size_hw, dtype=torch.int64)
    for top in range(0, height, _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        mixed = torch.lerp(logits[0][:, above[band]], logits[0][:, below[band]], weight[band])
        wide = F.interpolate(
            mixed[None], size=(mixed.shape[1], width), mode="bilinear", align_corners=False
        )
        labels[band] = wide[0].argmax(0)
    return labels
