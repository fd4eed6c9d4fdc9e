from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ppmobileseg_deploy.errors import ModelError, ParityError
from ppmobileseg_deploy.exporters import ExportReport
from ppmobileseg_deploy.exporters.comparison import compare, synthetic_images


def with_other_first_bias(model: onnx.ModelProto) -> bytes:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    convolution = next(node for node in changed.graph.node if node.op_type == "Conv")
    for tensor in changed.graph.initializer:
        if tensor.name == convolution.input[2]:
            values = onnx.numpy_helper.to_array(tensor) + 1
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return changed.SerializeToString()


def test_a_file_equals_itself(
    demo_export: ExportReport, drawn_images: tuple[np.ndarray, ...]
) -> None:
    content = demo_export.path.read_bytes()
    comparison = compare("copy", demo_export.path, content, drawn_images, 1.0)
    assert (comparison.equal_labels, comparison.least_equal_labels) == (1.0, 1.0)
    assert comparison.images == len(drawn_images)


def test_other_labels_are_refused_and_counted(
    demo_export: ExportReport,
    demo_model: onnx.ModelProto,
    drawn_images: tuple[np.ndarray, ...],
) -> None:
    changed = with_other_first_bias(demo_model)
    with pytest.raises(ParityError, match=r"at least 99\.0000% .* unchanged by a change, found"):
        compare("a change", demo_export.path, changed, drawn_images, 0.99)
    counted = compare("a change", demo_export.path, changed, drawn_images, 0)
    assert 0 < counted.least_equal_labels < counted.equal_labels < 0.99


def test_files_that_cannot_be_compared(demo_export: ExportReport, tmp_path: Path) -> None:
    with pytest.raises(ParityError, match="cannot load the file"):
        compare("damage", demo_export.path, b"no model", synthetic_images(None), 1)
    foreign = onnx.load(demo_export.path)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match="without its metadata"):
        compare("foreign", demo_export.path, tmp_path / "foreign.onnx", [], 1)


def test_synthetic_images_differ_and_have_the_size_asked_for() -> None:
    some = list(synthetic_images(None))
    assert len({image.shape for image in some}) == len(some)
    fixed = list(synthetic_images((40, 50)))
    assert {(image.shape, image.dtype.name) for image in fixed} == {((40, 50, 3), "uint8")}
    assert len({image.tobytes() for image in fixed}) == len(fixed)


def test_labels_of_another_size_are_no_match(
    demo_model: onnx.ModelProto, drawn_images: tuple[np.ndarray, ...]
) -> None:
    cropped = onnx.ModelProto()
    cropped.CopyFrom(demo_model)
    for node in cropped.graph.node:
        for index, name in enumerate(node.output):
            if name == "output":
                node.output[index] = "whole"
    for name, value in (("start", 1), ("end", 1 << 31), ("axis", 2)):
        cropped.graph.initializer.append(numpy_helper.from_array(np.array([value]), name))
    cropped.graph.node.append(
        helper.make_node("Slice", ["whole", "start", "end", "axis"], ["output"])
    )
    first, second = demo_model.SerializeToString(), cropped.SerializeToString()
    with pytest.raises(ParityError, match=r"labels of \(1, 1, 200, 300\) from a crop, found"):
        compare("a crop", first, second, drawn_images, 0.5)
