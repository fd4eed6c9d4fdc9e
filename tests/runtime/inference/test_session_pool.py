"""Sizes that come often in a row get a session of their own."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.session import Session, open_session
from ppmobileseg_deploy.runtime.inference.session_pool import SessionPool

MakeModel = Callable[..., Path]
A, B, C, D = (32, 64), (64, 32), (64, 64), (96, 32)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppmobileseg_deploy.runtime.inference.session_pool.PATIENCE", 2)


@pytest.mark.parametrize(
    ("sizes", "pinned"),
    [
        ([A, A], ()),
        ([A, A, A], (A,)),
        ([A, A, B, A, A, B], ()),
        ([A, A, B, A, A, A], (A,)),
        ([A] * 9 + [B] * 3, (A, B)),
        ([A] * 3 + [B] * 3 + [A], (B, A)),
        ([A] * 3 + [B] * 3 + [C] * 3 + [D] * 3, (B, C, D)),
        ([A] * 3 + [B] * 3 + [C] * 3 + [A] + [D] * 3, (C, A, D)),
    ],
)
def test_a_row_of_one_size_pins_it(
    sizes: list[tuple[int, int]], pinned: tuple[tuple[int, int], ...], rgb_model: Path
) -> None:
    dynamic = open_session(rgb_model)
    sessions = SessionPool(dynamic)
    for size_hw in sizes:
        session = sessions.for_size(size_hw)
        assert (session is not dynamic) == (size_hw in sessions.pinned_sizes_hw)
        if session is not dynamic:
            assert session.lazy.inference.get_inputs()[0].shape == [1, 3, *size_hw]
    assert sessions.pinned_sizes_hw == pinned


@pytest.mark.parametrize(
    ("expected", "pinned"), [([], ()), ([A, A], (A,)), ([A, B, C, D], (B, C, D))]
)
def test_where_sizes_are_expected_no_other_is_pinned(
    expected: list[tuple[int, int]], pinned: tuple[tuple[int, int], ...], rgb_model: Path
) -> None:
    dynamic = open_session(rgb_model)
    sessions = SessionPool(dynamic)
    sessions.expect(expected)
    for size_hw in ([A] * 9, [B] * 9):
        for each in size_hw:
            assert (sessions.for_size(each) is not dynamic) == (each in pinned)
    assert sessions.pinned_sizes_hw == pinned


def test_tiles_pin_nothing_but_take_what_is_pinned(rgb_model: Path) -> None:
    dynamic = open_session(rgb_model)
    sessions = SessionPool(dynamic)
    assert all(sessions.for_tile(A) is dynamic for _ in range(9))
    pinned = [sessions.for_size(A) for _ in range(9)][-1]
    assert pinned is not dynamic
    assert sessions.for_tile(A) is pinned


@pytest.mark.parametrize("input_shape", [(1, 3, 64, 64), ("batch", 3, "side", "side")])
def test_without_names_to_pin_nothing_is_opened(
    input_shape: tuple[int | str, ...], make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    dynamic = open_session(make_model(props=rgb_metadata.to_props(), input_shape=input_shape))
    sessions = SessionPool(dynamic)
    assert all(sessions.for_size((64, 64)) is dynamic for _ in range(9))


@pytest.mark.parametrize("model", ["rgb_model", "coarse_model"])
@pytest.mark.parametrize("as_type", [Path, Path.read_bytes])
def test_labels_stay_the_same(
    as_type: Callable[[Path], Path | bytes],
    model: str,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    segmenter = OrtSegmenter(as_type(request.getfixturevalue(model)))
    image_bgr = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    first, *others = (segmenter(image_bgr).labels for _ in range(5))
    assert segmenter._sessions.pinned_sizes_hw == ((512, 672),)
    assert all(np.array_equal(first, other) for other in others)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fate", ["gone", "replaced"])
def test_a_file_that_changes_is_not_opened_again(
    fate: str, make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    path = make_model("rgb.onnx", props=rgb_metadata.to_props())
    dynamic = open_session(path)
    sessions = SessionPool(dynamic)
    path.unlink()
    if fate == "replaced":
        make_model("rgb.onnx", props=rgb_metadata.to_props(), first_id=1)
    assert all(sessions.for_size(A) is dynamic for _ in range(9))


def test_threads_share_one_pinned_session(
    rgb_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    pinned = Session.pinned

    def count(session: Session, size_hw: tuple[int, int]) -> Session:
        opened.append(size_hw)
        return pinned(session, size_hw)

    monkeypatch.setattr(Session, "pinned", count)
    segmenter = OrtSegmenter(rgb_model, input_size_hw=(64, 64))
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (80, 80, 3), dtype=np.uint8) for _ in range(100)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(segmenter, images))
    assert opened == [(64, 64)]
    expected = OrtSegmenter(rgb_model, input_size_hw=(64, 64))
    for image, result in zip(images[::9], results[::9], strict=True):
        assert np.array_equal(result.labels, expected(image).labels)


_GROWTH = """
import resource, sys
import numpy as np
from ppmobileseg_deploy import OrtSegmenter

segmenter = OrtSegmenter(sys.argv[1], threads=1)
rng = np.random.default_rng(0)
sizes = rng.integers(100, 900, (500, 2))
sizes[0] = 900, 900
for i, (height, width) in enumerate(sizes, 1):
    segmenter(np.full((height, width, 3), i % 256, np.uint8))
    if i in (100, 500):
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_sizes_it_has_seen(coarse_model: Path) -> None:
    pytest.importorskip("resource", reason="Windows does not tell the peak of a process")
    found = subprocess.run(
        [sys.executable, "-c", _GROWTH, str(coarse_model)],
        capture_output=True,
        text=True,
        check=True,
    )
    after_100, after_500 = map(int, found.stdout.split())
    assert after_500 < 1.05 * after_100
