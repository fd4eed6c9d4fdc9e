"""Several images in one call."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ppmobileseg_deploy import OrtSegmenter, UsageError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.session import Session

MakeModel = Callable[..., Path]
Draw = Callable[[int, int], NDArray[np.uint8]]


def test_a_batch_is_its_single_calls(
    rgb_model: Path, quadrants_bgr: Draw, photograph: Callable[[str], Path]
) -> None:
    segmenter = OrtSegmenter(rgb_model)
    images = [
        quadrants_bgr(97, 131),
        photograph("astronaut.png"),
        Image.open(photograph("rocket.jpg")),
        quadrants_bgr(31, 500)[:, :, 0],
    ]
    results = segmenter.batch(iter(images))
    assert len(results) == 4
    for image, result in zip(images, results, strict=True):
        single = segmenter(image)
        assert np.array_equal(result.labels, single.labels)
        assert result.path == single.path
    assert segmenter.batch([]) == []


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((30, 40, 3), np.uint8), r"one \(ndarray\)"),
        (np.zeros((30, 40), np.uint8), r"one \(ndarray\)"),
        (Image.new("RGB", (4, 3)), r"one \(Image\)"),
        ("street.jpg", r"one \(str\)"),
        (Path("street.jpg"), "one .*Path"),
        (b"a JPEG file", r"one \(bytes\)"),
        (io.BytesIO(), r"one \(BytesIO\)"),
        (None, "None"),
        (3, "3"),
    ],
)
def test_one_image_is_no_batch(images: Any, found: str, rgb_model: Path) -> None:
    with pytest.raises(UsageError, match=f"^expected several images, .*, found {found}"):
        OrtSegmenter(rgb_model).batch(images)


@pytest.mark.parametrize("shape", [(2, 30, 40, 3), (2, 30, 40)])
def test_an_array_of_images_is_a_batch(shape: tuple[int, ...], rgb_model: Path) -> None:
    images: Any = np.zeros(shape, np.uint8)
    results = OrtSegmenter(rgb_model).batch(images, batch_size=2)
    assert [result.orig_shape for result in results] == [(30, 40)] * 2


def _noted_runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    shapes: list[tuple[int, ...]] = []
    run = Session.run

    def note(session: Session, tensor: NDArray[np.float32]) -> NDArray[Any]:
        shapes.append(tensor.shape)
        return run(session, tensor)

    monkeypatch.setattr(Session, "run", note)
    return shapes


@pytest.mark.parametrize("fixed_size", [None, (64, 96)])
@pytest.mark.parametrize("model", ["rgb_model", "logits_model", "coarse_model"])
def test_stacks_give_what_single_calls_give(
    model: str,
    fixed_size: tuple[int, int] | None,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = {"fixed_size": fixed_size} if fixed_size else {"input_size_hw": (64, 96)}
    segmenter = OrtSegmenter(request.getfixturevalue(model), **rule)
    rng = np.random.default_rng(0)
    sizes = [(64, 96), (64, 96), (96, 64), (64, 96), (64, 96), (300, 450), (96, 64)]
    images = [rng.integers(0, 256, (*size_hw, 3), dtype=np.uint8) for size_hw in sizes]
    expected = [segmenter(image) for image in images]
    shapes = _noted_runs(monkeypatch)
    found = segmenter.batch(images, batch_size=3)
    for one, other in zip(expected, found, strict=True):
        assert one.image_bgr is other.image_bgr
        assert np.array_equal(one.labels, other.labels)
    assert max(shape[0] for shape in shapes) == 3
    assert sum(shape[0] for shape in shapes) == len(images)
    assert len(shapes) < len(images)


@pytest.mark.parametrize(
    ("vim", "input_shape"),
    [("image", ("batch", 3, "h", "w")), ("cell", (1, 3, "h", "w")), ("cell", (1, 3, 64, 96))],
)
def test_what_cannot_be_stacked_runs_one_by_one(
    vim: str,
    input_shape: tuple[int | str, ...],
    make_model: MakeModel,
    rgb_metadata: ModelMetadata,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    props = replace(rgb_metadata, vim=vim).to_props()
    segmenter = OrtSegmenter(make_model(props=props, input_shape=input_shape))
    shapes = _noted_runs(monkeypatch)
    segmenter.batch([np.zeros((64, 96, 3), np.uint8)] * 3, batch_size=3)
    assert [shape[0] for shape in shapes] == [1, 1, 1]


def test_no_more_than_a_stack_waits(rgb_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = _noted_runs(monkeypatch)
    waiting = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for given in range(8):
            waiting.append(given - sum(shape[0] for shape in shapes))
            yield np.zeros((64, 96, 3), np.uint8)

    OrtSegmenter(rgb_model).batch(images(), batch_size=3)
    assert waiting == [0, 1, 2, 0, 1, 2, 0, 1]


@pytest.mark.parametrize("batch_size", [0, -1, 1.0, "2", None])
def test_stacks_have_a_size(batch_size: Any, rgb_model: Path) -> None:
    with pytest.raises(UsageError, match="expected a batch size of at least 1"):
        OrtSegmenter(rgb_model).batch([], batch_size=batch_size)
