"""What an app asks of a segmenter beside single calls."""

import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy import MetadataWarning, OrtSegmenter, UsageError
from ppmobileseg_deploy.metadata import ModelMetadata

MakeModel = Callable[..., Path]
Draw = Callable[[int, int], NDArray[np.uint8]]


def test_names_and_colors_can_be_others(rgb_model: Path, rgb_metadata: ModelMetadata) -> None:
    image_bgr = np.full((9, 9, 3), (0, 0, 255), np.uint8)
    result = OrtSegmenter(rgb_model, names=["car", "tree", "sky"])(image_bgr)
    assert result.areas() == {"car": 1.0}
    assert result.palette_rgb == rgb_metadata.palette_rgb
    result = OrtSegmenter(rgb_model, palette_rgb=[(1, 2, 3), (4, 5, 6), (7, 8, 9)])(image_bgr)
    assert result.names == rgb_metadata.class_names
    assert result.color()[0, 0].tolist() == [3, 2, 1]
    segmenter = OrtSegmenter(rgb_model, names=("a", "b", "c"), palette_rgb={"b": (4, 5, 6)})
    assert segmenter.names == ("a", "b", "c")
    assert segmenter.metadata.palette_rgb == (
        rgb_metadata.palette_rgb[0],
        (4, 5, 6),
        rgb_metadata.palette_rgb[2],
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["one", "two"]}, "expected 3 class names, found 2"),
        ({"names": "abc"}, "expected a list of at least one class name, found 'abc'"),
        ({"names": []}, "expected a list of at least one class name"),
        ({"names": 3}, "expected a list of at least one class name, found 3"),
        ({"names": iter("abc")}, "expected a list of at least one class name, found <str_"),
        ({"names": {0: "a"}}, "expected a list of at least one class name, found {0: 'a'}"),
        ({"names": np.array(["a"])}, "expected a list of at least one class name, found array"),
        ({"names": ["a", 2, "c"]}, "expected class names of text, found 2 as number 1"),
        ({"palette_rgb": 5}, "expected a list of colours, or colours by class name, found 5"),
        ({"palette_rgb": {}}, "expected a list of colours, or colours by class name, found {}"),
        ({"palette_rgb": "ade20k"}, "expected a list of colours.*, found 'ade20k'"),
        ({"palette_rgb": {0: (1, 2, 3)}}, "expected colours by class name, found 0 as a name"),
        ({"palette_rgb": [(1, 2, 3)] * 300}, "one for each class, found 300"),
        ({"palette_rgb": [(1, 2, 3)]}, "expected 3 colours, one for each class, found 1"),
        ({"palette_rgb": [(1, 2, 3)] * 2 + [(1, 2, 256)]}, r"numbers in \[0, 255\]"),
        (
            {"palette_rgb": {"violet": (1, 2, 3)}},
            "only other names, such as 'violet': the model's classes are 'red', 'green', 'blue'$",
        ),
    ],
)
def test_names_and_colors_that_do_not_fit_are_wrong_use(
    arguments: dict[str, Any], message: str, rgb_model: Path
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        OrtSegmenter(rgb_model, **arguments)
    assert len(str(caught.value)) < 200


def test_colors_may_be_an_array(rgb_model: Path) -> None:
    palette_rgb: Any = np.arange(9, dtype=np.uint8).reshape(3, 3)
    segmenter = OrtSegmenter(rgb_model, palette_rgb=palette_rgb)
    assert segmenter.metadata.palette_rgb == ((0, 1, 2), (3, 4, 5), (6, 7, 8))


def test_names_tell_how_many_classes_a_bare_file_has(make_model: MakeModel) -> None:
    names = [f"class {i}" for i in range(300)]
    with pytest.warns(MetadataWarning, match="assuming the official models' preprocessing"):
        segmenter = OrtSegmenter(make_model(first_id=290), names=names)
    result = segmenter(np.full((9, 9, 3), (255, 0, 0), np.uint8))
    assert result.areas() == {"class 292": 1.0}
    assert len(result.palette_rgb) == 300
    with (
        pytest.warns(MetadataWarning),
        pytest.raises(UsageError, match="expected 3 class names, found 2"),
    ):
        OrtSegmenter(make_model(kind="logits"), names=["one", "two"])


def test_logits_say_how_sure_they_are(
    logits_model: Path, rgb_model: Path, quadrants_bgr: Draw
) -> None:
    image_bgr = quadrants_bgr(64, 96)
    segmenter = OrtSegmenter(logits_model, confidence=True)
    result = segmenter(image_bgr)
    assert result.confidence is not None
    assert (result.confidence.shape, result.confidence.dtype) == ((64, 96), np.float32)
    # The logits are the normalised colours: 2.2 to 2.6 for the strongest, -2.1 to -1.8 for others.
    assert 0.9 < np.median(result.confidence) < 1
    assert np.array_equal(result.labels, OrtSegmenter(logits_model)(image_bgr).labels)
    assert OrtSegmenter(logits_model)(image_bgr).confidence is None
    tiled = segmenter.tiled(image_bgr)
    assert tiled.confidence is not None
    assert tiled.confidence.shape == (64, 96)
    with pytest.raises(UsageError, match="without `--no-logits-output`"):
        OrtSegmenter(rgb_model, confidence=True)


@pytest.mark.parametrize("fixed_size", [None, (128, 160)])
def test_tiles_make_a_whole(
    fixed_size: tuple[int, int] | None, logits_model: Path, quadrants_bgr: Draw
) -> None:
    segmenter = OrtSegmenter(logits_model, fixed_size=fixed_size)
    image_bgr = quadrants_bgr(300, 400)
    steps: list[tuple[int, int]] = []
    result = segmenter.tiled(
        image_bgr, tile_hw=(128, 128), overlap=32, progress=lambda *step: steps.append(step)
    )
    assert np.array_equal(result.labels, image_bgr[:, :, ::-1].argmax(axis=2))
    assert result.image_bgr is image_bgr
    assert steps[-1][0] == steps[-1][1] == len(steps) > 1
    assert result.speed["inference"] > 0


def test_a_network_of_fixed_size_is_tiled_by_that_size(
    make_model: MakeModel, rgb_metadata: ModelMetadata, quadrants_bgr: Draw
) -> None:
    props = replace(rgb_metadata, output="logits").to_props()
    shape = (1, 3, 96, 64)
    segmenter = OrtSegmenter(make_model(props=props, kind="logits", input_shape=shape))
    image_bgr = quadrants_bgr(200, 300)
    done: list[int] = []
    result = segmenter.tiled(image_bgr, progress=lambda *step: done.append(step[1]))
    assert np.array_equal(result.labels, image_bgr[:, :, ::-1].argmax(axis=2))
    assert done == [3 * 6] * 18


@pytest.mark.parametrize("shape", [("batch", 3, "height", "width"), (1, 3, 96, 64)])
def test_labels_cannot_be_tiled(
    shape: tuple[int | str, ...],
    make_model: MakeModel,
    rgb_metadata: ModelMetadata,
    quadrants_bgr: Draw,
) -> None:
    segmenter = OrtSegmenter(make_model(props=rgb_metadata.to_props(), input_shape=shape))
    with pytest.raises(UsageError, match="without `--no-logits-output`"):
        segmenter.tiled(quadrants_bgr(300, 400))


def test_a_stream_gives_results_in_order(
    rgb_model: Path, quadrants_bgr: Draw, tmp_path: Path
) -> None:
    segmenter = OrtSegmenter(rgb_model)
    for name in ("b", "a"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), quadrants_bgr(20, 30))
    names = [result.path.name for result in segmenter.stream(tmp_path / "*.png") if result.path]
    assert names == ["a.png", "b.png"]
    segmenter.close()
    with pytest.raises(UsageError, match="closed"):
        segmenter.stream(tmp_path)


def test_nothing_is_loaded_for_streams_before_there_is_one() -> None:
    code = (
        "import sys, ppmobileseg_deploy; ppmobileseg_deploy.OrtSegmenter; "
        "print(sorted({'urllib.request', 'http.client', 'ssl'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_a_decoded_image_gives_what_the_call_does(
    logits_model: Path, quadrants_bgr: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = OrtSegmenter(logits_model, confidence=True)
    image_bgr = quadrants_bgr(97, 131)
    expected = segmenter(image_bgr)
    monkeypatch.delattr("ppmobileseg_deploy.runtime.picture.Picture.of")  # which does the checks
    found = segmenter.segment_bgr(image_bgr)
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.confidence, expected.confidence)
    assert (found.image_bgr is image_bgr, found.path) == (True, None)


def test_closed_it_says_so(rgb_model: Path, quadrants_bgr: Draw) -> None:
    image_bgr = quadrants_bgr(20, 30)
    with OrtSegmenter(rgb_model) as segmenter:
        segmenter(image_bgr)
        lazy = weakref.ref(segmenter._opened().dynamic.lazy)
    segmenter.close()
    assert lazy() is None
    assert repr(segmenter).endswith("device='cpu', closed)")
    assert segmenter.names == ("red", "green", "blue")
    calls = segmenter, segmenter.segment_bgr, segmenter.tiled, segmenter.stream, segmenter.batch
    for call in calls:
        with pytest.raises(UsageError, match="expected an open segmenter, found one that was cl"):
            call(image_bgr)


def test_the_result_knows_its_model(rgb_model: Path) -> None:
    result = OrtSegmenter(rgb_model)(np.zeros((8, 8, 3), np.uint8))
    assert result.model_file == "rgb.onnx"
    assert result.metadata.class_names == ("red", "green", "blue")
    content = OrtSegmenter(rgb_model.read_bytes())
    assert content(np.zeros((8, 8, 3), np.uint8)).model_file == ""
