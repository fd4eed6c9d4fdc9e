"""Weights, inputs and outputs that both public implementations of PP-MobileSeg agree on.

The weights are not stored: a tensor's numbers follow from its open-mmlab key and shape, so that
any implementation can be filled with them. `tests/data/{tiny,base}.npz` holds what the network
computes with them (float32, CPU), made with mmsegmentation and checked against PaddleSeg:

- ``logits_1x64x96`` and ``logits_1x97x131``: low-resolution logits for
  ``golden_image(1, 64, 96, seed=1)`` and ``golden_image(1, 97, 131, seed=3)``,
- ``labels_1x64x96`` and ``labels_1x97x131``: argmax after bilinear upsampling to the input size.

`tests/data/*_openmmlab.json` lists key -> shape, `tests/data/*_paddle.json` lists PaddleSeg's
key -> its shape and open-mmlab's key; both for 150 classes.
"""

import functools
import hashlib
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from filelock import FileLock
from onnx import TensorProto, helper, numpy_helper

from ppmobileseg_deploy.exporters import ExportOptions, export_onnx
from ppmobileseg_deploy.metadata import ModelMetadata

DATA = Path(__file__).parent / "data"
DEMO = Path(__file__).parents[1] / "demo"

# The images of the tests are small: threads would wait for one another longer than they work.
torch.set_num_threads(1)


def _golden_tensor(key: str, shape: tuple[int, ...]) -> np.ndarray:
    # Order and parameters of the draws are part of the stored outputs: change nothing here.
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    if key.endswith("running_var"):
        values = rng.uniform(0.5, 1.5, shape)
    elif key.endswith("running_mean"):
        values = rng.normal(0, 0.1, shape)
    elif key.endswith("pos_embed"):
        values = rng.normal(0, 1, shape)
    elif len(shape) == 4:  # convolution: (out, in / groups, kh, kw)
        values = rng.normal(0, 1, shape) * np.sqrt(2 / np.prod(shape[1:]))
    elif key.endswith("bias"):
        values = rng.normal(0, 0.1, shape)
    else:  # batch norm weight
        values = rng.uniform(0.5, 1.5, shape)
    return values.astype(np.float32)


@functools.cache
def _golden_weights(variant: str) -> dict[str, torch.Tensor]:
    shapes = json.loads((DATA / f"{variant}_openmmlab.json").read_text())
    return {k: torch.from_numpy(_golden_tensor(k, tuple(s))) for k, s in shapes.items()}


@pytest.fixture(scope="session")
def golden_shapes() -> Callable[[str], dict[str, tuple[int, ...]]]:
    """``golden_shapes("tiny")``: every open-mmlab key with its shape, in order, 150 classes."""

    def shapes(variant: str) -> dict[str, tuple[int, ...]]:
        table = json.loads((DATA / f"{variant}_openmmlab.json").read_text())
        return {key: tuple(shape) for key, shape in table.items()}

    return shapes


@pytest.fixture(scope="session")
def paddle_table() -> Callable[[str], dict[str, dict[str, Any]]]:
    """``paddle_table("tiny")``: PaddleSeg key -> ``{"shape": [...], "openmmlab": key}``."""

    def table(variant: str) -> dict[str, dict[str, Any]]:
        return json.loads((DATA / f"{variant}_paddle.json").read_text())

    return table


@pytest.fixture(scope="session")
def golden_state_dict() -> Callable[[str], dict[str, torch.Tensor]]:
    """``golden_state_dict("tiny")``: a new dict of all 150-class weights, open-mmlab keys.

    The tensors are shared between tests: clone before changing one in place.
    """
    return lambda variant: dict(_golden_weights(variant))


@pytest.fixture(scope="session")
def golden_image() -> Callable[[int, int, int, int], np.ndarray]:
    """``golden_image(n, h, w, seed)``: float32 (n, 3, h, w) network input."""

    def image(n: int, h: int, w: int, seed: int) -> np.ndarray:
        rng = np.random.Generator(np.random.PCG64(seed))
        return rng.normal(0, 1, (n, 3, h, w)).astype(np.float32)

    return image


@pytest.fixture(scope="session")
def golden_arrays() -> Callable[[str], dict[str, np.ndarray]]:
    """``golden_arrays("tiny")``: the stored logits (float32) and labels (uint8) by name."""

    def arrays(variant: str) -> dict[str, np.ndarray]:
        with np.load(DATA / f"{variant}.npz") as stored:
            return dict(stored)

    return arrays


@pytest.fixture(scope="session")
def exported_demo(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``exported_demo(precision="fp16")``: the demo checkpoint, exported with these options.

    Each form is made once for all processes of a parallel run, and not validated: do not change
    the file.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def export(**options: Any) -> Path:
        chosen = ExportOptions(**options)
        key = hashlib.sha256(repr(chosen).encode()).hexdigest()[:16]
        path = folder / f"demo_{key}.onnx"
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                export_onnx(DEMO / "ppmobileseg_tiny_demo.pth", path, chosen, verify=False)
        return path

    return export


@pytest.fixture
def small_smooth_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports are compared on small smooth images: large ones take 6 s, and matter elsewhere."""
    small = ((64, 128), (128, 256))
    monkeypatch.setattr("ppmobileseg_deploy.exporters.parity._SMOOTH_SIZES_HW", small)


@pytest.fixture(scope="session")
def one_class_pth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained checkpoint whose head has one class, as mmsegmentation's ``out_channels=1``.

    Its logit is the one by which the demo's checkpoint prefers class 2, sky, to class 1, building.
    """
    content = torch.load(DEMO / "ppmobileseg_tiny_demo.pth", weights_only=True)
    for leaf in ("weight", "bias"):
        head = content["state_dict"][f"decode_head.conv_seg.{leaf}"]
        content["state_dict"][f"decode_head.conv_seg.{leaf}"] = head[2:3] - head[1:2]
    path = tmp_path_factory.mktemp("one_class") / "sky.pth"
    torch.save({"state_dict": content["state_dict"]}, path)
    return path


@pytest.fixture(scope="session")
def looping_model() -> Callable[[int], bytes]:
    """``looping_model(times)``: an ONNX file that goes round so often, then says class 2, blue."""

    def make(times: int) -> bytes:
        def value(name: str, kind: int) -> onnx.ValueInfoProto:
            shape = None if kind == TensorProto.FLOAT else []
            return helper.make_tensor_value_info(name, kind, shape)

        body = helper.make_graph(
            [
                helper.make_node("Identity", ["goes_on"], ["still"]),
                helper.make_node("Identity", ["plane"], ["same"]),
            ],
            "body",
            [
                value("round", TensorProto.INT64),
                value("goes_on", TensorProto.BOOL),
                value("plane", TensorProto.FLOAT),
            ],
            [value("still", TensorProto.BOOL), value("same", TensorProto.FLOAT)],
        )
        graph = helper.make_graph(
            [
                helper.make_node("ReduceMax", ["input"], ["plane"], axes=[1], keepdims=1),
                helper.make_node("Loop", ["times", "always", "plane"], ["last"], body=body),
                helper.make_node("Mul", ["last", "zero"], ["nothing"]),
                helper.make_node("Add", ["nothing", "two"], ["sum"]),
                helper.make_node("Cast", ["sum"], ["output"], to=TensorProto.INT64),
            ],
            "g",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ("b", 3, "h", "w"))],
            [helper.make_tensor_value_info("output", TensorProto.INT64, ("b", 1, "h", "w"))],
            [
                numpy_helper.from_array(np.int64(times), "times"),
                numpy_helper.from_array(np.bool_(True), "always"),
                numpy_helper.from_array(np.float32(0), "zero"),
                numpy_helper.from_array(np.float32(2), "two"),
            ],
        )
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        metadata = ModelMetadata(
            class_names=("red", "green", "blue"),
            palette_rgb=((200, 10, 20), (30, 210, 40), (50, 60, 220)),
        )
        helper.set_model_props(model, metadata.to_props())
        return model.SerializeToString()

    return make
