"""Reading training checkpoints of open-mmlab and PaddleSeg, and fetching the official ones.

A checkpoint may come from a stranger: nothing in it is ever executed, and it is taken whole or
not at all.
"""

from .checkpoint import Checkpoint, build_model, with_threshold
from .describing import Origins, describe
from .description import Description
from .loading import load_checkpoint
from .official import OFFICIAL, OfficialCheckpoint, download
from .recipes import RECIPES, Recipe, Resizing
from .sources import Network

__all__ = [
    "OFFICIAL",
    "RECIPES",
    "Checkpoint",
    "Description",
    "Network",
    "OfficialCheckpoint",
    "Origins",
    "Recipe",
    "Resizing",
    "build_model",
    "describe",
    "download",
    "load_checkpoint",
    "with_threshold",
]
