"""Make the README's pictures from the demo images and the exported demo model.

Run it from the root of the repository, after ``make demo``: ``python -m demo.make_pictures``.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ppmobileseg_deploy import OrtSegmenter

DEMO: Final = Path(__file__).parent
DOCS: Final = DEMO.parent / "docs"
PAIRS: Final = (("avenue", "village"), ("harbour", "farm"))
SCALE: Final = 0.5


def main() -> None:
    """Write ``docs/overlays.jpg``: images and what the model sees in them, side by side."""
    segmenter = OrtSegmenter(DEMO / "output" / "end2end.onnx")
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
    DOCS.mkdir(exist_ok=True)
    cv2.imwrite(str(DOCS / "overlays.jpg"), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
