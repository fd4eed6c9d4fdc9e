from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from ppmobileseg_deploy.errors import ExportError, UsageError
from ppmobileseg_deploy.exporters import ExportOptions, ExportReport, export_onnx, ort_format
from ppmobileseg_deploy.exporters.ort_format import convert_to_ort


def test_ort_file_keeps_everything_and_gives_the_same_labels(
    demo_export: ExportReport,
    drawn_images: tuple[np.ndarray, ...],
    normalized: Callable[..., np.ndarray],
    labels_of: Callable[..., np.ndarray],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of all that lies in the current folder, nothing is imported.
    (tmp_path / "onnxruntime.py").write_text("raise SystemExit('not meant')")
    monkeypatch.chdir(tmp_path)
    report = convert_to_ort(demo_export.path, tmp_path / "phone" / "model.ort")
    assert capfd.readouterr() == ("", "")
    assert sorted(p.name for p in (tmp_path / "phone").iterdir()) == [
        "model.ort",
        "model.required_operators.config",
    ]
    assert report.comparison.equal_labels == 1
    assert report.size_bytes == report.path.stat().st_size
    options = ort.SessionOptions()
    options.log_severity_level = 3
    first, second = (
        ort.InferenceSession(path, options) for path in (demo_export.path, report.path)
    )
    props = second.get_modelmeta().custom_metadata_map
    assert props == first.get_modelmeta().custom_metadata_map == demo_export.metadata.to_props()
    for described in ("get_inputs", "get_outputs", "get_overridable_initializers"):
        found, expected = (
            [(each.name, each.type, each.shape) for each in getattr(session, described)()]
            for session in (second, first)
        )
        assert found == expected
    image = normalized(drawn_images[0])
    assert (labels_of(report.path, image) == labels_of(demo_export.path, image)).mean() >= 0.999


def test_the_list_of_operators_names_what_a_build_needs(
    demo_export: ExportReport, tmp_path: Path
) -> None:
    report = convert_to_ort(demo_export.path, tmp_path / "model.ort")
    header, *lines = report.config.read_text().splitlines()
    assert header == "# Generated from model.ort"
    operators = {name for line in lines for name in line.split(";")[2].split(",")}
    assert {"Conv", "ArgMax", "TopK", "FusedConv"} <= operators
    assert str(tmp_path) not in report.config.read_text()


def test_static_byte_files_are_converted_too(demo_checkpoint: Path, tmp_path: Path) -> None:
    options = ExportOptions(shape_hw=(64, 96), embed_preprocessing="rgb")
    exported = export_onnx(demo_checkpoint, tmp_path / "s.onnx", options, verify=False)
    report = convert_to_ort(exported.path)
    assert report.path == tmp_path / "s.ort"
    assert report.comparison.equal_labels >= 0.999


def test_fp16_is_refused_since_nothing_would_be_won(demo_checkpoint: Path, tmp_path: Path) -> None:
    options = ExportOptions(precision="fp16", shape_hw=(32, 32))
    exported = export_onnx(demo_checkpoint, tmp_path / "m.onnx", options, verify=False)
    with pytest.raises(UsageError, match="expected a model in fp32 or int8, found fp16"):
        convert_to_ort(exported.path)


def test_files_that_are_no_exported_model(demo_export: ExportReport, tmp_path: Path) -> None:
    damaged, foreign = tmp_path / "damaged.onnx", tmp_path / "foreign.onnx"
    damaged.write_bytes(b"\xff" * 100)
    model = onnx.load(demo_export.path)
    del model.metadata_props[:]
    onnx.save(model, foreign)
    for path, message in [
        (damaged, "expected an ONNX file"),
        (tmp_path / "nowhere.onnx", "expected an ONNX file"),
        (foreign, "found no metadata"),
    ]:
        with pytest.raises(UsageError, match=message):
            convert_to_ort(path)
    with pytest.raises(UsageError, match=r"ends in \.ort"):
        convert_to_ort(demo_export.path, tmp_path / "model.onnx")


def test_a_failing_tool_is_one_line_and_leaves_nothing(
    demo_export: ExportReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort_format.sys, "executable", "/bin/false")
    with pytest.raises(ExportError, match="cannot convert the model to ORT format: no message"):
        convert_to_ort(demo_export.path, tmp_path / "model.ort")
    assert not list(tmp_path.iterdir())
