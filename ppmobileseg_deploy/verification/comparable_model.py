"""The interface of models that can be compared: outputs for an example, and layers."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .examples import Example, Normalisation
from .layers import Layers


@dataclass(frozen=True)
class ModelOutput:
    """Output of a model for one example.

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


class ComparableModel(Protocol):
    """A model in any form: its outputs for an example and, where they can be seen, its layers."""

    @property
    def name(self) -> str:
        """Path or name by which it was opened."""

    @property
    def examples(self) -> tuple[Example, ...] | None:
        """The only examples it has outputs for; None if it can be run on any."""

    @property
    def size_hw(self) -> tuple[int, int] | None:
        """The only height and width of an input that it takes; None for any."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks about it, a sentence each."""

    @property
    def normalisation(self) -> Normalisation | None:
        """How pixels become its input; None if it does not say."""

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is the network in the paper's form, with all its layers."""

    def run(self, example: Example) -> ModelOutput:
        """Compute, or look up, the outputs."""

    def layers(self, example: Example) -> Layers | None:
        """Compute the intermediate outputs, in order; None if they cannot be seen."""
