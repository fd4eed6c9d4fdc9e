"""Street and landscape scenes, drawn by chance, with exact labels."""

from .canvas import CLASS_IDS, CLASS_NAMES
from .scene import Scene, draw_scene

__all__ = ["CLASS_IDS", "CLASS_NAMES", "Scene", "draw_scene"]
