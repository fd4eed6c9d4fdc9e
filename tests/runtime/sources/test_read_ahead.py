"""Items are made ahead in a thread that never outlives its use."""

import gc
import threading
import time
from contextlib import closing

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.sources.read_ahead import LARGE_BYTES, ahead


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("depth", [1, 2, 100])
@pytest.mark.parametrize("items", [[], [None], range(50)])
def test_items_keep_their_order(items, depth):
    assert list(ahead(items, depth)) == list(items)


def test_no_more_is_made_than_was_allowed():
    made = []

    def make():
        for number in range(10):
            made.append(number)
            yield number

    with closing(ahead(make(), 3)) as items:
        assert not made
        assert next(items) == 0
        for _ in range(100):
            time.sleep(0.002)
            if len(made) == 4:
                break
        time.sleep(0.02)
        assert made == [0, 1, 2, 3]


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("large", [[0], [2, 3], range(10)])
def test_after_a_large_item_the_next_is_made_when_it_was_asked_for(depth, large):
    made = []

    def make():
        for number in range(10):
            made.append(number)
            yield number

    def n_bytes(number):
        return LARGE_BYTES + (number in large)

    taken = []
    with closing(ahead(make(), depth, n_bytes=n_bytes)) as items:
        for number in items:
            taken.append(number)
            time.sleep(0.01)
            waiting = made[len(taken) :]
            assert not set(waiting[:-1]) & set(large)
    assert taken == list(range(10))


def test_leaving_while_a_large_item_waits_ends_the_thread():
    with closing(ahead(iter(range(10)), 3, n_bytes=lambda _: LARGE_BYTES + 1)) as items:
        next(items)
        time.sleep(0.02)


def test_making_and_using_go_on_at_the_same_time():
    making = threading.Event()

    def make():
        yield 0
        making.set()
        yield 1

    with closing(ahead(make())) as items:
        next(items)
        assert making.wait(5)


def test_an_error_comes_after_the_items_before_it():
    def make():
        yield 1
        yield 2
        raise ValueError("third")

    got = []
    with pytest.raises(ValueError, match="third"):
        got.extend(ahead(make(), 10))
    assert got == [1, 2]


def test_what_cannot_be_iterated_is_an_error():
    with pytest.raises(TypeError):
        list(ahead(5))


def test_leaving_early_closes_the_iteration_in_its_own_thread():
    closed = []

    def make():
        try:
            while True:
                yield 0
        finally:
            closed.append(threading.current_thread().name)

    with closing(ahead(make())) as items:
        next(items)
    assert closed == ["read-ahead"]


def test_an_error_of_the_consumer_ends_the_thread():
    def consume():
        for item in ahead(iter(int, 1)):  # zeros without end
            raise KeyError(item)

    with pytest.raises(KeyError):
        consume()


def test_one_left_behind_may_be_collected_by_its_own_thread():
    left_behind, collected = threading.Event(), threading.Event()
    makers = []

    def make():
        makers.append(threading.current_thread())
        yield 0
        left_behind.wait(5)
        gc.collect()
        collected.set()
        yield 1

    class Holder:
        pass

    holder = Holder()
    holder.itself, holder.items = holder, ahead(make())
    gc.disable()
    try:
        next(holder.items)
        del holder
        left_behind.set()
        assert collected.wait(5)
    finally:
        gc.enable()
    makers[0].join(5)


def test_nothing_begins_before_the_first_item_is_asked_for():
    def make():
        raise AssertionError
        yield

    ahead(make()).close()


def test_an_error_while_closing_is_not_lost():
    def make():
        try:
            yield 0
        finally:
            raise ValueError("at the end")

    items = ahead(make())
    assert next(items) == 0
    with pytest.raises(ValueError, match="at the end"):
        next(items)


def test_a_depth_of_nothing_is_refused():
    with pytest.raises(UsageError, match="expected a depth of 1 or more, found 0"):
        ahead([], 0)
