"""How a network's logits lie on its input, and how they are enlarged."""

from dataclasses import dataclass

from ...metadata import NETWORK_MULTIPLE, Upsampling
from ...types import SizeHW
from .preprocessing import in_multiples
from .sampling import Rule, Sampling, resized_axis


@dataclass(frozen=True)
class Enlarging:
    """From logits to the pixels of the network's input.

    Attributes:
        stride: Pixels of the input per grid point; 1 for scores of full size.
        upsampling: By which rule, see `ModelMetadata.upsampling`.
    """

    stride: int = 1
    upsampling: Upsampling = "padded"

    @property
    def rule(self) -> Rule:
        """ONNX's name of the rule."""
        return "half_pixel" if self.upsampling == "padded" else self.upsampling

    def covered_hw(self, input_hw: SizeHW) -> SizeHW:
        """Return how many pixels the logits cover.

        Args:
            input_hw: Height and width of the input.
        """
        padded = self.stride > 1 and self.upsampling == "padded"
        return in_multiples(input_hw, NETWORK_MULTIPLE) if padded else input_hw

    def grid_hw(self, input_hw: SizeHW) -> SizeHW:
        """Return height and width of the logits.

        Args:
            input_hw: Height and width of the input.
        """
        height, width = self.covered_hw(input_hw)
        return -(-height // self.stride), -(-width // self.stride)

    def axes(self, input_hw: SizeHW, shown_hw: SizeHW, size_hw: SizeHW) -> list[Sampling]:
        """Return how the rows and the columns of a photograph are interpolated.

        Args:
            input_hw: Height and width of the input.
            shown_hw: The part of it that shows the photograph.
            size_hw: Height and width of the photograph.
        """
        sides = self.grid_hw(input_hw), self.covered_hw(input_hw), shown_hw, size_hw
        return [resized_axis(*lengths, rule=self.rule) for lengths in zip(*sides, strict=True)]
