"""Verification that two forms of a model compute the same, and the layer where they diverge."""

from .comparable_model import ComparableModel, ModelOutput
from .comparing import ExampleComparison, Verification, prove_file, verify
from .examples import Example, Normalisation, image_example, synthetic_examples
from .layers import Divergence, first_divergence
from .opening import choose_examples, is_checkpoint, open_model
from .stored_model import store_outputs

__all__ = [
    "ComparableModel",
    "Divergence",
    "Example",
    "ExampleComparison",
    "ModelOutput",
    "Normalisation",
    "Verification",
    "choose_examples",
    "first_divergence",
    "image_example",
    "is_checkpoint",
    "open_model",
    "prove_file",
    "store_outputs",
    "synthetic_examples",
    "verify",
]
