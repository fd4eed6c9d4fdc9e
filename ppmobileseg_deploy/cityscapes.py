"""The 19 classes by which Cityscapes is evaluated, in the order of their train ids.

Names and colours are those of the benchmark's own label table (Cordts et al., "The Cityscapes
Dataset for Semantic Urban Scene Understanding", CVPR 2016): id 0 is "road". The annotation files
number 34 classes; the networks know these 19.
"""

from typing import Final

_CLASSES: Final[tuple[tuple[str, tuple[int, int, int]], ...]] = (
    ("road", (128, 64, 128)),
    ("sidewalk", (244, 35, 232)),
    ("building", (70, 70, 70)),
    ("wall", (102, 102, 156)),
    ("fence", (190, 153, 153)),
    ("pole", (153, 153, 153)),
    ("traffic light", (250, 170, 30)),
    ("traffic sign", (220, 220, 0)),
    ("vegetation", (107, 142, 35)),
    ("terrain", (152, 251, 152)),
    ("sky", (70, 130, 180)),
    ("person", (220, 20, 60)),
    ("rider", (255, 0, 0)),
    ("car", (0, 0, 142)),
    ("truck", (0, 0, 70)),
    ("bus", (0, 60, 100)),
    ("train", (0, 80, 100)),
    ("motorcycle", (0, 0, 230)),
    ("bicycle", (119, 11, 32)),
)

NAMES: Final[tuple[str, ...]] = tuple(name for name, _ in _CLASSES)
"""Class names; the index is the class id."""

PALETTE_RGB: Final[tuple[tuple[int, int, int], ...]] = tuple(rgb for _, rgb in _CLASSES)
"""Colours as (red, green, blue) in [0, 255]; the index is the class id."""
