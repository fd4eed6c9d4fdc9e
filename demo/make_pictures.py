"""Make the documentation's pictures from the demo images and the exported demo model.

Run it from the root of the repository, after ``make demo``: ``python -m demo.make_pictures``.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ppmobileseg_deploy import OrtSegmenter

from .jpeg import write_jpeg

DEMO: Final = Path(__file__).parent
DOCS: Final = DEMO.parent / "docs"
PAIRS: Final = (("avenue", "village"), ("harbour", "farm"))
SCALE: Final = 0.5
JPEG_QUALITY: Final = 88


def main() -> None:
    """Write all pictures."""
    model = DEMO / "output" / "end2end.onnx"
    segmenter = OrtSegmenter(model)
    _write("overlays.jpg", _overlays(segmenter))
    street = segmenter(DEMO / "images" / "avenue.jpg")
    _write("legend.jpg", street.legend(contours=True, label=True))


def _overlays(segmenter: OrtSegmenter) -> NDArray[np.uint8]:
    """Images and what the model sees in them, side by side."""
    rows = []
    for names in PAIRS:
        tiles = []
        for name in names:
            result = segmenter(DEMO / "images" / f"{name}.jpg")
            tiles += [
                cv2.resize(picture, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
                for picture in (result.image_bgr, result.plot())
            ]
        rows.append(np.hstack(tiles))
    return np.vstack(rows)


def _write(name: str, image_bgr: NDArray[np.uint8]) -> None:
    write_jpeg(DOCS / name, image_bgr, JPEG_QUALITY)


if __name__ == "__main__":
    main()
