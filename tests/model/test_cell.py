"""Labels by cell are those of upsampling everything, on fields of every kind."""

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ppmobileseg_deploy.model.cell import labels_cell, narrow_labels_cell
from ppmobileseg_deploy.model.upsampling import labels_image, labels_off

LAYOUTS = np.load(Path(__file__).parents[1] / "data" / "ade20k_layouts_64.npz")["labels"]
"""30 ADE20K annotations, 64x64: 0 is other, 255 padding."""

CLASSES = 150


@dataclass(frozen=True)
class Difference:
    """How labels by cell differ from the reference on one field of logits."""

    pixels: int
    differing: int
    largest_gap: float


def random(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def smooth(seed: int, classes: int, h: int, w: int, blur: int = 4) -> Tensor:
    coarse = random(seed, 1, classes, h // blur + 2, w // blur + 2)
    return F.interpolate(coarse, (h, w), mode="bicubic", align_corners=False)


def present(seed: int, count: int, h: int, w: int) -> Tensor:
    """Smooth regions of ``count`` classes over a floor of smooth noise."""
    logits = smooth(seed, CLASSES, h, w)
    ids = torch.randperm(CLASSES, generator=torch.Generator().manual_seed(seed))[:count]
    logits[:, ids] += 8 + 3 * smooth(seed + 1, count, h, w, 3)
    return logits


def layout(index: int, h: int, w: int, noise: float) -> Tensor:
    """Logits as a network may give them for a photograph with this annotation."""
    labels = torch.from_numpy(LAYOUTS[index].astype(np.int64)) % 255
    one_hot = F.one_hot(labels, CLASSES + 1)[:, :, :CLASSES].permute(2, 0, 1).float()
    soft = F.adaptive_avg_pool2d(one_hot, (h, w)).unsqueeze(0)
    soft = F.avg_pool2d(soft, 3, stride=1, padding=1, count_include_pad=False)
    return 6 * soft + noise * smooth(index, CLASSES, h, w)


def near_ties(seed: int, h: int, w: int) -> Tensor:
    """Two classes that differ by half a percent of the range, above all others."""
    logits = smooth(seed, CLASSES, h, w)
    logits[:, 70] = logits[:, 20] = 9 + smooth(seed + 1, 1, h, w)[0, 0]
    logits[:, 70] += 0.1 * random(seed + 2, h, w)
    return logits


def between(seed: int, h: int, w: int) -> Tensor:
    """Class 0 is second best at every grid point, and the best between most of them."""
    logits = torch.full((1, CLASSES, h, w), -9.0)
    best = torch.arange(h * w).reshape(1, 1, h, w) % (CLASSES - 1) + 1
    logits.scatter_(1, best, 1.0 + 0.01 * random(seed, 1, 1, h, w))
    logits[:, 0] = 0.9
    return logits


def integers(seed: int, h: int, w: int) -> Tensor:
    return random(seed, 1, CLASSES, h, w).round()


SIZES = [(1, 1), (1, 2), (2, 1), (1, 9), (7, 1), (2, 2), (3, 5), (8, 8), (9, 11), (16, 3)]

FAMILIES: dict[str, Callable[[], Iterator[Tensor]]] = {
    "any size": lambda: (random(i, 1, CLASSES, *hw) for i, hw in enumerate(SIZES)),
    "any size, smooth": lambda: (smooth(i, CLASSES, *hw) for i, hw in enumerate(SIZES)),
    "5 classes present": lambda: (present(i, 5, 10, 9) for i in range(20)),
    "15 classes present": lambda: (present(i, 15, 9, 11) for i in range(15)),
    "all classes present": lambda: (present(i, CLASSES, 10, 10) for i in range(6)),
    "layouts, little noise": lambda: (layout(i, 9, 9, 0.3) for i in range(30)),
    "layouts, much noise": lambda: (layout(i, 10, 11, 1.5) for i in range(0, 30, 2)),
    "layouts, full size": lambda: (layout(i, 32, 32, 1.0) for i in (12,)),
    "noise": lambda: (random(i, 1, CLASSES, 6, 7) for i in range(8)),
    "near ties": lambda: (near_ties(i, 8, 8) for i in range(8)),
    "between": lambda: (between(i, 9, 10) for i in range(4)),
    "integers": lambda: (integers(i, 8, 8) for i in range(6)),
    "constant": lambda: iter([torch.zeros(1, CLASSES, 5, 4), torch.full((1, 150, 1, 3), -2.5)]),
    "one class": lambda: (F.one_hot(torch.full((1, 6, 4), i), CLASSES).movedim(3, 1).float()
                          for i in (0, 77, 149)),
    "few classes": lambda: (random(n, 2, n, 9, 7) for n in (1, 2, 3, 8, 9, 10, 16, 17, 18)),
    "many classes": lambda: (random(n, 1, n, 4, 5) for n in (255, 256, 257)),
    "batch of 3": lambda: (torch.cat([layout(i, 8, 9, 1.0), random(i, 1, CLASSES, 8, 9),
                                      torch.zeros(1, CLASSES, 8, 9)]) for i in range(3)),
    "offset": lambda: (layout(i, 10, 10, 1.0) - 150 for i in range(4)),
    "golden scale": lambda: (40 * layout(i, 10, 10, 1.0) for i in range(4)),
}  # fmt: skip


def compare(logits: Tensor, labels: Tensor, factor: int) -> Difference:
    size_hw = (logits.shape[2] * factor, logits.shape[3] * factor)
    expected = labels_off(logits, size_hw)
    assert labels.shape == expected.shape
    assert labels.dtype == torch.int64
    differs = labels != expected
    gap = 0.0
    if differs.any():
        exact = F.interpolate(logits.double(), size_hw, mode="bilinear", align_corners=False)
        gaps = exact.gather(1, expected) - exact.gather(1, labels)
        gap = float(gaps[differs].abs().max() / (logits.max() - logits.min()))
    return Difference(labels.numel(), int(differs.sum()), gap)


@pytest.fixture(scope="module")
def differences() -> dict[tuple[str, int], list[Difference]]:
    return {
        (name, stride): [
            compare(logits, labels_cell(logits, stride), stride) for logits in fields()
        ]
        for name, fields in FAMILIES.items()
        for stride in (8, 16)
    }


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("family", FAMILIES)
def test_labels_differ_only_where_two_classes_are_equal(
    family: str, stride: int, differences: dict[tuple[str, int], list[Difference]]
) -> None:
    for index, difference in enumerate(differences[family, stride]):
        assert difference.largest_gap <= 1e-5, f"field {index}: {difference}"


def test_fewer_than_one_label_in_a_million_differs(
    differences: dict[tuple[str, int], list[Difference]],
) -> None:
    every = [difference for of_family in differences.values() for difference in of_family]

    assert len(every) >= 300
    assert sum(d.differing for d in every) < 1e-6 * sum(d.pixels for d in every)


def test_ties_go_to_the_lower_id() -> None:
    logits = smooth(0, CLASSES // 2, 9, 12, 2)
    twins = torch.cat([logits, logits.flip(1)], 1)

    # `labels_off` is no reference here: PyTorch rounds some channels differently from others.
    assert (labels_cell(twins, 8) < CLASSES // 2).all()


def test_of_two_classes_the_lower_id_wins_a_tie() -> None:
    logits = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).reshape(1, 2, 1, 2)  # equal at 3/4

    for either_way in (logits, logits.flip(1)):
        tied = labels_cell(either_way, 2)[0, 0, 0, 2]
        assert tied == 0


@pytest.mark.parametrize("other", [0, 1, 2])
def test_of_three_classes_the_lower_of_two_equal_ids_wins(other: int) -> None:
    logits = torch.full((1, 6, 2, 2), -9.0)
    logits[:, :3] = 1.0
    logits[:, other] = torch.tensor([[4.0, -4.0], [-4.0, -4.0]])

    found = labels_cell(logits, 8).unique().tolist()

    assert found == sorted([other, 1 if other == 0 else 0])


@pytest.mark.parametrize("classes, dtype", [(2, torch.uint8), (256, torch.uint8),
                                            (257, torch.int32)])  # fmt: skip
@pytest.mark.parametrize("size_hw", [(1, 1), (20, 35), (19, 1), (13, 34)])
def test_part_of_the_labels(size_hw: tuple[int, int], classes: int, dtype: torch.dtype) -> None:
    logits = smooth(classes, classes, 4, 7)
    height, width = size_hw

    part = narrow_labels_cell(logits, 5, size_hw)

    assert part.dtype == dtype
    assert torch.equal(part.long(), labels_cell(logits, 5)[:, :, :height, :width])


@pytest.mark.parametrize("factor", [1, 2, 3, 5, 7, 12, 17, 34, 63, 64])
def test_any_factor(factor: int) -> None:
    logits = layout(7, 6, 8, 1.0)

    difference = compare(logits, labels_cell(logits, factor), factor)

    assert difference.largest_gap <= 1e-5
    assert difference.differing <= 1


def test_finds_classes_that_win_only_between_grid_points() -> None:
    logits = between(0, 9, 10)

    assert (labels_cell(logits, 8) == 0).float().mean() > 0.5
    assert not (labels_image(logits, (72, 80)) == 0).any()


class Head(nn.Module):
    def forward(self, logits: Tensor, factor: Tensor) -> Tensor:
        return labels_cell(logits, factor)


class FixedHead(nn.Module):
    def forward(self, logits: Tensor) -> Tensor:
        return labels_cell(logits, 16)


def export(module: nn.Module, *extra: Tensor, classes: int = CLASSES) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about constants and its own age
        torch.onnx.export(
            module,
            (torch.zeros(2, classes, 5, 6), *extra),
            buffer,
            dynamo=False,
            opset_version=17,
            input_names=["logits", "factor"][: 1 + len(extra)],
            output_names=["labels"],
            dynamic_axes={
                "logits": {0: "batch", 2: "h", 3: "w"},
                "labels": {0: "batch", 2: "height", 3: "width"},
            },
        )
    return onnx.load_model_from_string(buffer.getvalue())


@pytest.fixture(scope="module")
def optional_factor() -> onnx.ModelProto:
    """A file in which the factor is an optional input, 16 by default."""
    model = export(Head(), torch.tensor(8))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(16, np.int64), "factor"))
    return model


@pytest.fixture(scope="module")
def fixed_factor() -> onnx.ModelProto:
    return export(FixedHead())


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # it warns of the optional input
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


@pytest.fixture(scope="module")
def sessions(
    optional_factor: onnx.ModelProto, fixed_factor: onnx.ModelProto
) -> dict[str, ort.InferenceSession]:
    return {"optional": session(optional_factor), "fixed": session(fixed_factor)}


@pytest.mark.parametrize("form", ["optional", "fixed"])
@pytest.mark.parametrize(
    "family",
    ["any size", "all classes present", "layouts, full size", "constant", "one class",
     "batch of 3"],
)  # fmt: skip
def test_exported_labels(
    form: str, family: str, sessions: dict[str, ort.InferenceSession]
) -> None:
    for logits in FAMILIES[family]():
        (labels,) = sessions[form].run(None, {"logits": logits.numpy()})

        difference = compare(logits, torch.from_numpy(labels), 16)

        assert difference.largest_gap <= 1e-5
        assert difference.differing <= 1


@pytest.mark.parametrize("factor", [1, 3, 8, 34])
def test_factor_can_be_fed(factor: int, sessions: dict[str, ort.InferenceSession]) -> None:
    logits = layout(4, 6, 8, 1.0)
    feeds = {"logits": logits.numpy(), "factor": np.array(factor)}

    (labels,) = sessions["optional"].run(None, feeds)

    assert compare(logits, torch.from_numpy(labels), factor).differing <= 1


@pytest.mark.parametrize("classes", [1, 2, 5, 12, 300])
def test_exports_with_any_number_of_classes(classes: int) -> None:
    logits = torch.cat([random(classes, 1, classes, 4, 5), torch.ones(1, classes, 4, 5)])

    (labels,) = session(export(FixedHead(), classes=classes)).run(None, {"logits": logits.numpy()})

    assert compare(logits, torch.from_numpy(labels), 16).differing <= 1


def test_graph_is_plain(optional_factor: onnx.ModelProto, fixed_factor: onnx.ModelProto) -> None:
    for model in (optional_factor, fixed_factor):
        onnx.checker.check_model(model, full_check=True)
        operators = {node.op_type for node in model.graph.node}
        assert not operators & {"If", "Loop", "Scan", "SequenceConstruct"}
        # Not in ONNX Runtime 1.15.1 for int64.
        assert "ArgMin" not in operators
        assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
