"""The files that mmdeploy's SDK wants beside a model: deploy.json, pipeline.json, detail.json.

With them the folder can be opened by the SDK's ``Segmentor`` in C, C++, Python, Java or C#, as if
mmdeploy had exported it. What it expects was read from the sources of mmdeploy 1.3
(export_info.py in mmdeploy/backend/sdk; preprocess/transform, codebase/mmseg and net/ort in
csrc/mmdeploy).
"""

import json
from pathlib import Path
from typing import Any, Final

from ..errors import UsageError
from ..files import atomic_path
from ..metadata import ModelMetadata
from .options import ExportOptions
from .trace import INPUT, OUTPUT

FILE_NAMES: Final = ("deploy.json", "pipeline.json", "detail.json")

_VERSION: Final = "1.3.1"  # of mmdeploy, whose layout this is
_NAME: Final = "ppmobileseg"
_META_KEYS: Final = (
    *("filename", "ori_filename", "ori_shape", "img_shape", "pad_shape", "scale_factor"),
    *("flip", "flip_direction", "img_norm_cfg", "valid_ratio"),
)


def dump_info(model: Path, metadata: ModelMetadata, options: ExportOptions) -> tuple[Path, ...]:
    """Write the three files into the folder of an exported model, each complete or not at all.

    The image is not padded by the SDK: it would stretch the labels of the padding over the image,
    since it scales whatever it gets to the image's size. The file pads and cuts by itself. A file
    of fixed size gets images squashed to that size, which is what mmdeploy does with one. The SDK
    resizes by mmsegmentation's rule, whatever the rule of the metadata: of PaddleSeg's it keeps
    the limits and the normalisation.

    Args:
        model: The exported ONNX file.
        metadata: What it says about itself.
        options: What it was exported with.

    Returns:
        The files, in the order of `FILE_NAMES`.

    Raises:
        UsageError: The SDK cannot run such a file: it knows no uint8 in ONNX Runtime.
        OutputError: A file could not be written.
    """
    check_sdk_options(options)
    contents = (
        _deploy(model, options),
        _pipeline(metadata, options),
        _detail(model, metadata, options),
    )
    paths = tuple(model.parent / name for name in FILE_NAMES)
    for path, content in zip(paths, contents, strict=True):
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")
    return paths


def check_sdk_options(options: ExportOptions) -> None:
    """Make sure that mmdeploy's SDK can run what these options make.

    Args:
        options: What a file is to be exported with.

    Raises:
        UsageError: It cannot: it knows no uint8 in ONNX Runtime, and no logits before upsampling.
    """
    if options.embed_preprocessing is not None:
        raise UsageError("expected a file with float32 input for mmdeploy's SDK, found uint8")
    if options.coarse_logits:
        raise UsageError(
            "expected labels, or logits at the input's size, for mmdeploy's SDK, found logits "
            "before upsampling"
        )
    if options.label_dtype == "uint8" and not options.logits:
        raise UsageError("expected labels of int64 or int32 for mmdeploy's SDK, found uint8")


def _deploy(model: Path, options: ExportOptions) -> dict[str, Any]:
    net = {
        "name": _NAME,
        "net": model.name,
        "weights": "",
        "backend": "onnxruntime",
        "precision": options.precision.upper(),
        "batch_size": 1,
        "dynamic_shape": options.shape_hw is None,
    }
    return {"version": _VERSION, "task": "Segmentor", "models": [net], "customs": []}


def _pipeline(metadata: ModelMetadata, options: ExportOptions) -> dict[str, Any]:
    preprocess = {
        "type": "Task",
        "module": "Transform",
        "name": "Preprocess",
        "input": ["img"],
        "output": ["prep_output"],
        "transforms": _transforms(metadata, options.shape_hw),
    }
    inference = {
        "name": _NAME,
        "type": "Task",
        "module": "Net",
        "is_batched": False,
        "input": ["prep_output"],
        "output": ["infer_output"],
        "input_map": {"img": INPUT},
        "output_map": {},
    }
    postprocess = {
        "type": "Task",
        "module": "mmseg",
        "name": "postprocess",
        "component": "ResizeMask",
        "params": {"num_classes": metadata.num_classes, "with_argmax": not options.logits},
        "output": ["post_output"],
        "input": ["prep_output", "infer_output"],
    }
    tasks = [preprocess, inference, postprocess]
    return {"pipeline": {"input": ["img"], "output": ["post_output"], "tasks": tasks}}


def _transforms(metadata: ModelMetadata, shape_hw: tuple[int, int] | None) -> list[dict[str, Any]]:
    # The SDK turns the image, which it reads as BGR, before it normalises it.
    is_rgb = metadata.channel_order == "rgb"
    mean, std = metadata.mean_rgb, metadata.std_rgb
    return [
        {"type": "LoadImageFromFile"},
        *_resizing(metadata, shape_hw or metadata.stretched_hw),
        {
            "type": "Normalize",
            "mean": list(mean if is_rgb else mean[::-1]),
            "std": list(std if is_rgb else std[::-1]),
            "to_rgb": is_rgb,
        },
        {"type": "ImageToTensor", "keys": ["img"]},
        {"type": "Collect", "keys": ["img"], "meta_keys": list(_META_KEYS)},
    ]


def _resizing(metadata: ModelMetadata, size_hw: tuple[int, int] | None) -> list[dict[str, Any]]:
    # Sizes are (width, height) here. With the ratio kept, their order does not matter.
    if size_hw is not None:
        return [{"type": "Resize", "keep_ratio": False, "size": [size_hw[1], size_hw[0]]}]
    if metadata.short_side is None:
        return []
    limits = [metadata.long_side, metadata.short_side]
    return [{"type": "Resize", "keep_ratio": True, "size": limits}]


def _detail(model: Path, metadata: ModelMetadata, options: ExportOptions) -> dict[str, Any]:
    """Describe the export; only people read this file."""
    dims = {"0": "batch", "2": "height", "3": "width"}
    return {
        "version": _VERSION,
        "codebase": {
            "task": "Segmentation",
            "codebase": "mmseg",
            "version": None,
            "pth": metadata.checkpoint,
            "config": None,
        },
        "codebase_config": {
            "type": "mmseg",
            "task": "Segmentation",
            "with_argmax": not options.logits,
        },
        "onnx_config": {
            "type": "onnx",
            "export_params": True,
            "keep_initializers_as_inputs": False,
            "opset_version": options.opset,
            "save_file": model.name,
            "input_names": [INPUT],
            "output_names": [OUTPUT],
            "input_shape": options.shape_hw and [options.shape_hw[1], options.shape_hw[0]],
            "dynamic_axes": None if options.shape_hw else {INPUT: dims, OUTPUT: dims},
        },
        "backend_config": {"type": "onnxruntime"},
        "calib_config": {},
        "producer": {
            "name": "ppmobileseg_deploy",
            "version": metadata.tool_version,
            "variant": metadata.variant,
            "checkpoint_sha256": metadata.checkpoint_sha256,
        },
    }
