import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto

from ppmobileseg_deploy.errors import DeviceError, ModelError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.execution import Execution
from ppmobileseg_deploy.runtime.inference.session import MetadataWarning, open_session

MakeModel = Callable[..., Path]


def _tensor(height: int = 4, width: int = 6) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(size=(1, 3, height, width)).astype(np.float32)


@pytest.mark.parametrize("as_type", [Path, str, lambda path: path.read_bytes()])
def test_a_model_is_a_path_or_its_content(
    as_type: Callable[[Path], str | Path | bytes], rgb_model: Path, rgb_metadata: ModelMetadata
) -> None:
    session = open_session(as_type(rgb_model))
    assert session.interface.metadata == rgb_metadata
    assert (session.interface.output.kind, session.interface.static_size_hw, session.device) == (
        "labels",
        None,
        "cpu",
    )
    tensor = _tensor()
    assert np.array_equal(session.run(tensor), tensor.argmax(axis=1))


@pytest.mark.parametrize(
    "label_type",
    [
        *(TensorProto.INT64, TensorProto.INT32, TensorProto.INT16, TensorProto.INT8),
        *(TensorProto.UINT64, TensorProto.UINT32, TensorProto.UINT16, TensorProto.UINT8),
    ],
)
@pytest.mark.parametrize("rank", [3, 4])
def test_labels_of_every_type_and_rank_are_planes(
    label_type: int, rank: int, make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    model = make_model(props=rgb_metadata.to_props(), label_type=label_type, rank=rank)
    tensor = _tensor()
    assert np.array_equal(open_session(model).run(tensor), tensor.argmax(axis=1))


def test_logits_files_give_logits(make_model: MakeModel, rgb_metadata: ModelMetadata) -> None:
    props = replace(rgb_metadata, output="logits").to_props()
    session = open_session(make_model(props=props, kind="logits"))
    tensor = _tensor()
    assert session.interface.output.kind == "logits"
    assert np.array_equal(session.run(tensor), tensor)


def test_a_static_file_says_its_size(make_model: MakeModel, rgb_metadata: ModelMetadata) -> None:
    model = make_model(props=rgb_metadata.to_props(), input_shape=(1, 3, 64, 96))
    assert open_session(model).interface.static_size_hw == (64, 96)


def test_without_metadata_ade20k_is_assumed_aloud(make_model: MakeModel) -> None:
    with pytest.warns(MetadataWarning, match=r"bare\.onnx carries no metadata.*ADE20K") as caught:
        session = open_session(make_model("bare.onnx"))
    assert session.interface.metadata == ModelMetadata()
    assert len(caught) == 1


def test_without_metadata_logits_of_other_classes_get_numbers(make_model: MakeModel) -> None:
    with pytest.warns(MetadataWarning, match="'class 0' to 'class 2'"):
        session = open_session(make_model(kind="logits"))
    assert session.interface.metadata.class_names == ("class 0", "class 1", "class 2")
    assert len(session.interface.metadata.palette_rgb) == 3
    assert session.interface.metadata.output == "logits"


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"ppms.mean_rgb": "many"}, "ppms.mean_rgb is malformed"),
        ({"ppms.class_names": '["one"]'}, "1 names and 3 colours"),
        (
            {"ppms.channel_order": "gbr"},
            "expected channel order rgb or bgr, its metadata say 'gbr'",
        ),
        ({"ppms.output": "logits"}, "its metadata say logits, its output is labels"),
    ],
)
def test_metadata_that_cannot_be_meant_are_an_error(
    props: dict[str, str], message: str, make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    model = make_model(props={**rgb_metadata.to_props(), **props})
    with pytest.raises(ModelError, match=message):
        open_session(model)


@pytest.mark.parametrize(
    ("lengths", "static_size_hw", "free_dimensions", "batchable"),
    [
        (("batch", "height", "width"), None, ("height", "width", "batch"), True),
        ((1, "height", "width"), None, ("height", "width"), False),
        (("batch", 64, 96), (64, 96), (), True),
        (("batch", "side", "side"), None, (), True),
    ],
)
@pytest.mark.parametrize("takes_bytes", [False, True])
def test_sizes_come_from_the_axes_of_the_layout(
    takes_bytes: bool,
    lengths: tuple[int | str, ...],
    static_size_hw: tuple[int, int] | None,
    free_dimensions: tuple[str, ...],
    batchable: bool,
    make_model: MakeModel,
    rgb_metadata: ModelMetadata,
) -> None:
    batch, *size = lengths
    model = make_model(
        props=rgb_metadata.to_props(),
        input_type=TensorProto.UINT8 if takes_bytes else TensorProto.FLOAT,
        input_shape=(batch, *size, 3) if takes_bytes else (batch, 3, *size),
    )
    interface = open_session(model).interface
    assert interface.takes_bytes == takes_bytes
    assert interface.static_size_hw == static_size_hw
    assert interface.free_dimensions == free_dimensions
    assert interface.batchable == batchable


def test_bytes_without_metadata_are_refused(make_model: MakeModel) -> None:
    model = make_model(
        "foreign.onnx", input_type=TensorProto.UINT8, input_shape=("b", "h", "w", 3)
    )
    with pytest.raises(ModelError, match=r"^foreign\.onnx takes bytes: expected metadata .*none$"):
        open_session(model)


def test_bytes_of_an_unknown_order_are_refused(
    make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    model = make_model(
        props=replace(rgb_metadata, channel_order="gbr").to_props(),
        input_type=TensorProto.UINT8,
        input_shape=("b", "h", "w", 3),
    )
    with pytest.raises(ModelError, match=r"expected channel order rgb or bgr, .* say 'gbr'"):
        open_session(model)


def test_metadata_must_name_every_class_of_the_logits(make_model: MakeModel) -> None:
    model = make_model(props=ModelMetadata(output="logits").to_props(), kind="logits")
    with pytest.raises(ModelError, match="metadata name 150 classes, its output has 3"):
        open_session(model)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"kind": "classifier"}, r"found output tensor\(float\) \['batch', 3\]"),
        ({"label_type": TensorProto.BOOL}, r"found output tensor\(bool\)"),
        ({"input_type": TensorProto.UINT8}, r"found input tensor\(uint8\) \['batch', 3, 'h"),
        (
            {"input_type": TensorProto.UINT8, "input_shape": ("batch", "height", "width", 1)},
            r"found .*, 1\]",
        ),
        ({"input_type": TensorProto.FLOAT16}, r"found input tensor\(float16\)"),
        ({"input_shape": ("batch", "height", "width", 3)}, r"found .*'width', 3\]"),
        ({"input_shape": ("batch", 1, "height", "width")}, r"found .*\['batch', 1, 'h"),
        ({"input_shape": (2, 3, "height", "width")}, r"found .*\[2, 3, 'h"),
        ({"input_shape": ("batch", 3, 512, "width")}, r"found .*\['batch', 3, 512, 'w"),
        ({"second_input": True}, r"found input .*, other tensor\(float\) \[1\]"),
    ],
)
def test_what_is_no_segmentation_model_is_named(
    options: dict[str, Any], found: str, make_model: MakeModel
) -> None:
    model = make_model("strange.onnx", **options)
    with pytest.raises(ModelError, match=rf"strange\.onnx is no segmentation model: .*{found}"):
        open_session(model)


def test_output_of_another_size_is_noticed(
    make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    session = open_session(make_model(kind="half-size labels", props=rgb_metadata.to_props()))
    with pytest.raises(
        ModelError, match=r"expected labels .*\(1, 1, 4, 6\), found \(1, 1, 2, 3\)"
    ):
        session.run(_tensor())


def test_a_model_that_fails_while_running_says_so_in_one_line(
    make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    model = make_model(props=rgb_metadata.to_props(), input_shape=(1, 3, 64, 96))
    with pytest.raises(ModelError, match=r"model\.onnx failed: ") as caught:
        open_session(model).run(_tensor())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "found an empty one"),
        (b"plain text, no model at all", "expected a complete ONNX file"),
        ("cut", "expected a complete ONNX file"),
    ],
)
def test_files_that_cannot_be_loaded_are_named(
    content: bytes | str | None,
    message: str,
    rgb_model: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = rgb_model.with_name("broken.onnx")
    if content == "cut":
        content = rgb_model.read_bytes()[:150]
    if isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"cannot load .*broken\.onnx: .*{message}") as caught:
        open_session(path)
    assert "\n" not in str(caught.value)
    assert "ONNXRuntimeError" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".pth", ".PT", ".pdparams"])
def test_a_checkpoint_has_to_be_exported_first(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"tiny{suffix}"
    path.write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"found a training checkpoint: .*`ppms-export .*tiny"):
        open_session(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_names_of_files_stay_on_their_line(rgb_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a\nb.onnx"
    for content in (None, b"", b"plain text"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelError, match=r"cannot load .*a\\nb\.onnx: ") as caught:
            open_session(path)
        assert "\n" not in str(caught.value)
    path.write_bytes(rgb_model.read_bytes())
    session = open_session(path)
    assert (session.source, session.model_file) == (r"a\nb.onnx", "a\nb.onnx")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found a folder"):
        open_session(tmp_path)


def test_a_provider_that_does_not_start_is_no_silent_fall_back(
    rgb_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnCpuAfterAll(ort.InferenceSession):
        def __init__(self, model: str, options: ort.SessionOptions, **_: object) -> None:
            super().__init__(model, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(
        ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(ort, "InferenceSession", OnCpuAfterAll)
    with pytest.raises(DeviceError, match="is installed, but does not start here"):
        open_session(rgb_model, Execution.of("cuda"))


def test_a_static_size_without_end_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(ModelError, match="expected an input of 1x1 to 8192x8192, found 8x100000"):
        open_session(make_model(input_shape=(1, 3, 8, 100_000)))
