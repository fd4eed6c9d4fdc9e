"""Grafted files give the labels of the files that they were made of."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.agreement import noisy_batch, noisy_images
from ppmobileseg_deploy.errors import ExportError, ModelError, ParityError, UsageError
from ppmobileseg_deploy.exporters import Description, graft
from ppmobileseg_deploy.exporters.grafting import proof as proving
from ppmobileseg_deploy.metadata import ModelMetadata

INT64, FLOAT = TensorProto.INT64, TensorProto.FLOAT
RULES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


def by_argmax(to="image", rule="half_pixel", **options):
    def end(builder, scores):
        full = builder.resize(scores, to, rule)
        return [builder.add("ArgMax", [full], "output", axis=1, **options)]

    return end


def run(path, image, output=None):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(output, {"input": image})[0]


def scores_of(path, image, tensor="full"):
    """An inner tensor of a network."""
    model = onnx.load(path)
    model.graph.output.append(onnx.ValueInfoProto(name=tensor))
    session = ort.InferenceSession(model.SerializeToString())
    return session.run([tensor], {"input": image})[0]


def assert_best(labels, full):
    """Labels may differ from the largest score's only where rounding decides."""
    chosen = np.take_along_axis(full, labels.astype(np.int64), 1)
    assert (full.max(1, keepdims=True) - chosen).max() <= 1e-5 * np.ptp(full)


@pytest.mark.parametrize(
    ("rule", "to"),
    [*((rule, "image") for rule in RULES), ("half_pixel", "8"), ("asymmetric", "2.5")],
)
def test_labels_are_those_of_any_enlargement(make_network, rule, to):
    path = make_network(by_argmax(to, rule), types=(INT64,))
    report = graft(path, force=True)
    assert report.proof.equal_labels >= 0.9999
    for size_hw in ((64, 96), (201, 133)):
        image = noisy_batch(size_hw, 2, seed=7)
        labels = run(report.path, image)
        assert labels.dtype == np.int64
        assert_best(labels, scores_of(path, image))


@pytest.mark.parametrize("rule", RULES)
def test_fixed_sizes_are_stored(make_network, rule):
    path = make_network(by_argmax(rule=rule), types=(INT64,), size_hw=(120, 203))
    report = graft(path, force=True)
    image = noisy_batch((120, 203), seed=7)
    assert_best(run(report.path, image), scores_of(path, image))


@pytest.mark.parametrize("rules", [("half_pixel", "half_pixel"), ("align_corners", "asymmetric")])
def test_two_enlargements_in_a_row(make_network, rules):
    def end(builder, scores):
        half = builder.resize(scores, "2", rules[0], "half")
        full = builder.resize(half, "image", rules[1])
        return [builder.add("ArgMax", [full], "output", axis=1)]

    path = make_network(end, types=(INT64,))
    report = graft(path, force=True)
    image = noisy_batch((128, 90), seed=7)
    assert_best(run(report.path, image), scores_of(path, image))
    assert not report.has_logits
    assert any("labels only" in note for note in report.notes)


def softmax_first(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    likely = builder.add("Softmax", [full], "likely", axis=1)
    return [builder.add("ArgMax", [likely], "output", axis=1)]


def without_the_axis(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    return [builder.add("ArgMax", [full], "output", axis=1, keepdims=0)]


def channels_last(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    turned = builder.add("Transpose", [full], "turned", perm=[0, 2, 3, 1])
    return [builder.add("ArgMax", [turned], "output", axis=3)]


def as_bytes(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    best = builder.add("ArgMax", [full], "best", axis=1)
    return [builder.add("Cast", [best], "output", to=TensorProto.UINT8)]


def cut_before(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    names = [
        builder.store(name, [value]) for name, value in (("start", 3), ("stop", 50), ("axis", 2))
    ]
    cut = builder.add("Slice", [full, *names], "cut")
    return [builder.add("ArgMax", [cut], "output", axis=1)]


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (softmax_first, INT64),
        (without_the_axis, INT64),
        (channels_last, INT64),
        (as_bytes, TensorProto.UINT8),
        (cut_before, INT64),
    ],
)
def test_what_a_file_gives_keeps_its_name_type_and_shape(make_network, end, kind):
    path = make_network(end, types=(kind,))
    report = graft(path, force=True)
    image = noisy_batch((96, 130), 2, seed=7)
    expected, found = run(path, image), run(report.path, image, ["output"])
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert (found == expected).mean() >= 0.9999


def only_scores(builder, scores):
    return [builder.resize(scores, "image", "align_corners")]


def probabilities(builder, scores):
    full = builder.resize(scores, "image", "align_corners")
    return [builder.add("Softmax", [full], "likely", axis=1)]


@pytest.mark.parametrize("end", [only_scores, probabilities])
def test_scores_become_labels(make_network, end):
    path = make_network(end)
    report = graft(path, force=True)
    image = noisy_batch((96, 130), seed=7)
    assert report.gave == "scores"
    labels = run(report.path, image, ["output"])
    assert (labels.dtype, labels.shape) == (np.int64, (1, 1, 96, 130))
    assert_best(labels, scores_of(path, image))


@pytest.mark.parametrize("name", ["coarse", "logits", "output"])
def test_coarse_scores_become_labels_of_the_size_of_the_input(make_network, name):
    path = make_network(lambda builder, scores: [builder.add("Relu", [scores], name)])
    report = graft(path, force=True)
    assert report.gave == "coarse scores"
    image = noisy_batch((96, 128), seed=7)
    session = ort.InferenceSession(str(report.path))
    assert [each.name for each in session.get_outputs()] == ["output", "logits"]
    labels, logits = session.run(None, {"input": image})
    assert labels.shape == (1, 1, 96, 128)
    np.testing.assert_array_equal(logits, run(path, image))


@pytest.mark.parametrize("opset", [11, 15, 20, 21])
def test_opsets(make_network, opset):
    path = make_network(by_argmax(), types=(INT64,), opset=opset)
    report = graft(path, force=True)
    image = noisy_batch((96, 130), seed=7)
    assert_best(run(report.path, image, ["output"]), scores_of(path, image))
    converted = any(f"from opset {opset} to 15" in note for note in report.notes)
    assert converted == (opset < 15)


@pytest.mark.parametrize(
    ("rule", "to", "size_hw", "upsampling"),
    [
        ("half_pixel", "image", None, "half_pixel"),
        ("pytorch_half_pixel", "8", None, "padded"),
        ("align_corners", "image", None, "align_corners"),
        ("asymmetric", "image", (120, 200), "asymmetric"),
        ("half_pixel", "image", (96, 160), "padded"),
    ],
)
def test_the_runtime_labels_photographs_by_the_coarse_scores(
    make_network, rule, to, size_hw, upsampling
):
    path = make_network(by_argmax(to, rule), types=(INT64,), size_hw=size_hw)
    given = Description(short_side=128, long_side=256)
    report = graft(path, description=given, force=True)
    metadata = OrtSegmenter(report.path).metadata
    assert metadata == report.metadata
    assert (metadata.upsampling, metadata.stride, metadata.num_classes) == (upsampling, 8, 21)
    # Of the network's own size, labels are the file's own.
    height, width = size_hw or (128, 192)
    (image_bgr,) = noisy_images([(height, width)])
    mean, std = (np.array(each, np.float32) for each in (metadata.mean_rgb, metadata.std_rgb))
    image = np.ascontiguousarray(((image_bgr[..., ::-1] - mean) / std).transpose(2, 0, 1)[None])
    labels = OrtSegmenter(report.path)(image_bgr).labels
    assert_best(labels[None, None], scores_of(path, image.astype(np.float32)))


def test_scores_that_differ_little(make_network):
    """Rounding is that of the scores' size, however small their range."""

    def end(builder, scores):
        offset = builder.store("offset", 300, np.float32)
        lifted = builder.add("Add", [scores, offset], "lifted")
        full = builder.resize(lifted, "image", "half_pixel")
        return [builder.add("ArgMax", [full], "output", axis=1)]

    assert graft(make_network(end, types=(INT64,)), force=True).proof.equal_labels >= 0.999


def test_several_outputs(make_network):
    def end(builder, scores):
        full = builder.resize(scores, "image", "half_pixel")
        return [builder.add("ArgMax", [full], "output", axis=1), full]

    report = graft(make_network(end, types=(INT64, FLOAT)), force=True)
    assert [each.name for each in onnx.load(report.path).graph.output] == ["output", "logits"]
    assert "outputs beside the first one are left out: 'full'" in report.notes
    assert "Resize" not in {node.op_type for node in onnx.load(report.path).graph.node}


@pytest.mark.parametrize("is_probability", [False, True])
def test_one_channel(make_network, is_probability):
    def end(builder, scores):
        full = builder.resize(scores, "image", "half_pixel")
        limit = builder.store("limit", 0.6 if is_probability else 0.4, np.float32)
        if is_probability:
            full = builder.add("Sigmoid", [full], "likely")
        above = builder.add("Greater", [full, limit], "above")
        return [builder.add("Cast", [above], "output", to=TensorProto.INT64)]

    path = make_network(end, classes=1, types=(INT64,))
    report = graft(path, force=True)
    image = noisy_batch((96, 130), seed=7)
    expected, found = run(path, image), run(report.path, image)
    assert 0 < expected.mean() < 1
    assert (expected == found).mean() > 0.9999


def test_what_does_not_pay_is_not_written(make_network, monkeypatch):
    monkeypatch.setattr(proving, "_timed", lambda *_, **__: (1.0, 2.0))
    path = make_network(by_argmax(), types=(INT64,))
    with pytest.raises(ExportError, match=r"found 2\.0 ms against 1\.0 on drawn"):
        graft(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert not graft(path, force=True).pays


def test_other_labels_leave_no_file(make_network, monkeypatch):
    """A mistake in the weights is found by the comparison of the ends."""
    original = proving._Ends.new_labels
    monkeypatch.setattr(
        proving._Ends,
        "new_labels",
        lambda self, like, scores: np.roll(original(self, like, scores), 1, axis=2),
    )
    path = make_network(by_argmax(), types=(INT64,))
    with pytest.raises(ParityError, match="expected the labels of the file's own end"):
        graft(path, force=True)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def nearest(builder, scores):
    scales = builder.store("scales", [1, 1, 8, 8], np.float32)
    full = builder.add("Resize", [scores, "", scales], "full", mode="nearest")
    return [builder.add("ArgMax", [full], "output", axis=1)]


def not_enlarged(builder, scores):
    return [builder.add("ArgMax", [scores], "output", axis=1)]


def over_height(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    return [builder.add("ArgMax", [full], "output", axis=2)]


def counted(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    best = builder.add("ArgMax", [full], "best", axis=1)
    return [builder.add("Mul", [best, best], "output")]


def full_size_network(builder, scores):
    full = builder.resize(scores, "image", "half_pixel")
    weights = builder.store("last", np.eye(21)[:, :, None, None], np.float32)
    return [builder.add("Conv", [full, weights], "fine")]


@pytest.mark.parametrize(
    ("end", "kind", "message"),
    [
        (
            nearest,
            INT64,
            "a bilinear Resize, found one of mode 'nearest' in Resize 'full",
        ),
        (
            not_enlarged,
            INT64,
            "found Conv 'scores/Conv': there are no coarse scores",
        ),
        (
            over_height,
            INT64,
            r"ArgMax over the classes of .* found axis 2 of 4 in ArgMax",
        ),
        (counted, INT64, "expected ArgMax over classes, found Mul 'output/Mul'"),
        (full_size_network, FLOAT, "found Conv 'fine/Conv': .* nothing to be gained"),
    ],
)
def test_what_is_not_recognised_is_said_in_one_line(make_network, end, kind, message):
    path = make_network(end, types=(kind,))
    with pytest.raises(ExportError, match=message) as raised:
        graft(path)
    assert "\n" not in str(raised.value)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_that_needs_no_graft_is_said_to_be_one(make_network):
    grafted = graft(make_network(by_argmax(), types=(INT64,)), force=True).path
    with pytest.raises(ExportError, match="found labels cell by cell: the file is as fast"):
        graft(grafted, grafted.with_name("again.onnx"))
    assert not grafted.with_name("again.onnx").exists()


def test_its_own_file_is_not_overwritten(make_network):
    path = make_network(by_argmax(), types=(INT64,))
    with pytest.raises(UsageError, match="is the file that is to be grafted"):
        graft(path, path)
    with pytest.raises(UsageError, match="expected the name of an ONNX file"):
        graft(path, path.with_suffix(".ort"))


def test_no_onnx_file(tmp_path: Path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"a\.onnx"):
        graft(path)


def test_the_same_file_twice(make_network):
    path = make_network(by_argmax(), types=(INT64,))
    first = graft(path, path.with_name("a.onnx"), force=True)
    second = graft(path, path.with_name("b.onnx"), force=True)
    assert first.path.read_bytes() == second.path.read_bytes()


def test_what_a_file_says_stays(make_network):
    path = make_network(by_argmax(), types=(INT64,), properties={"licence": "mine"})
    names = path.with_name("names.txt")
    names.write_text("\n".join(f"class {i}" for i in range(21)))
    report = graft(path, description=Description(names=names, mean_rgb=(1, 2, 3)), force=True)
    properties = {each.key: each.value for each in onnx.load(report.path).metadata_props}
    assert properties["licence"] == "mine"
    metadata = ModelMetadata.from_props(properties)
    assert metadata == report.metadata
    assert metadata.class_names[:2] == ("class 0", "class 1")
    assert metadata.mean_rgb == (1, 2, 3)
    assert (metadata.checkpoint, metadata.vim, metadata.variant) == (path.name, "cell", "unknown")


def test_channels_last_at_the_input(make_network):
    path = make_network(by_argmax(), types=(INT64,))
    expected_of = scores_of
    model = onnx.load(path)
    dims = ["batch", "height", "width", 3]
    model.graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("pixels", FLOAT, dims))
    turned = onnx.helper.make_node("Transpose", ["pixels"], ["input"], perm=[0, 3, 1, 2])
    model.graph.node.insert(0, turned)
    last = path.with_name("last.onnx")
    onnx.save_model(model, last)
    report = graft(last, force=True)
    image = noisy_batch((96, 130), seed=7)
    session = ort.InferenceSession(str(report.path))
    labels = session.run(["output"], {"pixels": image.transpose(0, 2, 3, 1).copy()})[0]
    assert_best(labels, expected_of(path, image))


def test_weights_in_a_file_of_their_own_become_part_of_the_new_one(make_network):
    path = make_network(by_argmax(), types=(INT64,))
    outside = path.with_name("outside.onnx")
    onnx.save_model(
        onnx.load(path), outside, save_as_external_data=True, location="w.bin", size_threshold=0
    )
    report = graft(outside, force=True)
    (outside.with_name("w.bin")).unlink()
    image = noisy_batch((96, 130), seed=7)
    assert (run(report.path, image) == run(path, image)).mean() > 0.9999


def test_scores_in_float16(make_network):
    def end(builder, scores):
        half = builder.add("Cast", [scores], "half", to=TensorProto.FLOAT16)
        full = builder.resize(half, "image", "half_pixel")
        single = builder.add("Cast", [full], "single", to=FLOAT)
        return [builder.add("ArgMax", [single], "output", axis=1)]

    path = make_network(end, types=(INT64,))
    report = graft(path, force=True)
    image = noisy_batch((96, 130), seed=7)
    assert (run(report.path, image) == run(path, image)).mean() > 0.999


def test_functions_are_put_in_their_places(make_network):
    path = make_network(by_argmax(), types=(INT64,))
    model = onnx.load(path)
    (conv,) = (node for node in model.graph.node if node.op_type == "Conv")
    inner = onnx.NodeProto()
    inner.CopyFrom(conv)
    opset = onnx.helper.make_opsetid("", 17)
    function = onnx.helper.make_function(
        "own", "Scores", list(conv.input), ["scores"], [inner], [opset]
    )
    model.functions.append(function)
    model.opset_import.append(onnx.helper.make_opsetid("own", 1))
    conv.CopyFrom(onnx.helper.make_node("Scores", list(conv.input), ["scores"], domain="own"))
    own = path.with_name("own.onnx")
    onnx.save_model(model, own)
    report = graft(own, force=True)
    image = noisy_batch((96, 130), seed=7)
    assert_best(run(report.path, image, ["output"]), scores_of(path, image))
