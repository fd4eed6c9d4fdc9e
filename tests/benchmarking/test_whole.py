from pathlib import Path

import pytest

from ppmobileseg_deploy import ModelError, UsageError
from ppmobileseg_deploy.benchmarking import (
    FirstImage,
    Start,
    candidates,
    first_image,
    measure_whole,
    whole,
)
from ppmobileseg_deploy.benchmarking.stages import Stages


def test_all_models_come_with_the_first_number_of_threads_first(
    model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(model.read_bytes())
    found = [(each.model, each.threads) for each in candidates([model, other], [2, None])]
    assert found == [(model, 2), (other, 2), (model, None), (other, None)]


@pytest.mark.parametrize(
    ("models", "threads", "message"),
    [
        (0, [1], "expected each model once, found none"),
        (2, [1], "expected each model once"),
        (1, [2, 2], "expected each number of threads once, found 2 2"),
        (1, [0], "threads, found 0"),
    ],
)
def test_candidates_are_refused(
    model: Path, models: int, threads: list[int | None], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        candidates([model] * models, threads)


def test_models_take_turns_image_by_image(
    model: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    times: dict[int, float] = {}

    def synthetic(segmenter: object, *_: object) -> Stages:
        number = times.setdefault(id(segmenter), len(times) + 1)
        ran.append(int(number))
        return Stages(0, 0, 10.0 * number, 0, 0, 0)

    monkeypatch.setattr(whole, "segment_file", synthetic)
    monkeypatch.setattr(whole, "first_image", lambda *_, **__: FirstImage(50.0, 20.0, 150.0))
    rows = measure_whole(candidates([model], [1, 2]), image, turns=3)
    assert ran == [1, 2] * 4  # the first round does not count
    assert [row.latency.total_ms.median for row in rows] == [10, 20]
    assert [row.latency.total_ms.samples for row in rows] == [3, 3]
    assert [row.images_per_second for row in rows] == [100, 50]
    assert [row.threads for row in rows] == [1, 2]
    # 48x80 is enlarged to a short side of 64, and padded.
    assert {row.network_hw for row in rows} == {(64, 128)}
    assert {row.classes_found for row in rows} == {3}


def test_start_sums_up_processes() -> None:
    start = Start.of([FirstImage(10, 1, 150), FirstImage(30, 3, 170), FirstImage(20, 2, 160)])
    assert (start.session_ms.median, start.first_image_ms.median) == (20, 2)
    assert start.peak_mb == 170
    assert Start.of([FirstImage(10, 1, None)]).peak_mb is None


def test_a_fresh_process_tells_what_it_took(
    model: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of all that lies in the current folder, nothing is imported.
    (tmp_path / "cv2.py").write_text("raise SystemExit('not meant')")
    monkeypatch.chdir(tmp_path)
    found = first_image(model, image, threads=1)
    assert found.session_ms > 0
    assert found.first_image_ms > 0
    assert found.peak_mb is not None
    assert 30 < found.peak_mb < 1000


def test_a_process_that_fails_is_an_error(tmp_path: Path, image: Path) -> None:
    with pytest.raises(ModelError, match=r"gone.onnx: .* ended with code 1 \(.*no such file\)"):
        first_image(tmp_path / "gone.onnx", image)
