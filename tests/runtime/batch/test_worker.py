"""Work is done behind the caller's back, but in order, bounded, and never silently lost."""

import signal
import sys
import threading
from contextlib import suppress

import pytest

from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.runtime.batch import WritingWorker
from ppmobileseg_deploy.runtime.batch import worker as module

SECONDS = 10


def _fail():
    raise OutputError("cannot write a.png: No space left on device")


def test_work_is_done_in_order_in_another_thread():
    done = []
    with WritingWorker(max_pending=2) as worker:
        for number in range(20):
            worker.put(lambda number=number: done.append((number, threading.current_thread())))
    assert [number for number, _ in done] == list(range(20))
    assert {thread for _, thread in done} & {threading.main_thread()} == set()


@pytest.mark.parametrize(
    ("limits", "n_bytes", "room"),
    [
        ({"max_pending": 3}, 0, 3),
        ({"max_pending": 9, "max_pending_bytes": 100}, 50, 2),
        ({"max_pending": 9, "max_pending_bytes": 100}, 1000, 1),
    ],
)
def test_what_waits_is_bounded(limits, n_bytes, room):
    go_on, put = threading.Event(), []
    worker = WritingWorker(**limits)

    def put_all():
        for number in range(6):
            worker.put(lambda: go_on.wait(SECONDS), n_bytes)
            put.append(number)

    putting = threading.Thread(target=put_all)
    putting.start()
    putting.join(0.3)
    assert len(put) == room
    go_on.set()
    putting.join(SECONDS)
    worker.close()
    assert len(put) == 6


def test_an_error_comes_out_of_the_next_put_and_ends_the_work():
    done = []
    worker = WritingWorker(max_pending=1)
    worker.put(_fail)
    with pytest.raises(OutputError, match="No space left"):
        for _ in range(2):  # the first may come before the failure
            worker.put(lambda: None)
    worker.put(lambda: done.append(1))
    worker.close()
    assert done == []


def test_an_error_of_the_last_work_comes_out_of_close():
    worker = WritingWorker()
    worker.put(_fail)
    with pytest.raises(OutputError, match="No space left"):
        worker.close()
    worker.close()


def test_what_was_handed_over_is_done_when_the_caller_is_interrupted():
    done, go_on = [], threading.Event()
    with pytest.raises(KeyboardInterrupt), WritingWorker() as worker:
        for number in range(3):
            worker.put(lambda number=number: (go_on.wait(SECONDS), done.append(number)))
        go_on.set()
        raise KeyboardInterrupt
    assert done == [0, 1, 2]


def test_a_closed_worker_takes_nothing():
    worker = WritingWorker()
    worker.close()
    with pytest.raises(RuntimeError, match="closed"):
        worker.put(lambda: None)


def test_ctrl_c_within_a_method_of_a_condition_does_not_keep_it_locked(monkeypatch):
    class Interrupted(threading.Condition):
        def __enter__(self):
            # A signal comes when the lock is taken and `with` does not know of it yet.
            super().__enter__()
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "Condition", Interrupted)
    done = []
    worker = WritingWorker()
    with suppress(KeyboardInterrupt):
        worker.put(lambda: done.append(1))
    closing = threading.Thread(target=worker.close, daemon=True)
    closing.start()
    closing.join(SECONDS)
    assert not closing.is_alive()
    assert done == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_ctrl_c_while_it_closes_does_not_cut_the_waiting_short():
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    release, done = threading.Event(), []
    worker = WritingWorker()
    worker.put(lambda: done.append(release.wait(10)))
    interrupted = threading.main_thread().ident, signal.SIGINT
    timers = [
        threading.Timer(0.1, signal.pthread_kill, interrupted),
        threading.Timer(0.3, release.set),
    ]
    try:
        for timer in timers:
            timer.start()
        with pytest.raises(KeyboardInterrupt):
            worker.close()
        assert not done
        worker.close()
        assert done == [True]
    finally:
        signal.signal(signal.SIGINT, handler)
        for timer in timers:
            timer.join()
