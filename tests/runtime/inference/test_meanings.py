"""Models whose numbers are no logits of competing classes: probabilities, and heads of one class.

All of them are shown the same picture. The logit of class c at a pixel is a linear function of its
colour, so that labels and probabilities can be computed beside them.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ppmobileseg_deploy import MetadataWarning, ModelError, OrtSegmenter, UsageError
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.scores import ScoresWarning

Make = Callable[..., Path]
Floats = NDArray[np.float32]
node = helper.make_node

# Of normalised pixel values they make logits of some -5 to 5.
WEIGHTS = np.array([[2, -1, 0], [-1, 2, -1], [0.5, -1, 2]], np.float32)
ONE = slice(2, 3)
SIZE_HW = 64, 96


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    smooth = cv2.resize(coarse, SIZE_HW[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(smooth, np.uint8)


@pytest.fixture(scope="module")
def logits(picture: NDArray[np.uint8]) -> Floats:
    """(3, height, width): what the networks compute before softmax or sigmoid."""
    metadata = ModelMetadata()
    rgb = picture[..., ::-1].astype(np.float32)
    normalised = (rgb - np.float32(metadata.mean_rgb)) / np.float32(metadata.std_rgb)
    return np.einsum("kc,hwc->khw", WEIGHTS, normalised)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make([node("Sigmoid", ["z"], ["output"])], channels=3)``: a file that goes on from z."""

    def write(
        nodes: Sequence[NodeProto],
        channels: int = 3,
        *,
        weights: Floats = WEIGHTS,
        initializers: Sequence[TensorProto] = (),
        props: dict[str, str] | None = None,
    ) -> Path:
        kernel = numpy_helper.from_array(weights[:, :, None, None], "kernel")
        graph = helper.make_graph(
            [node("Conv", ["input", "kernel"], ["z"]), *nodes],
            "g",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ("b", 3, "h", "w"))],
            [
                helper.make_tensor_value_info(
                    "output", TensorProto.FLOAT, ("b", channels, "h", "w")
                )
            ],
            [kernel, *initializers],
        )
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        helper.set_model_props(model, props or {})
        path = tmp_path / "foreign.onnx"
        onnx.save(model, path)
        return path

    return write


def _softmax(logits: Floats) -> Floats:
    likelihoods = np.exp(logits)
    return likelihoods / likelihoods.sum(0)


def _sigmoid(logits: Floats) -> Floats:
    return 1 / (1 + np.exp(-logits))


def _open(path: Path | bytes, **options: object) -> OrtSegmenter:
    return OrtSegmenter(path, input_size_hw=SIZE_HW, **options)


@pytest.mark.parametrize(
    ("nodes", "probability"),
    [
        ([node("Softmax", ["z"], ["output"], axis=1)], _softmax),
        ([node("LogSoftmax", ["z"], ["output"], axis=1)], _softmax),
        ([node("Sigmoid", ["z"], ["output"])], _sigmoid),
        ([node("Identity", ["z"], ["output"])], _softmax),
    ],
    ids=["softmax", "log-softmax", "sigmoid", "logits"],
)
def test_confidence_is_the_probability_whatever_a_file_gives(
    nodes: list[NodeProto],
    probability: Callable[[Floats], Floats],
    make: Make,
    picture: NDArray[np.uint8],
    logits: Floats,
) -> None:
    is_probability = nodes[0].op_type in ("Softmax", "Sigmoid")
    told = r"; it ends in a softmax or sigmoid: its output is taken for probabilities$"
    with pytest.warns(MetadataWarning, match=told if is_probability else "preprocessing$"):
        segmenter = _open(make(nodes), confidence=True)
    for result in (segmenter(picture), segmenter.tiled(picture, tile_hw=(40, 48), overlap=8)):
        expected = probability(logits)
        np.testing.assert_allclose(result.confidence, expected.max(0), atol=2e-3)
        assert (result.labels == expected.argmax(0)).mean() > 0.999


def test_probabilities_are_known_by_their_sum_where_the_graph_does_not_tell(
    make: Make, picture: NDArray[np.uint8], logits: Floats
) -> None:
    averaged = [
        node("Softmax", ["z"], ["a"], axis=1),
        node("Neg", ["z"], ["negative"]),
        node("Softmax", ["negative"], ["b"], axis=1),
        node("Mean", ["a", "b"], ["output"]),
    ]
    with pytest.warns(MetadataWarning, match="preprocessing$"):
        segmenter = _open(make(averaged), confidence=True)
    expected = (_softmax(logits) + _softmax(-logits)) / 2
    with pytest.warns(ScoresWarning, match="taken for probabilities"):
        result = segmenter(picture)
    np.testing.assert_allclose(result.confidence, expected.max(0), atol=2e-3)


def test_a_session_has_no_graph_to_look_into(
    make: Make, picture: NDArray[np.uint8], logits: Floats
) -> None:
    path = make([node("Softmax", ["z"], ["output"], axis=1)])
    inference = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with pytest.warns(MetadataWarning, match="preprocessing$"):
        segmenter = OrtSegmenter(inference, input_size_hw=SIZE_HW, confidence=True)
    with pytest.warns(ScoresWarning):
        result = segmenter(picture)
    np.testing.assert_allclose(result.confidence, _softmax(logits).max(0), atol=2e-3)


def _one(logit: Floats, threshold: float) -> tuple[NDArray[np.bool_], Floats]:
    probability = _sigmoid(logit)
    is_seen = probability > threshold
    return is_seen, np.where(is_seen, probability, 1 - probability)


@pytest.mark.parametrize("threshold", [None, 0.5, 0.9])
@pytest.mark.parametrize(
    ("operator", "taken"), [("Identity", "the logit"), ("Sigmoid", "the probability")]
)
def test_one_channel_is_taken_for_a_head_of_one_class(
    operator: str,
    taken: str,
    threshold: float | None,
    make: Make,
    picture: NDArray[np.uint8],
    logits: Floats,
) -> None:
    path = make([node(operator, ["z"], ["output"])], 1, weights=WEIGHTS[ONE])
    told = (
        rf"assuming the names 'background' and 'foreground' and .*; it gives one channel: taken "
        rf"for {taken} of class 1, which is seen above a probability of {threshold or 0.3}$"
    )
    with pytest.warns(MetadataWarning, match=told):
        segmenter = _open(path, confidence=True, threshold=threshold)
    is_seen, probability = _one(logits[2], threshold or 0.3)
    assert 0.1 < is_seen.mean() < 0.9
    assert segmenter.names == ("background", "foreground")
    assert segmenter.metadata.threshold == (threshold or 0.3)
    for result in (
        segmenter(picture),
        segmenter.tiled(picture, tile_hw=(40, 48), overlap=8),
        segmenter.batch([picture, picture], batch_size=2)[1],
    ):
        assert (result.labels == is_seen).mean() > 0.999
        right = result.labels == is_seen
        np.testing.assert_allclose(result.confidence[right], probability[right], atol=2e-3)


@pytest.mark.parametrize("names", [["water"], ["land", "water"]])
def test_the_one_class_can_be_named(names: list[str], make: Make) -> None:
    path = make([node("Sigmoid", ["z"], ["output"])], 1, weights=WEIGHTS[ONE])
    with pytest.warns(MetadataWarning, match="assuming the official models' preprocessing"):
        segmenter = _open(path, names=names)
    assert segmenter.names[1] == "water"
    assert len(segmenter.metadata.palette_rgb) == 2
    colours = [(9, 9, 9), (1, 2, 3)][-len(names) :]
    with pytest.warns(MetadataWarning):
        segmenter = _open(path, names=names, palette_rgb=colours)
    assert segmenter.metadata.palette_rgb[1] == (1, 2, 3)


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        (
            [node("ArgMax", ["z"], ["a"], axis=1), node("Cast", ["a"], ["output"], to=1)],
            "class ids",
        ),
        ([node("Softmax", ["z"], ["output"], axis=1)], "a logit or a probability"),
    ],
)
def test_one_channel_that_means_something_else_is_refused(
    nodes: list[NodeProto], found: str, make: Make
) -> None:
    with pytest.raises(ModelError, match=rf"foreign\.onnx: .* found one channel .* be {found}$"):
        _open(make(nodes, 1, weights=WEIGHTS[ONE]))


def test_one_channel_of_an_open_session_could_be_either(make: Make) -> None:
    path = make([node("Sigmoid", ["z"], ["output"])], 1, weights=WEIGHTS[ONE])
    inference = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with pytest.raises(ModelError, match=r"the session: .* which may be a logit or a probability"):
        OrtSegmenter(inference)


@pytest.mark.parametrize("threshold", [0, 1, float("nan"), "0.3", -0.1])
def test_a_threshold_is_a_probability(threshold: object, make: Make) -> None:
    path = make([node("Sigmoid", ["z"], ["output"])], 1, weights=WEIGHTS[ONE])
    with pytest.raises(UsageError, match="expected a threshold between 0 and 1, found"):
        _open(path, threshold=threshold)


def test_classes_that_compete_have_no_threshold(rgb_model: Path, logits_model: Path) -> None:
    for path in (rgb_model, logits_model):
        with pytest.raises(UsageError, match=r"expected a head of one class .* found one of 3"):
            OrtSegmenter(path, threshold=0.5)


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "minus infinity")],
)
def test_numbers_that_decide_nothing_are_an_error(
    value: float, message: str, make: Make, picture: NDArray[np.uint8]
) -> None:
    path = make(
        [node("Add", ["z", "other"], ["output"])],
        initializers=[numpy_helper.from_array(np.float32(value), "other")],
    )
    with pytest.warns(MetadataWarning):
        segmenter = _open(path)
    for segment in (segmenter, segmenter.tiled):
        with pytest.raises(ModelError, match=rf"^foreign\.onnx: expected logits .*{message}"):
            segment(picture)


def test_a_class_that_is_ruled_out_never_wins(
    make: Make, picture: NDArray[np.uint8], logits: Floats
) -> None:
    mask = np.zeros((1, 3, 1, 1), np.float32)
    mask[0, 0] = -np.inf
    path = make(
        [node("Add", ["z", "other"], ["output"])],
        initializers=[numpy_helper.from_array(mask, "other")],
    )
    with pytest.warns(MetadataWarning):
        segmenter = OrtSegmenter(path, input_size_hw=(96, 144), confidence=True)
    for result in (segmenter(picture), segmenter.tiled(picture, tile_hw=(40, 48), overlap=8)):
        assert set(np.unique(result.labels)) == {1, 2}
        assert np.isfinite(result.confidence).all()
        assert result.confidence.min() >= 0.5 - 1e-6


def test_more_classes_than_labels_can_name_are_refused_at_once(make: Make) -> None:
    # ONNX Runtime believes what a file declares only where it cannot tell by itself.
    shape = numpy_helper.from_array(np.array([1, 50_000_000, 1, 1]), "shape")
    zero = numpy_helper.from_array(np.float32([0]), "zero")
    path = make(
        [node("Expand", ["zero", "shape"], ["output"])], 50_000_000, initializers=[shape, zero]
    )
    with pytest.raises(ModelError, match="logits of 1 to 65536 classes, found 50000000"):
        OrtSegmenter(path)
    with pytest.raises(UsageError, match="expected at most 65536 class names, found 65537"):
        OrtSegmenter(path, names=["x"] * 65537)


@pytest.fixture(scope="module")
def exported(
    one_class_pth: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Files of our own, of a head of one class: with labels, with logits, and with both."""
    folder = tmp_path_factory.mktemp("exported")
    forms = {
        "labels": ExportOptions(logits_output=False),
        "logits": ExportOptions(logits=True),
        "both": ExportOptions(),
    }
    paths = {
        form: export_onnx(one_class_pth, folder / f"{form}.onnx", options, verify=False).path
        for form, options in forms.items()
    }
    return paths.__getitem__


@pytest.fixture(scope="module")
def scene() -> NDArray[np.uint8]:
    path = Path(__file__).parents[3] / "demo" / "images" / "avenue.jpg"
    image = cv2.imread(str(path))
    return np.asarray(cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("form", ["logits", "both"])
@pytest.mark.parametrize("threshold", [None, 0.3, 0.75])
def test_logits_of_our_own_can_be_decided_anew(
    threshold: float | None, form: str, exported: Callable[[str], Path], scene: NDArray[np.uint8]
) -> None:
    segmenter = OrtSegmenter(exported(form), confidence=True, threshold=threshold)
    result = segmenter(scene)
    tiled = segmenter.tiled(scene, tile_hw=(256, 256))
    stored = ort.InferenceSession(str(exported("logits")), providers=["CPUExecutionProvider"])
    resized = cv2.resize(scene, (512, 512), interpolation=cv2.INTER_LINEAR)
    metadata = segmenter.metadata
    rgb = (resized[..., ::-1] - np.array(metadata.mean_rgb)) / np.array(metadata.std_rgb)
    tensor = rgb.transpose(2, 0, 1)[None].astype(np.float32)
    (raw,) = stored.run(None, {"input": tensor})
    logit = cv2.resize(raw[0, 1], (256, 256), interpolation=cv2.INTER_LINEAR)
    is_seen, probability = _one(logit, threshold or 0.3)
    assert 0.05 < is_seen.mean() < 0.95
    assert metadata.threshold == (threshold or 0.3)
    assert (result.labels == is_seen).mean() > 0.999
    right = result.labels == is_seen
    np.testing.assert_allclose(result.confidence[right], probability[right], atol=1e-3)
    if threshold is None:
        assert raw[0, 0].min() == pytest.approx(math.log(0.3 / 0.7), abs=1e-6)
    # Seen larger, it looks otherwise; the confidence is that of the labels all the same.
    assert tiled.confidence[tiled.labels == 1].min() >= (threshold or 0.3) - 1e-4
    assert tiled.confidence[tiled.labels == 0].min() >= 1 - (threshold or 0.3) - 1e-4


def test_labels_of_our_own_are_decided(exported: Callable[[str], Path]) -> None:
    OrtSegmenter(exported("labels"), threshold=0.3)
    with pytest.raises(
        UsageError, match=r"labels\.onnx gives labels that were decided at 0\.3: export it anew"
    ):
        OrtSegmenter(exported("labels"), threshold=0.5)


def test_labels_and_logits_of_our_own_agree(
    exported: Callable[[str], Path], scene: NDArray[np.uint8]
) -> None:
    square = cv2.resize(scene, (512, 512), interpolation=cv2.INTER_LINEAR)
    labels, logits = (OrtSegmenter(exported(each))(square).labels for each in ("both", "logits"))
    assert set(np.unique(labels)) == {0, 1}
    assert (labels == logits).mean() > 0.9999
