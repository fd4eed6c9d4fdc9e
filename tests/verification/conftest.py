"""The demo checkpoint, its exported file, and copies of it with planted mistakes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from ppmobileseg_deploy.exporters import export_onnx

CHECKPOINT = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"


@pytest.fixture(scope="session")
def checkpoint() -> str:
    return str(CHECKPOINT)


@pytest.fixture(scope="session")
def exported(exported_demo) -> str:
    return str(exported_demo())


@pytest.fixture(scope="session")
def exported_logits(exported_demo) -> str:
    return str(exported_demo(logits=True))


@pytest.fixture
def with_activation_swapped(exported, tmp_path) -> Callable[[str], str]:
    """``with_activation_swapped(node_name)``: HardSwish becomes Relu, and the other way round."""

    def plant(name: str) -> str:
        model = onnx.load(exported)
        (node,) = (node for node in model.graph.node if node.name == name)
        node.op_type = {"HardSwish": "Relu", "Relu": "HardSwish"}[node.op_type]
        path = tmp_path / "swapped.onnx"
        onnx.save(model, path)
        return str(path)

    return plant


@pytest.fixture
def without_batch_norm(tmp_path) -> Callable[[str], str]:
    """``without_batch_norm(module)``: an export in which that batch norm does nothing."""

    def plant(module: str) -> str:
        content = torch.load(CHECKPOINT, weights_only=True)
        weights = content["state_dict"]
        for key, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            weights[f"{module}.{key}"].fill_(value)
        damaged = tmp_path / "damaged.pth"
        torch.save(content, damaged)
        return str(export_onnx(damaged, tmp_path / "damaged.onnx", verify=False).path)

    return plant


@pytest.fixture
def with_channels_swapped(exported, tmp_path) -> str:
    """A file whose first convolution takes blue for red."""
    model = onnx.load(exported)
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    weights = next(each for each in model.graph.initializer if each.name == first.input[1])
    swapped = np.ascontiguousarray(onnx.numpy_helper.to_array(weights)[:, ::-1])
    weights.CopyFrom(onnx.numpy_helper.from_array(swapped, weights.name))
    path = tmp_path / "bgr.onnx"
    onnx.save(model, path)
    return str(path)
