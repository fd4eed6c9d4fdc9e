"""Write models, inputs and today's outputs for `check_cases.py` to repeat in an old runtime.

``python tests/old_runtime/write_cases.py FOLDER``
"""

import sys
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from ppmobileseg_deploy.exporters import (
    CalibrationSet,
    ExportOptions,
    Int8Options,
    export_onnx,
)
from ppmobileseg_deploy.exporters.label_head import export_label_head
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.images.files import read_image
from ppmobileseg_deploy.runtime.inference.preprocessing import Preprocessing
from ppmobileseg_deploy.runtime.inference.sampling import resized_axis

CHECKPOINT: Final = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"
PICTURES: Final = CHECKPOINT.parent / "images"
IMAGE_SHAPES: Final = ((1, 32, 32), (1, 97, 131), (3, 64, 96), (1, 256, 320))
STRIDE: Final = 16
GRIDS: Final = ((1, 1, 1, 1), (1, 150, 1, 7), (2, 2, 5, 4), (3, 150, 12, 9), (1, 300, 16, 16))


FORMS: Final = MappingProxyType(
    {
        "cell": ExportOptions(),
        "image": ExportOptions(vim="image"),
        "logits": ExportOptions(logits=True),
        "fp16": ExportOptions(precision="fp16"),
    }
)


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
        export_label_head(folder / f"{name}.onnx", shape[1], STRIDE)
        noise = rng.normal(size=shape).astype(np.float32)
        smooth = np.cumsum(noise, axis=-1)
        for case, logits in enumerate((noise, smooth, np.zeros_like(noise))):
            for size, size_hw in enumerate(label_sizes(shape)):
                resized_hw = np.array(shape[2:]) * STRIDE - case
                feed = {"resized_hw": resized_hw, "size_hw": np.array(size_hw)}
                write(folder, name, 10 * case + size, logits=logits, **feed)
    write_runtime_heads(folder, rng)


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


def label_sizes(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """A pixel, the network's size, one that is larger, and one that is smaller."""
    height, width = (side * STRIDE for side in shape[2:])
    return [(1, 1), (height, width), (2 * height + 3, 2 * width - 5), (height // 2 + 1, width)]


def write_runtime_heads(folder: Path, rng: np.random.Generator) -> None:
    """The heads of the package, as the runtime feeds them."""
    rows, columns = (
        resized_axis(8, 128, 120, 371).cells,
        resized_axis(10, 160, 149, 460).cells,
    )
    axes = {
        f"{axis}_{name}": array
        for axis, cells in (("row", rows), ("column", columns))
        for name, array in cells.arrays.items()
    }
    logits = np.cumsum(rng.normal(size=(1, 150, 8, 10)), axis=-1).astype(np.float32)
    for name, feed in {
        "labels_uint8": {"logits": logits, **axes},
        "labels_int32": {"logits": logits, **axes},
        "confidence": best_feed(logits, axes),
        "maximum": best_feed(logits, axes),
    }.items():
        shipped = files("ppmobileseg_deploy.runtime.inference") / "heads" / f"{name}.onnx"
        (folder / f"{name}.onnx").write_bytes(shipped.read_bytes())
        write(folder, name, 0, **feed)


def best_feed(logits: np.ndarray, axes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        "logits": np.ascontiguousarray(logits[0].transpose(1, 2, 0)),
        "row_corners": axes["row_corners"][3],
        "row_weights": axes["row_weights"][3],
        "column_corners": axes["column_corners"],
        "column_weights": axes["column_weights"],
    }


def write(folder: Path, model: str, case: int, **feed: np.ndarray) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(folder / f"{model}.onnx", options)
    output = session.run(None, feed)[0]
    np.savez(folder / f"{model}.{case}.npz", expected=output, **feed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
