"""What the names of files say about what is in them."""

from pathlib import PurePath
from typing import Final

CHECKPOINT_SUFFIXES: Final = (".pth", ".pt", ".ckpt", ".pdparams", ".safetensors")
"""How files of training checkpoints end, in lower case."""


def names_checkpoint(path: str | PurePath) -> bool:
    """Tell whether a file is called like a training checkpoint.

    Args:
        path: Path or name of the file; upper and lower case are the same.
    """
    return str(path).lower().endswith(CHECKPOINT_SUFFIXES)
