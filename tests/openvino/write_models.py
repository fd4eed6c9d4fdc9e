"""Write the forms of the demo model that the tests of this folder open.

``python tests/openvino/write_models.py FOLDER``, by a Python that can export.
"""

import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final
from unittest import mock

from ppmobileseg_deploy.exporters import (
    CalibrationSet,
    ExportOptions,
    Int8Options,
    export_onnx,
)
from ppmobileseg_deploy.model import padding

DEMO: Final = Path(__file__).parents[2] / "demo"
CHECKPOINT: Final = DEMO / "ppmobileseg_tiny_demo.pth"

FORMS: Final = MappingProxyType(
    {
        "cell": ExportOptions(),
        "off": ExportOptions(vim="off"),
        "image": ExportOptions(vim="image"),
        "labels": ExportOptions(logits_output=False),
        "logits": ExportOptions(logits=True),
        "fp16": ExportOptions(precision="fp16"),
        "shape": ExportOptions(shape_hw=(512, 768)),
        "bytes": ExportOptions(embed_preprocessing="bgr"),
    }
)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, options in FORMS.items():
        export_onnx(CHECKPOINT, folder / f"{name}.onnx", options, verify=False)
    int8 = Int8Options(CalibrationSet.find(DEMO / "images"), min_equal_labels=0.9)
    options = ExportOptions(precision="int8")
    export_onnx(CHECKPOINT, folder / "int8.onnx", options, int8=int8, verify=False)
    # Files of earlier versions pad by a remainder, which the provider does not take.
    with mock.patch.object(padding, "_missing", lambda length: -length % 32):
        export_onnx(CHECKPOINT, folder / "remainder.onnx", ExportOptions(), verify=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
