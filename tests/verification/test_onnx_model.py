"""Files of every form and origin can be compared."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from ppmobileseg_deploy.agreement import session
from ppmobileseg_deploy.checkpoints import Description
from ppmobileseg_deploy.errors import ModelError, UsageError
from ppmobileseg_deploy.exporters import ExportOptions, convert_to_ort, export_onnx
from ppmobileseg_deploy.runtime.images.files import write_image
from ppmobileseg_deploy.verification import (
    Example,
    Normalisation,
    choose_examples,
    image_example,
    open_model,
    synthetic_examples,
    verify,
)

STEM = "backbone.smb1.conv.conv.weight"


@pytest.fixture
def photo(tmp_path) -> Path:
    """A picture that has to be padded."""
    rng = np.random.default_rng(0)
    path = tmp_path / "photo.png"
    write_image(path, rng.integers(0, 256, (100, 141, 3)).astype(np.uint8))
    return path


@pytest.mark.parametrize(
    "options",
    [
        ExportOptions(embed_preprocessing="bgr"),
        ExportOptions(embed_preprocessing="rgb", logits=True),
        ExportOptions(precision="fp16"),
        ExportOptions(vim="image"),
        ExportOptions(shape_hw=(97, 131), logits=True),
        ExportOptions(shape_hw=(97, 131), embed_preprocessing="rgb"),
    ],
    ids=str,
)
def test_every_form_agrees_with_its_checkpoint(options, checkpoint, photo, tmp_path):
    path = str(export_onnx(checkpoint, tmp_path / "m.onnx", options, verify=False).path)
    models = open_model(checkpoint), open_model(path)
    examples = choose_examples(models, [photo])
    assert examples[-1].name == "photo.png"
    found = verify(*models, examples)
    assert found.agreed, found
    differences = [each.max_logit_difference for each in found.examples]
    assert [0 <= each < 1 for each in differences] == [True] * len(examples)


@pytest.fixture(scope="module")
def for_bgr(checkpoint, tmp_path_factory) -> str:
    """The checkpoint, turned round for BGR, with its own mean and std."""
    content = torch.load(checkpoint, weights_only=True)
    weights = content["state_dict"]
    weights[STEM] = weights[STEM].flip(1)
    weights["data_preprocessor.mean"] = torch.tensor([100.0, 110, 120])
    weights["data_preprocessor.std"] = torch.tensor([50.0, 55, 60])
    path = tmp_path_factory.mktemp("bgr") / "bgr.pth"
    torch.save(content, path)
    return str(path)


@pytest.mark.parametrize("pixels", [None, "bgr", "rgb"])
def test_a_network_for_bgr_with_numbers_of_its_own(pixels, for_bgr, photo, tmp_path):
    description = Description(channel_order="bgr")
    options = ExportOptions(embed_preprocessing=pixels)
    path = tmp_path / "m.onnx"
    export_onnx(for_bgr, path, options, description=description, verify=False)
    models = open_model(for_bgr, description=description), open_model(str(path))
    examples = choose_examples(models, [photo])
    assert examples[0].normalisation == Normalisation((120, 110, 100), (60, 55, 50), "bgr")
    assert verify(*models, examples).agreed
    if pixels is not None:
        models = open_model(for_bgr), open_model(str(path))
        assert not verify(*models, choose_examples(models, [photo])).agreed


def test_a_file_knows_its_numbers_where_its_checkpoint_does_not(checkpoint, tmp_path):
    path = str(tmp_path / "m.onnx")
    options = ExportOptions(embed_preprocessing="rgb")
    given = Description(mean_rgb=(0, 0, 0), std_rgb=(255, 255, 255))
    export_onnx(checkpoint, path, options, description=given, verify=False)
    models = open_model(checkpoint), open_model(path)
    examples = choose_examples(models)
    assert examples[0].normalisation == Normalisation((0, 0, 0), (255, 255, 255), "rgb")
    assert verify(*models, examples).agreed


def test_a_file_that_takes_bytes_in_another_order_is_found(checkpoint, tmp_path):
    options = ExportOptions(embed_preprocessing="bgr")
    path = export_onnx(checkpoint, tmp_path / "m.onnx", options, verify=False).path
    model = onnx.load(path)
    (order,) = (each for each in model.metadata_props if each.key == "ppms.channel_order")
    order.value = "rgb"
    onnx.save(model, path)
    found = verify(open_model(checkpoint), open_model(str(path)), synthetic_examples())
    assert not found.agreed
    assert found.divergence.after is None
    assert "BGR" in found.hint


def test_metadata_are_not_needed(checkpoint, exported, tmp_path):
    model = onnx.load(exported)
    del model.metadata_props[:]
    for node in model.graph.node:  # nor any name that the exporter gives
        node.name = ""
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = "scores" if name == "logits" else name
    del model.graph.output[1]
    path = str(tmp_path / "foreign.onnx")
    onnx.save(model, path)
    found = verify(open_model(checkpoint), open_model(path), synthetic_examples())
    assert found.agreed
    assert found.examples[0].max_logit_difference is None


def test_a_foreign_tensor_called_logits_may_be_anything(tmp_path):
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["logits"], keepdims=0),
        helper.make_node("ArgMax", ["x"], ["y"], axis=1),
    ]
    path = save(tmp_path, nodes, TensorProto.INT64)
    found = verify(open_model(path), open_model(path), synthetic_examples())
    assert found.agreed
    assert found.examples[0].max_logit_difference is None


def test_logits_before_upsampling_are_enlarged(tmp_path):
    nodes = [helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[8, 8], strides=[8, 8])]
    path = save(tmp_path, nodes, TensorProto.FLOAT)
    example = synthetic_examples()[0]
    output = open_model(path).run(example)
    assert output.labels.shape == example.size_hw
    assert output.logits.shape == (3, 8, 12)


def test_ort_format_shows_no_layers(checkpoint, exported, with_channels_swapped):
    path = convert_to_ort(Path(exported), Path(exported).with_name("m.ort")).path
    model = open_model(str(path))
    assert model.layers(synthetic_examples()[0]) is None
    assert verify(open_model(checkpoint), model, synthetic_examples()).agreed
    found = verify(model, open_model(with_channels_swapped), synthetic_examples())
    assert not found.agreed
    assert found.divergence is None


def test_labels_made_otherwise_of_equal_logits_are_called_so(exported, tmp_path):
    model = onnx.load(exported)
    last = next(node for node in model.graph.node if "output" in node.output)
    last.output[0] = "right"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1, np.int64), "one"))
    model.graph.node.append(helper.make_node("Add", ["right", "one"], ["output"]))
    path = str(tmp_path / "wrong.onnx")
    onnx.save(model, path)
    found = verify(open_model(exported), open_model(path), synthetic_examples())
    assert not found.agreed
    assert found.divergence is None
    assert "all layers agree" in found.hint


def test_what_is_padding_does_not_count(photo):
    example = image_example(photo)
    assert (example.size_hw, example.padding_hw) == ((512, 736), (0, 14))
    assert not example.tensor[..., 722:].any()
    assert example.pixels_rgb().shape == (512, 722, 3)


@pytest.mark.parametrize(
    ("shape_hw", "embedded"), [((256, 320), None), ((256, 320), "rgb"), ((250, 330), "rgb")]
)
def test_files_of_one_size_are_compared_at_the_photographs_size(
    checkpoint, tmp_path, photo, shape_hw, embedded
):
    options = ExportOptions(shape_hw=shape_hw, embed_preprocessing=embedded)
    path = export_onnx(checkpoint, tmp_path / "m.onnx", options, verify=False).path
    models = open_model(checkpoint), open_model(str(path))
    found = verify(*models, [image_example(photo, shape_hw)])
    assert found.agreed
    (example,) = found.examples
    assert example.equal_photograph_labels == 1.0


def test_models_of_different_sizes_are_refused(checkpoint, tmp_path):
    paths = []
    for side in (64, 96):
        options = ExportOptions(shape_hw=(side, side))
        path = export_onnx(checkpoint, tmp_path / f"{side}.onnx", options, verify=False).path
        paths.append(str(path))
    with pytest.raises(UsageError, match=r"found 64x64 in .* and 96x96 in "):
        choose_examples([open_model(path) for path in paths])


def test_bytes_are_asked_for_pictures_only(checkpoint, tmp_path):
    options = ExportOptions(embed_preprocessing="rgb", shape_hw=(32, 32))
    path = export_onnx(checkpoint, tmp_path / "m.onnx", options, verify=False).path
    noise = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    with pytest.raises(UsageError, match="expected normalised pixel values"):
        open_model(str(path)).run(Example("noise", noise))
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(ModelError, match="whether in BGR or RGB order, found none"):
        open_model(str(path))


@pytest.mark.parametrize(
    ("input_type", "shape", "operator", "message"),
    [
        (TensorProto.FLOAT, [1, 4, None, None], "Identity", "expected one input"),
        (TensorProto.FLOAT, [2, 3, None, None], "Identity", "expected one input"),
        (TensorProto.FLOAT, [1, 3, None], "Identity", "expected one input"),
        (TensorProto.INT32, [1, 3, None, None], "Identity", "expected one input"),
        (TensorProto.FLOAT, [1, 3, None, None], "IsNaN", "expected one output"),
    ],
)
def test_what_is_no_segmentation_model_is_refused(tmp_path, input_type, shape, operator, message):
    output = TensorProto.BOOL if operator == "IsNaN" else input_type
    nodes = [helper.make_node(operator, ["x"], ["y"])]
    with pytest.raises(ModelError, match=message) as raised:
        open_model(save(tmp_path, nodes, output, input_type, shape))
    assert "\n" not in str(raised.value)


def test_a_loop_without_end_is_ended(tmp_path, looping_model, monkeypatch):
    monkeypatch.setattr(session, "LOOP_TIMEOUT_S", 0.2)
    path = tmp_path / "looping.onnx"
    path.write_bytes(looping_model(1 << 62))
    with pytest.raises(ModelError, match=r"looping\.onnx: expected an answer within 0\.2 s"):
        open_model(str(path)).run(synthetic_examples()[0])
    path.write_bytes(looping_model(3))
    labels = open_model(str(path)).run(synthetic_examples()[0]).labels
    assert (labels == 2).all()


@pytest.mark.parametrize("operator", ["Identity", "Sigmoid"])
def test_one_channel_is_a_head_of_one_class(tmp_path, operator):
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["z"], axes=[1]),
        helper.make_node(operator, ["z"], ["y"]),
    ]
    path = save(tmp_path, nodes, TensorProto.FLOAT)
    example = synthetic_examples()[0]
    logit = example.tensor[0].mean(0)
    for threshold in (None, 0.7):
        output = open_model(path, threshold).run(example)
        expected = 1 / (1 + np.exp(-logit)) > (threshold or 0.3)
        assert 0 < expected.mean() < 1
        assert (output.labels == expected).mean() > 0.999
        assert output.threshold == (threshold or 0.3)


def test_probabilities_are_compared_by_their_labels(tmp_path):
    plain = save(tmp_path, [helper.make_node("Identity", ["x"], ["y"])], TensorProto.FLOAT)
    models = [open_model(plain)]
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=1)]
    models.append(open_model(save(tmp_path, nodes, TensorProto.FLOAT)))
    found = verify(*models, synthetic_examples())
    assert found.agreed
    assert found.examples[0].max_logit_difference is None
    assert "or probabilities" in found.hint
    again = verify(models[1], models[1], synthetic_examples())
    assert again.examples[0].max_logit_difference == 0


def test_labels_of_another_size_are_refused(tmp_path):
    nodes = [
        helper.make_node("MaxPool", ["x"], ["p"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("ArgMax", ["p"], ["y"], axis=1),
    ]
    model = open_model(save(tmp_path, nodes, TensorProto.INT64))
    with pytest.raises(
        ModelError, match=r"labels of shape \(1, 1, 64, 96\), found \(1, 1, 8, 12\)"
    ):
        model.run(synthetic_examples()[0])


def save(folder, nodes, output_type, input_type=TensorProto.FLOAT, shape=(1, 3, "h", "w")) -> str:
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("x", input_type, list(shape))],
        [helper.make_tensor_value_info("y", output_type, None)],
    )
    opsets = [helper.make_opsetid("", 17)]
    path = folder / "foreign.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return str(path)
