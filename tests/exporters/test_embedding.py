from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx
from ppmobileseg_deploy.exporters.embedding import embed_preprocessing
from ppmobileseg_deploy.exporters.options import ByteOrder
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.preprocessing import Preprocessing


def shape(value: onnx.ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


ORDERS = ["bgr", "rgb", "bgra", "rgba"]


def pixels_in(order: ByteOrder, image_bgr: np.ndarray) -> np.ndarray:
    """Bytes as a caller has them; the fourth one is noise."""
    image = image_bgr if order.startswith("bgr") else image_bgr[..., ::-1]
    if len(order) == 4:
        alpha = np.random.default_rng(0).integers(0, 256, (*image.shape[:2], 1), np.uint8)
        image = np.concatenate([image, alpha], axis=2)
    return np.ascontiguousarray(image)


@pytest.mark.parametrize("order", ORDERS)
def test_bytes_give_the_labels_of_normalised_numbers(
    order: ByteOrder,
    demo_model: onnx.ModelProto,
    drawn_images: tuple[np.ndarray, ...],
    normalized: Callable[..., np.ndarray],
    labels_of: Callable[..., np.ndarray],
) -> None:
    embedded = embed_preprocessing(demo_model, ModelMetadata(), order)
    onnx.checker.check_model(embedded, full_check=True)
    for image_bgr in drawn_images:
        image_bgr = np.ascontiguousarray(image_bgr[:150, :211])
        pixels = pixels_in(order, image_bgr)
        np.testing.assert_array_equal(
            labels_of(embedded, pixels[None]), labels_of(demo_model, normalized(image_bgr))
        )
        swapped = pixels_in(order, np.ascontiguousarray(image_bgr[..., ::-1]))[None]
        assert (labels_of(embedded, swapped) != labels_of(embedded, pixels[None])).any()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("trained_on", ["bgr", "rgb"])
def test_the_normalised_numbers_are_the_runtimes_to_the_last_bit(
    trained_on: ByteOrder, order: ByteOrder, demo_model: onnx.ModelProto
) -> None:
    # int8 files make 1 % other labels of the last bit.
    metadata = ModelMetadata(channel_order=trained_on)
    embedded = embed_preprocessing(demo_model, metadata, order)
    embedded.graph.output.append(onnx.ValueInfoProto(name="normalized"))
    session = ort.InferenceSession(embedded.SerializeToString())
    pixels = np.random.default_rng(0).permutation(np.arange(3 * 64 * 64) % 256)
    image_bgr = pixels.reshape(64, 64, 3).astype(np.uint8)
    given = pixels_in(order, image_bgr)
    (found,) = session.run(["normalized"], {"input": given[None]})
    prepare = Preprocessing.from_metadata(metadata, input_size_hw=(64, 64))
    np.testing.assert_array_equal(found, prepare(image_bgr).tensor)


@pytest.mark.usefixtures("small_smooth_images")
@pytest.mark.parametrize(
    ("options", "input_shape"),
    [
        (ExportOptions(embed_preprocessing="bgr"), ["batch", "height", "width", 3]),
        (ExportOptions(embed_preprocessing="rgb", precision="fp16"), None),
        (ExportOptions(embed_preprocessing="bgr", shape_hw=(97, 131)), [1, 97, 131, 3]),
        (ExportOptions(embed_preprocessing="rgb", logits=True), None),
        (
            ExportOptions(embed_preprocessing="rgba", coarse_logits=True),
            ["batch", "height", "width", 4],
        ),
    ],
    ids=str,
)
def test_files_with_preprocessing_inside_are_proven(
    options: ExportOptions,
    input_shape: list[str | int] | None,
    demo_checkpoint: Path,
    tmp_path: Path,
) -> None:
    report = export_onnx(demo_checkpoint, tmp_path / "end2end.onnx", options)
    model = onnx.load(report.path)
    image = model.graph.input[0]
    assert image.name == "input"
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert shape(image) == (input_shape or ["batch", "height", "width", 3])
    assert report.metadata.channel_order == options.embed_preprocessing
    props = {p.key: p.value for p in model.metadata_props}
    assert ModelMetadata.from_props(props) == report.metadata
    last = report.comparisons[-1]
    assert last.form == f"uint8 {options.embed_preprocessing} input"
    assert last.equal_labels >= 0.9999
    assert len(report.comparisons) == (2 if options.precision == "fp16" else 1)


def test_a_batch_is_several_images(
    demo_model: onnx.ModelProto,
    drawn_images: tuple[np.ndarray, ...],
    labels_of: Callable[..., np.ndarray],
) -> None:
    embedded = embed_preprocessing(demo_model, ModelMetadata(), "bgr")
    labels = labels_of(embedded, np.stack(drawn_images[:2]))
    for index in range(2):
        alone = labels_of(embedded, drawn_images[index][None])
        assert (labels[index : index + 1] == alone).mean() >= 0.999


def test_unknown_order() -> None:
    with pytest.raises(
        UsageError, match="channel order to be one of bgr, rgb, bgra, rgba, found 'gbr'"
    ):
        ExportOptions(embed_preprocessing="gbr")  # type: ignore[arg-type]
