"""Types that several rooms of the package share: sizes, images, class ids, devices.

`metadata.RGB` stays with the metadata, which are read without NumPy.
"""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

SizeHW: TypeAlias = tuple[int, int]
"""Height and width in pixels."""

ImageBGR: TypeAlias = NDArray[np.uint8]
"""An image, (height, width, 3), its channels in the order of OpenCV: blue, green, red."""

ColorOrder: TypeAlias = Literal["bgr", "rgb"]
"""Order of an array's channels: as OpenCV has it, or as most other libraries do."""

Device: TypeAlias = Literal["cpu", "cuda", "coreml", "dml", "openvino"]
"""Where a model can run, each by an execution provider of ONNX Runtime."""

Labels: TypeAlias = NDArray[np.uint8 | np.uint16]
"""Class ids, (height, width): uint8, or uint16 above 256 classes."""

Logits: TypeAlias = NDArray[np.float32]
"""A score for each class, ([batch,] classes, height, width)."""


def label_type(num_classes: int) -> type[np.uint8 | np.uint16]:
    """Return the smallest type that holds every class id: uint8, or uint16 above 256 classes."""
    return np.uint8 if num_classes <= 256 else np.uint16
