"""Write what the page is compared with: pictures, and what the Python runtime makes of them.

Arguments: the ONNX file, and the folder to write to.
"""

import json
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from demo.scenes import draw_scene
from ppmobileseg_deploy import OrtSegmenter

SEED: Final = 24
SIZES_HW: Final = {"street": (512, 768), "portrait": (500, 375), "large": (1080, 1920)}
SCALED_HW: Final = ((512, 683), (288, 512), (1, 1), (700, 400))


def main(model: str, folder: str) -> None:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    segmenter = OrtSegmenter(model)
    facts = {}
    for name, size_hw in SIZES_HW.items():
        image_bgr = draw_scene(SEED, size_hw).image_bgr
        cv2.imwrite(str(target / f"{name}.png"), image_bgr)
        result = segmenter(image_bgr)
        (target / f"{name}.labels").write_bytes(result.labels.astype(np.uint8).tobytes())
        facts[name] = {"height": size_hw[0], "width": size_hw[1], "classes": result.areas()}
    image_bgr = draw_scene(SEED, SIZES_HW["portrait"]).image_bgr
    (target / "portrait.rgba").write_bytes(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGBA).tobytes())
    for height, width in SCALED_HW:
        scaled = cv2.resize(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), (width, height))
        (target / f"portrait_{height}x{width}.rgb").write_bytes(scaled.tobytes())
    (target / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
