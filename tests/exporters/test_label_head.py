"""The package holds the heads that the code builds, and the one for other programs agrees."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from ppmobileseg_deploy.agreement import smooth_logits
from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.exporters.label_head import export_label_head, main
from ppmobileseg_deploy.model.cell import MIN_CLASSES
from ppmobileseg_deploy.runtime.inference import label_head
from ppmobileseg_deploy.runtime.inference.label_head import LabelHead
from ppmobileseg_deploy.runtime.inference.sampling import resized_axis

HEADS = ["confidence.onnx", "labels_int32.onnx", "labels_uint8.onnx", "maximum.onnx"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heads")
    main([str(folder)])
    return folder


def test_all_heads_are_built(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == HEADS


@pytest.mark.parametrize("name", HEADS)
def test_the_package_holds_what_the_code_builds(name: str, built: Path) -> None:
    shipped = files("ppmobileseg_deploy.runtime.inference") / "heads" / name

    assert shipped.read_bytes() == (built / name).read_bytes()


@pytest.mark.parametrize("name", HEADS)
def test_old_runtimes_can_read_them(name: str, built: Path) -> None:
    model = onnx.load_model(built / name)

    assert model.ir_version == 8
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]


def test_the_runtime_gives_the_heads_as_many_classes_as_they_rank() -> None:
    assert label_head.MIN_CLASSES == MIN_CLASSES


@pytest.mark.parametrize("classes, dtype", [(2, np.uint8), (150, np.uint8), (300, np.int32)])
@pytest.mark.parametrize("stride", [8, 16])
def test_a_head_of_sizes_gives_the_runtime_s_labels(
    stride: int, classes: int, dtype: type, tmp_path: Path
) -> None:
    export_label_head(tmp_path / "labels.onnx", classes, stride)
    session = ort.InferenceSession(tmp_path / "labels.onnx")
    padded_hw = 8 * stride, 10 * stride
    resized_hw = padded_hw[0] - 5, padded_hw[1]
    logits = np.concatenate([smooth_logits(2, (8, 10), classes, seed) for seed in (0, 1)])
    for size_hw in [(1, 1), (47, 31), padded_hw, (301, 222)]:
        sizes = zip((8, 10), padded_hw, resized_hw, size_hw, strict=True)
        rows, columns = (resized_axis(*each) for each in sizes)

        (labels,) = session.run(
            None,
            {
                "logits": logits,
                "resized_hw": np.array(resized_hw),
                "size_hw": np.array(size_hw),
            },
        )

        assert labels.dtype == dtype
        assert labels.shape == (2, 1, *size_hw)
        for each, found in zip(logits, labels[:, 0], strict=True):
            expected = LabelHead(classes).labels(each, rows, columns)
            assert (found != expected).sum() <= 1


def test_a_head_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OutputError, match="cannot write"):
        export_label_head(tmp_path / "file" / "labels.onnx", 2, 16)
