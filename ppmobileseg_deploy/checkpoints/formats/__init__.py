"""Reading the files that checkpoints come in, without PyTorch, Paddle, or running anything.

A file is a stranger's. It is not unpickled by a library that could be talked into something: a
reader of its own builds plain containers and descriptions of tensors, within bounds, and the
values stay in the file until it is known which of them are the network's.
"""

from .numpy_objects import PickledArray
from .opcodes import FileText
from .reading import read_any
from .source import FormatError, Source
from .stored import FLOATS, StoredTensor
from .unpickling import Placeholder

__all__ = [
    "FLOATS",
    "FileText",
    "FormatError",
    "PickledArray",
    "Placeholder",
    "Source",
    "StoredTensor",
    "read_any",
]
