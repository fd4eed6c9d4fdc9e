"""Golden files hold what the file takes and gives, and say so."""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.exporters import ExportOptions, ExportReport, export_onnx, write_golden
from ppmobileseg_deploy.exporters import golden as module


def numbers(folder: Path, entry: dict[str, Any]) -> NDArray[Any]:
    """Read raw numbers as another language would."""
    content = (folder / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    return np.frombuffer(content, np.dtype(entry["dtype"]).newbyteorder("<")).reshape(
        entry["shape"]
    )


@pytest.mark.parametrize(
    "options",
    [
        ExportOptions(),
        ExportOptions(embed_preprocessing="rgba", label_dtype="uint8", logits_output=False),
        ExportOptions(coarse_logits=True, shape_hw=(128, 192)),
    ],
    ids=lambda options: options.output + str(options.embed_preprocessing),
)
def test_the_tensor_gives_the_answers(
    options: ExportOptions, demo_checkpoint: Path, tmp_path: Path
) -> None:
    report = export_onnx(demo_checkpoint, tmp_path / "net.onnx", options, verify=False)
    manifest = write_golden(report.path, tmp_path / "new" / "golden")
    folder, found = manifest.parent, json.loads(manifest.read_text("utf-8"))
    assert found["model"] == {"file": "net.onnx", "sha256": report.sha256}
    session = ort.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    tensor = numbers(folder, found["tensor"])
    assert (
        list(tensor.shape[1:3] if options.embed_preprocessing else tensor.shape[2:])
        >= (found["tensor"]["resized_hw"])
    )
    answers = session.run(None, {found["tensor"]["name"]: tensor})
    assert [each["name"] for each in found["outputs"]] == [e.name for e in session.get_outputs()]
    for entry, answer in zip(found["outputs"], answers, strict=True):
        assert entry["content"] == "values"
        stored = numbers(folder, entry)
        assert stored.dtype == answer.dtype
        if stored.dtype == np.float32:
            np.testing.assert_allclose(stored, answer, atol=1e-3)
        else:
            assert (stored == answer).mean() > 0.999

    picture = cv2.imread(str(folder / "input.png"))
    labels = cv2.imread(str(folder / "labels.png"), cv2.IMREAD_UNCHANGED)
    assert labels.dtype == np.uint8
    assert list(labels.shape) == found["labels"]["size_hw"] == found["picture"]["size_hw"]
    assert (labels == OrtSegmenter(report.path)(picture).labels).mean() > 0.999
    assert len(np.unique(labels)) > 3  # one class alone would prove little


def test_large_logits_are_kept_as_their_classes(
    demo_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES_STORED", 1000)
    options = ExportOptions(logits=True, shape_hw=(64, 96))
    report = export_onnx(demo_checkpoint, tmp_path / "net.onnx", options, verify=False)
    manifest = write_golden(report.path, tmp_path)
    found = json.loads(manifest.read_text("utf-8"))
    (entry,) = found["outputs"]
    assert (entry["content"], entry["dtype"], entry["shape"]) == (
        "argmax",
        "uint8",
        [1, 1, 64, 96],
    )
    session = ort.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": numbers(tmp_path, found["tensor"])})
    assert (logits.argmax(1, keepdims=True) == numbers(tmp_path, entry)).mean() > 0.999


def test_they_are_the_same_again(demo_export: ExportReport, tmp_path: Path) -> None:
    first, second = (
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (
            write_golden(demo_export.path, tmp_path / name).parent for name in ("a", "b")
        )
    )
    assert first == second
    assert set(first) == {
        "golden.json", "input.png", "tensor.bin", "output.bin", "logits.bin", "labels.png"
    }  # fmt: skip


def test_a_file_is_no_folder(demo_export: ExportReport, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is no folder"):
        write_golden(demo_export.path, tmp_path / "file")
