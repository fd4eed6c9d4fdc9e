"""Whether two forms of a model compute the same, and where they part if they do not."""

from .comparing import ExampleComparison, Verification, verify
from .examples import Example, image_example, random_examples
from .layers import Parting, first_parting
from .subjects import Outcome, Subject, open_subject, store_outcomes

__all__ = [
    "Example",
    "ExampleComparison",
    "Outcome",
    "Parting",
    "Subject",
    "Verification",
    "first_parting",
    "image_example",
    "open_subject",
    "random_examples",
    "store_outcomes",
    "verify",
]
