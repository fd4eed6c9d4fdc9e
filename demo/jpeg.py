"""Writing JPEG files of a chosen quality."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.files import atomic_path


def write_jpeg(path: Path, image_bgr: NDArray[np.uint8], quality: int) -> None:
    """Write a picture so that the file appears complete or not at all.

    Args:
        path: The file. A missing folder is made.
        image_bgr: (height, width, 3) uint8.
        quality: From 0 to 100.

    Raises:
        OutputError: JPEG cannot hold the picture, or the file cannot be written.
    """
    complete, encoded = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not complete:
        raise OutputError(f"expected to write {path}, OpenCV could not encode it")
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.data)
