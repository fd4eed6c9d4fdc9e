"""A file that computes something else is refused, wherever the mistake is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from ppmobileseg_deploy.agreement import ComparisonSession
from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.errors import ExportError, ParityError
from ppmobileseg_deploy.exporters import ExportOptions, export, export_onnx, trace
from ppmobileseg_deploy.exporters.rewrites import network
from ppmobileseg_deploy.model import cell
from ppmobileseg_deploy.model.axes import Axis, enlarged_axis

MakeCheckpoint = Callable[..., Checkpoint]


def test_a_graph_that_differs_is_refused_and_leaves_no_file(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sabotage(model: onnx.ModelProto) -> onnx.ModelProto:
        for node in model.graph.node:
            if node.op_type == "HardSwish":
                node.op_type = "Relu"  # the kind of mistake that costs accuracy in silence
                return model
        raise AssertionError("no hard-swish in the graph")

    monkeypatch.setattr(export, "simplify", sabotage)
    with pytest.raises(ParityError, match=r"expected logits within .* found a difference of"):
        export_onnx(make_checkpoint("tiny", 19), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def _flip_weights(*sizes: int) -> Axis:
    axis = enlarged_axis(*sizes)
    return replace(axis, weights=axis.weights.flip(2))


def _first_winner(points: torch.Tensor, cells: Any, dtype: torch.dtype) -> torch.Tensor:
    tile_wh = cells.across.shape[1], cells.down.shape[2]
    return cells.winners[:, :1, None].to(dtype).expand(-1, *tile_wh)


def _nearest(logits: torch.Tensor, size_hw: Sequence[int]) -> torch.Tensor:
    winners = logits.argmax(1, keepdim=True).float()
    return torch.nn.functional.interpolate(winners, tuple(size_hw)).long()


def _nearest_logits(logits: torch.Tensor, size_hw: Sequence[int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(logits, tuple(size_hw))


@pytest.mark.parametrize(
    ("where", "name", "mistake", "options"),
    [
        (cell, "enlarged_axis", _flip_weights, ExportOptions()),
        (cell, "_best_of_two", _first_winner, ExportOptions()),
        (trace, "labels_off", _nearest, ExportOptions(vim="off")),
        (trace, "labels_image", _nearest, ExportOptions(vim="image")),
        (trace, "upsample_logits", _nearest_logits, ExportOptions(logits=True)),
    ],
)
def test_a_mistake_in_the_upsampling_is_refused(
    where: ModuleType,
    name: str,
    mistake: object,
    options: ExportOptions,
    make_checkpoint: MakeCheckpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(where, name, mistake)
    with pytest.raises(ParityError, match="expected"):
        export_onnx(make_checkpoint("tiny", 19), tmp_path / "model.onnx", options)
    assert list(tmp_path.iterdir()) == []


def test_a_mean_that_loses_a_large_image_to_rounding_is_refused(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noise and small images do not show it: ONNX Runtime adds half a million equal numbers."""

    def pooled(self: network.LeanSqueezeExcitation, x: torch.Tensor) -> torch.Tensor:
        mean = torch.nn.functional.adaptive_avg_pool2d(x, 1)
        gate = self.excite(torch.relu(self.squeeze(mean)))
        return x * torch.nn.functional.hardsigmoid(gate)

    monkeypatch.setattr(network.LeanSqueezeExcitation, "forward", pooled)
    with pytest.raises(ParityError, match=r"without noise within .* times PyTorch's own error"):
        export_onnx(make_checkpoint("tiny", 19), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_logits_that_are_not_numbers_on_a_smooth_image_are_refused(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if those of the image that comes after it are right."""
    run = ComparisonSession.run

    def spoiled(
        self: ComparisonSession, names: Sequence[str], feeds: dict[str, Any]
    ) -> list[np.ndarray[Any, Any]]:
        found = run(self, names, feeds)
        if feeds["input"].shape[2:] == (512, 1024):
            found[0][0, 0, 0, 0] = np.nan
        return found

    monkeypatch.setattr(ComparisonSession, "run", spoiled)
    with pytest.raises(ParityError, match=r"without noise within .* found nan"):
        export_onnx(make_checkpoint("tiny", 19), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_does_not_run_is_refused(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shorten(model: onnx.ModelProto) -> onnx.ModelProto:
        for node in model.graph.node:
            if node.op_type == "Gather":
                node.input[1] = node.input[0]  # no index at all
                return model
        raise AssertionError("no gather in the graph")

    monkeypatch.setattr(export, "simplify", shorten)
    with pytest.raises((ParityError, ExportError)):
        export_onnx(make_checkpoint("tiny", 19), tmp_path / "model.onnx")
