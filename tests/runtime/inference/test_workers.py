"""The cores are shared out among images."""

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.inference import workers as sharing
from ppmobileseg_deploy.runtime.inference.workers import Workers, share_cores


@pytest.mark.parametrize(
    ("cores", "images", "workers", "threads", "expected"),
    [
        (1, None, None, None, Workers(1, None)),
        (2, None, None, None, Workers(2, 1)),
        (8, None, None, None, Workers(8, 1)),
        (8, 1, None, None, Workers(1, None)),
        (8, 3, None, None, Workers(3, 2)),
        (8, 1000, None, None, Workers(8, 1)),
        (8, None, 2, None, Workers(2, 4)),
        (8, None, 1, None, Workers(1, None)),
        (8, 1, 4, None, Workers(4, 2)),
        (2, None, 5, None, Workers(5, 1)),
        (8, None, 3, 5, Workers(3, 5)),
        (8, None, None, 2, Workers(1, 2)),
    ],
)
def test_several_images_get_equal_shares(monkeypatch, cores, images, workers, threads, expected):
    monkeypatch.setattr(sharing, "usable_cores", lambda: cores)
    assert share_cores(images, workers=workers, threads=threads) == expected


@pytest.mark.parametrize(
    ("workers", "session_threads"),
    [
        (Workers(1, None), None),
        (Workers(1, 4), 4),
        (Workers(4, 1), 1),
        (Workers(3, 2), 6),
        (Workers(1000, 1000), 1024),
    ],
)
def test_a_session_has_the_threads_of_all_runs_but_the_callers_own(workers, session_threads):
    assert workers.session_threads == session_threads


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"workers": 0}, "expected 1 to 1024 workers, found 0"),
        ({"workers": 2000}, "expected 1 to 1024 workers, found 2000"),
        ({"threads": -1}, "expected 1 to 1024 threads, found -1"),
    ],
)
def test_numbers_without_a_meaning_are_refused(choice, message):
    with pytest.raises(UsageError, match=message):
        share_cores(None, **choice)


@pytest.mark.parametrize(
    ("workers", "text"),
    [
        (Workers(1, None), "one image at a time on all cores"),
        (Workers(1, 1), "one image at a time on one thread"),
        (Workers(2, 1), "2 images at a time on one thread each"),
        (Workers(4, 2), "4 images at a time on 2 threads each"),
    ],
)
def test_what_users_are_told(workers, text):
    assert str(workers) == text


@pytest.mark.parametrize(
    ("workers", "all_threads"),
    [(Workers(1, None), None), (Workers(2, 1), 2), (Workers(3, 2), 6), (Workers(1024, 2), 1024)],
)
def test_other_devices_have_the_threads_of_all_workers(
    workers: Workers, all_threads: int | None
) -> None:
    assert workers.all_threads == all_threads
