"""Write models, inputs and today's outputs for `check_cases.py` to repeat in an old runtime.

``python tests/old_runtime/write_cases.py FOLDER``
"""

import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from ppmobileseg_deploy.exporters import (
    CalibrationSet,
    ExportOptions,
    Int8Options,
    export_onnx,
)
from ppmobileseg_deploy.exporters.trace import known_warnings, make_optional
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import labels_cell
from ppmobileseg_deploy.runtime.images import read_image
from ppmobileseg_deploy.runtime.preprocessing import Preprocessing

CHECKPOINT: Final = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"
PICTURES: Final = CHECKPOINT.parent / "images"
IMAGE_SHAPES: Final = ((1, 32, 32), (1, 97, 131), (3, 64, 96), (1, 256, 320))
GRIDS: Final = ((1, 1, 1, 1), (1, 150, 1, 7), (2, 2, 5, 4), (3, 150, 12, 9), (1, 300, 16, 16))


FORMS: Final = MappingProxyType(
    {
        "cell": ExportOptions(),
        "image": ExportOptions(vim="image"),
        "logits": ExportOptions(logits=True),
        "fp16": ExportOptions(precision="fp16"),
    }
)


class CellHead(nn.Module):
    """Nothing but the upsampling, so that every runtime gets the very same logits."""

    def forward(self, logits: Tensor, labels_per_cell: Tensor) -> Tensor:
        return labels_cell(logits, labels_per_cell)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(115)
    for name, options in FORMS.items():
        export_onnx(CHECKPOINT, folder / f"{name}.onnx", options, verify=False)
        for number, (batch, height, width) in enumerate(IMAGE_SHAPES):
            coarse = rng.normal(size=(batch, 3, 4, 5)).astype(np.float32)
            image = nn.functional.interpolate(
                torch.from_numpy(coarse), (height, width), mode="bicubic"
            ).numpy()
            write(folder, name, number, input=image)
        write(folder, name, len(IMAGE_SHAPES), input=np.zeros((1, 3, 64, 64), np.float32))
    write_quantized(folder, "int8")
    write_bytes(folder, "bytes")
    for number, shape in enumerate(GRIDS):
        name = f"head{number}"
        write_head(folder / f"{name}.onnx", shape)
        noise = rng.normal(size=shape).astype(np.float32)
        smooth = np.cumsum(noise, axis=-1)
        for case, logits in enumerate((noise, smooth, np.zeros_like(noise))):
            write(folder, name, case, logits=logits)
            write(folder, name, case + 3, logits=logits, labels_per_cell=np.array(21))


def write_bytes(folder: Path, name: str) -> None:
    options = ExportOptions(embed_preprocessing="bgr")
    export_onnx(CHECKPOINT, folder / f"{name}.onnx", options, verify=False)
    for number, path in enumerate(sorted(PICTURES.glob("*.jpg"))[:2]):
        write(folder, name, number, input=read_image(path)[None, :97, :131])


def write_quantized(folder: Path, name: str) -> None:
    pictures = CalibrationSet.find(PICTURES)
    options = ExportOptions(precision="int8")
    int8 = Int8Options(pictures, min_equal_labels=0.9)
    export_onnx(CHECKPOINT, folder / f"{name}.onnx", options, int8=int8, verify=False)
    preprocess = Preprocessing.from_metadata(ModelMetadata(), input_size_hw=(256, 320))
    for number, path in enumerate(pictures.held_out):
        write(folder, name, number, input=preprocess(read_image(path)).tensor)


def write_head(path: Path, shape: tuple[int, ...]) -> None:
    with known_warnings():
        torch.onnx.export(
            CellHead(),
            (torch.zeros(shape), torch.tensor(16)),
            path,
            dynamo=False,
            opset_version=17,
            input_names=["logits", "labels_per_cell"],
            output_names=["output"],
            dynamic_axes={"logits": {0: "batch", 2: "h", 3: "w"}},
        )
    onnx.save(make_optional(onnx.load(path), default=16), path)


def write(folder: Path, model: str, case: int, **feed: np.ndarray) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(folder / f"{model}.onnx", options)
    (output,) = session.run(None, feed)
    np.savez(folder / f"{model}.{case}.npz", expected=output, **feed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
