"""Files that normalise inside give the labels of those that are given normalised numbers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.runtime.inference.session import open_session

ROOT = Path(__file__).resolve().parents[3]
Export = Callable[..., Path]
Scene = Callable[[int, int], NDArray[np.uint8]]
ORDERS = "bgr", "rgb", "bgra", "rgba"


@pytest.fixture(scope="module")
def export(exported_demo: Export) -> Export:
    """``export(logits=True)``: the demo's checkpoint, trained, so that ties are rare."""
    return exported_demo


@pytest.fixture(scope="module")
def scene() -> Scene:
    """``scene(height, width)``: one of the demo's photographs with a little noise, BGR."""
    photograph = cv2.imread(str(next((ROOT / "demo" / "images").glob("*.jpg"))))
    assert photograph is not None

    def draw(height: int, width: int) -> NDArray[np.uint8]:
        scaled = cv2.resize(photograph, (width, height), interpolation=cv2.INTER_AREA)
        noise = np.random.default_rng(0).integers(0, 20, scaled.shape, np.uint8)
        return np.asarray(cv2.add(scaled, noise), np.uint8)

    return draw


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("logits_output", [True, False])
def test_labels_are_equal_at_any_size(
    logits_output: bool, order: str, export: Export, scene: Scene
) -> None:
    expected = OrtSegmenter(export(logits_output=logits_output))
    found = OrtSegmenter(export(embed_preprocessing=order, logits_output=logits_output))
    assert found.metadata.channel_order == order
    for image_hw in [(512, 512), (97, 131), (17, 20), (1, 1), (5, 900), (1080, 1920)]:
        image_bgr = scene(*image_hw)
        labels = expected(image_bgr).labels
        np.testing.assert_array_equal(found(image_bgr).labels, labels)
    assert len(np.unique(labels)) > 2


@pytest.mark.parametrize("order", ORDERS)
def test_a_size_that_comes_often_is_pinned(
    order: str, export: Export, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ppmobileseg_deploy.runtime.inference.session_pool.PATIENCE", 2)
    segmenter = OrtSegmenter(export(embed_preprocessing=order), input_size_hw=(100, 150))
    image_bgr = scene(203, 305)
    first, *others = (segmenter(image_bgr).labels for _ in range(4))
    assert segmenter._sessions is not None
    assert segmenter._sessions.pinned_sizes_hw == ((100, 150),)
    pinned = segmenter._sessions.for_size((100, 150))
    assert pinned.lazy.inference.get_inputs()[0].shape == [1, 100, 150, len(order)]
    for other in others:
        assert (other != first).mean() < 1e-3


def test_images_of_one_size_are_stacked(
    export: Export, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [scene(120, 180), scene(97, 131), scene(120, 180)[::-1], scene(97, 131)[:, ::-1]]
    single = OrtSegmenter(export(), input_size_hw=(96, 128))
    stacked = OrtSegmenter(export(embed_preprocessing="rgb"), input_size_hw=(96, 128))
    assert stacked._sessions is not None
    session_type = type(stacked._sessions.dynamic)
    shapes, run = [], session_type.run

    def note(session: Any, tensor: NDArray[Any]) -> NDArray[Any]:
        shapes.append(tensor.shape)
        return run(session, tensor)

    monkeypatch.setattr(session_type, "run", note)
    results = stacked.batch(images, batch_size=2)
    assert shapes == [(2, 85, 128, 3), (2, 95, 128, 3)]
    for image_bgr, result in zip(images, results, strict=True):
        assert (result.labels != single(image_bgr).labels).mean() < 1e-3


@pytest.mark.parametrize("tile_hw", [(64, 96), (50, 77), None])
def test_tiles_blend_the_same_logits(
    tile_hw: tuple[int, int] | None, export: Export, scene: Scene
) -> None:
    image_bgr = scene(211, 302)
    expected, found = (
        OrtSegmenter(export(logits=True, **options), confidence=True).tiled(
            image_bgr, tile_hw=tile_hw
        )
        for options in ({}, {"embed_preprocessing": "rgb"})
    )
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_padding_to_a_fixed_size_moves_next_to_nothing(
    order: str, export: Export, scene: Scene
) -> None:
    # Padding is a rounded mean, 0.01 after normalising, and not zero.
    image_bgr = scene(300, 300)
    expected = OrtSegmenter(export(), fixed_size=(256, 384))(image_bgr).labels
    fixed = OrtSegmenter(export(embed_preprocessing=order), fixed_size=(256, 384))
    assert (fixed(image_bgr).labels != expected).mean() < 2e-3


def test_a_static_file_gets_exactly_its_size(export: Export, scene: Scene) -> None:
    model = export(embed_preprocessing="bgr", shape_hw=(97, 131))
    interface = open_session(model).interface
    assert interface.takes_bytes
    assert (interface.static_size_hw, interface.free_dimensions) == ((97, 131), ())
    image_bgr = scene(200, 200)
    expected = OrtSegmenter(export(shape_hw=(97, 131)))(image_bgr).labels
    assert (OrtSegmenter(model)(image_bgr).labels != expected).mean() < 5e-3


def test_ppms_infer_takes_such_a_file(export: Export, scene: Scene, tmp_path: Path) -> None:
    image_bgr, model = scene(97, 131), export(embed_preprocessing="bgr")
    cv2.imwrite(str(tmp_path / "street.png"), image_bgr)
    command = "from ppmobileseg_deploy.cli.infer import main; main()"
    arguments = ["street.png", "-m", str(model), "--save", "labels"]
    subprocess.run(
        [sys.executable, "-c", command, *arguments], cwd=tmp_path, check=True, capture_output=True
    )
    labels = cv2.imread(str(tmp_path / "street_labels.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, OrtSegmenter(export())(image_bgr).labels)
