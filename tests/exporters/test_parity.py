"""A file that computes something else is refused, wherever the mistake is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import onnx
import pytest
import torch

from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.errors import ExportError, ParityError
from ppmobileseg_deploy.exporters import ExportOptions, export, export_onnx, wrapper
from ppmobileseg_deploy.model import cell
from ppmobileseg_deploy.model.cell import _corner_weights as cell_weights

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


def _flip_weights(factor: torch.Tensor) -> torch.Tensor:
    return cell_weights(factor).flip(0)


def _first_winner(
    points: torch.Tensor, corners: torch.Tensor, winners: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    return winners[:, :1].to(torch.uint8).expand(-1, weights.shape[1])


def _nearest(logits: torch.Tensor, size_hw: Sequence[int]) -> torch.Tensor:
    winners = logits.argmax(1, keepdim=True).float()
    return torch.nn.functional.interpolate(winners, tuple(size_hw)).long()


def _nearest_logits(logits: torch.Tensor, size_hw: Sequence[int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(logits, tuple(size_hw))


@pytest.mark.parametrize(
    ("where", "name", "mistake", "options"),
    [
        (cell, "_corner_weights", _flip_weights, ExportOptions()),
        (cell, "_best_of_two", _first_winner, ExportOptions()),
        (wrapper, "labels_off", _nearest, ExportOptions(vim="off")),
        (wrapper, "labels_image", _nearest, ExportOptions(vim="image")),
        (wrapper, "upsample_logits", _nearest_logits, ExportOptions(logits=True)),
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


def test_a_mistake_that_only_finer_labels_show_is_refused(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapper, "_ceil_div", lambda value, divisor: value // divisor)
    with pytest.raises(ParityError, match="expected an output of int64"):
        export_onnx(make_checkpoint("tiny", 19), tmp_path / "model.onnx")


def test_a_graph_that_does_not_run_is_refused(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shorten(model: onnx.ModelProto) -> onnx.ModelProto:
        for node in model.graph.node:
            if node.op_type == "Gather":
                node.input[1] = model.graph.input[1].name  # an index far outside
                return model
        raise AssertionError("no gather in the graph")

    monkeypatch.setattr(export, "simplify", shorten)
    with pytest.raises((ParityError, ExportError)):
        export_onnx(make_checkpoint("tiny", 19), tmp_path / "model.onnx")
