"""Whether two forms of a model compute the same, and where they part if they do not."""

from .comparing import ExampleComparison, Verification, verify
from .examples import Example, Normalisation, image_example, random_examples
from .layers import Parting, first_parting
from .proving import prove_file
from .subjects import Outcome, Subject, choose_examples, open_subject, store_outcomes

__all__ = [
    "Example",
    "ExampleComparison",
    "Normalisation",
    "Outcome",
    "Parting",
    "Subject",
    "Verification",
    "choose_examples",
    "first_parting",
    "image_example",
    "open_subject",
    "prove_file",
    "random_examples",
    "store_outcomes",
    "verify",
]
