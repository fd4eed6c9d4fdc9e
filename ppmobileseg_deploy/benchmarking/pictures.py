"""Made-up pictures, for measuring where none is given."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..metadata import MAX_SIDE
from .logits import smooth_logits

_REGIONS: Final = 12
_GRID_SIDES: Final = 16, 256
_POINT_PX: Final = 24
_TEXTURE: Final = 18.0
_GRAIN_PX: Final = 3


def made_up_picture(size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw regions of one colour each, with curved borders and some texture.

    The same size gives the same picture. As a JPEG it is about as large as a photograph is.

    Args:
        size_hw: Height and width in pixels, at most `metadata.MAX_SIDE`.

    Returns:
        (height, width, 3) uint8, BGR.

    Raises:
        UsageError: A side is too long, or less than 1.
    """
    height, width = size_hw
    if not 1 <= min(size_hw) <= max(size_hw) <= MAX_SIDE:
        raise UsageError(
            f"expected a picture of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found {height}x{width}"
        )
    least, most = _GRID_SIDES
    grid_hw = tuple(min(max(least, side // _POINT_PX), most) for side in size_hw)
    regions = smooth_logits(_REGIONS, (grid_hw[0], grid_hw[1]), _REGIONS).argmax(1)[0]
    rng = np.random.default_rng(0)
    colors_bgr = rng.integers(30, 226, (_REGIONS, 3)).astype(np.float32)
    smooth = cv2.resize(colors_bgr[regions], (width, height), interpolation=cv2.INTER_LINEAR)
    # Made small and enlarged: noise of single pixels would be no texture, but a bad camera.
    coarse_hw = max(1, height // _GRAIN_PX), max(1, width // _GRAIN_PX)
    grain = rng.standard_normal(coarse_hw, np.float32) * np.float32(_TEXTURE)
    texture = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    picture: NDArray[np.uint8] = np.clip(smooth + texture[..., None], 0, 255).astype(np.uint8)
    return picture
