"""Several threads work on items, and results keep the items' order."""

import gc
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime import parallel
from ppmobileseg_deploy.runtime.parallel import LARGE_BYTES, InOrder


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_results_keep_the_order_of_the_items(workers, count):
    def work(number):
        time.sleep(0.001 * (number % 3))
        return number * number

    with InOrder(work, range(count), workers) as results:
        assert list(results) == [number * number for number in range(count)]
        assert list(results) == []


def test_all_workers_work_at_the_same_time():
    together = threading.Barrier(3)
    with InOrder(lambda _: together.wait(10), range(6), workers=3) as results:
        assert sorted(results) == [0, 0, 1, 1, 2, 2]


def test_items_are_taken_one_at_a_time_and_only_so_many():
    taken, taking = [], threading.Lock()

    def items():
        for number in range(30):
            assert taking.acquire(blocking=False)
            taken.append(number)
            taking.release()
            yield number

    with InOrder(lambda number: number, items(), workers=2) as results:
        assert not taken
        for number in results:
            time.sleep(0.002)
            assert len(taken) <= number + 5  # twice two workers, and the one in use
    assert taken == list(range(30))


def test_a_large_item_is_worked_on_alone():
    at_work, most = set(), []
    lock = threading.Lock()
    large = {3, 4, 9}

    def work(number):
        with lock:
            at_work.add(number)
            most.append(set(at_work))
        time.sleep(0.003)
        with lock:
            at_work.remove(number)
        return number

    def n_bytes(number):
        return LARGE_BYTES + 1 if number in large else 1000

    with InOrder(work, range(12), workers=3, n_bytes=n_bytes) as results:
        assert list(results) == list(range(12))
    assert all(len(each) == 1 for each in most if each & large)
    assert max(map(len, most)) > 1


def test_an_error_comes_at_its_place_and_the_others_can_still_be_had():
    def work(number):
        if number == 2:
            raise ValueError("two")
        return number

    with InOrder(work, range(5), workers=2) as results:
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(ValueError, match="two"):
            next(results)
        assert list(results) == [3, 4]


def test_an_error_of_the_items_comes_after_all_results():
    def items():
        yield from range(3)
        raise KeyError("gone")

    found = []
    with InOrder(lambda number: number, items(), workers=3) as results:
        with pytest.raises(KeyError, match="gone"):
            found.extend(results)
        assert list(results) == []
    assert found == [0, 1, 2]


def test_after_stopping_the_results_of_what_was_begun_come():
    begun = []

    def work(number):
        begun.append(number)
        return number

    with InOrder(work, range(1000), workers=2) as results:
        assert next(results) == 0
        results.stop()
        assert list(results) == sorted(begun)[1:]
    assert len(begun) <= 6


def test_leaving_waits_for_what_was_begun_and_closes_the_items():
    done, closed = [], threading.Event()

    def items():
        try:
            yield from range(1000)
        finally:
            closed.set()

    def work(number):
        time.sleep(0.02)
        done.append(number)

    with InOrder(work, items(), workers=3) as results:
        next(results)
    count = len(done)
    assert 3 <= count <= 7
    assert closed.is_set()
    time.sleep(0.03)
    assert len(done) == count


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_ctrl_c_while_waiting_loses_no_result():
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    release = threading.Event()

    def work(number):
        assert release.wait(10)
        return number

    try:
        with InOrder(work, range(2), workers=2) as results:
            interrupted = threading.main_thread().ident, signal.SIGINT
            timer = threading.Timer(0.05, signal.pthread_kill, interrupted)
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                next(results)
            timer.join()
            release.set()
            assert list(results) == [0, 1]
    finally:
        signal.signal(signal.SIGINT, handler)


class _Interrupted(queue.SimpleQueue):
    """Ctrl-C comes whenever the main thread has just taken something out."""

    armed = True

    def get(self, *arguments, **choice):
        item = super().get(*arguments, **choice)
        if self.armed and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return item


def test_ctrl_c_at_the_moment_when_a_result_comes_loses_none(monkeypatch):
    monkeypatch.setattr(queue, "SimpleQueue", _Interrupted)
    found, interrupts = [], 0
    with InOrder(lambda number: time.sleep(0.01) or number, range(6), workers=2) as results:
        while len(found) < 6:
            interrupts += 1
            with suppress(KeyboardInterrupt):
                found.append(next(results))
                interrupts -= 1
        monkeypatch.setattr(_Interrupted, "armed", False)
    assert found == list(range(6))
    assert interrupts >= 3


def test_items_that_hang_are_waited_for_a_while_only(monkeypatch):
    monkeypatch.setattr(parallel, "_PATIENCE_S", 0.2)
    hanging, done = threading.Event(), []

    def items():
        yield 0
        yield 1
        assert hanging.wait(10)
        yield 2

    start = time.perf_counter()
    with InOrder(done.append, items(), workers=8) as results:
        next(results)
        results.stop()
        assert list(results) == [None]
    assert 0.1 < time.perf_counter() - start < 1
    hanging.set()
    for thread in results.threads:
        thread.join(10)
    assert done == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_has_no_part_in_it():
    release = threading.Event()
    with InOrder(lambda number: release.wait(10) and number, range(9), workers=2) as results:
        timer = threading.Timer(0.05, release.set)
        timer.start()
        assert next(results) == 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, from Python 3.12 on
            child = os.fork()
        if child == 0:
            try:
                next(results)
            except UsageError:
                results.close()
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert list(results) == list(range(1, 9))
        timer.join()


def test_one_left_behind_is_closed_with_what_holds_it():
    def results():
        with InOrder(lambda number: number, iter(int, 1), workers=2) as found:
            yield from found

    left = results()
    next(left)
    del left
    gc.collect()


_LEFT_OPEN = """
import time
from ppmobileseg_deploy.runtime.parallel import InOrder

def work(number):
    time.sleep(0.2)
    print(number, flush=True)

results = InOrder(work, range(100), workers=2)
next(results)
"""


def test_as_the_process_ends_so_does_what_was_begun():
    ended = subprocess.run(
        [sys.executable, "-c", _LEFT_OPEN], capture_output=True, text=True, check=True
    )
    # Two are done, or begun, and one of the two may have begun another.
    assert 2 <= len(ended.stdout.split()) <= 6
    assert not ended.stderr


def test_workers_are_needed():
    with pytest.raises(UsageError, match="expected 1 or more workers, found 0"):
        InOrder(str, [], workers=0)
