"""Places: taken before a body is read, given up by the slow, kept while a worker is at it."""

import asyncio
import threading
import time

import pytest

from ppmobileseg_deploy.server import admission
from ppmobileseg_deploy.server.admission import Admission, unless_left
from ppmobileseg_deploy.server.problems import ClientLeftError, RequestError
from ppmobileseg_deploy.server.settings import ServerSettings


def _admission(workers=1, queue=1, **named):
    return Admission(ServerSettings(workers, queue, **named))


def _in_loop(job, found):
    try:
        return asyncio.run(job)
    finally:
        found.close()


def test_one_more_than_workers_and_queue_is_refused():
    found = _admission(workers=2, queue=1)

    async def job():
        with found.place(), found.place(), found.place():
            with pytest.raises(RequestError, match="at most 3 requests at a time") as refused:
                found.place().__enter__()
            assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        with found.place():
            pass

    _in_loop(job(), found)


def test_slow_requests_keep_no_place(monkeypatch):
    monkeypatch.setattr(admission, "LEASE_S", 0.01)
    found = _admission()

    async def job():
        with found.place() as slow, found.place() as other:
            await asyncio.sleep(0.05)
            with found.place() as fast, found.place() as second:
                fast.arrived()
                second.arrived()
                with pytest.raises(RequestError):
                    slow.arrived()
            other.arrived()
            slow.arrived()  # there is room again
            assert await slow.run(lambda: 7) == 7

    _in_loop(job(), found)


def test_work_waits_its_turn_and_one_worker_does_one_thing_at_a_time():
    found = _admission(workers=2, queue=4)
    order, most, now = [], [], []

    def work(number):
        now.append(number)
        most.append(len(now))
        time.sleep(0.02)
        order.append(number)
        now.remove(number)
        return number

    async def one(number):
        with found.place() as place:
            place.arrived()
            return await place.run(lambda: work(number))

    async def job():
        return await asyncio.gather(*map(one, range(6)))

    assert _in_loop(job(), found) == list(range(6))
    assert max(most) == 2
    assert sorted(order[:2]) == [0, 1]
    assert (found.running, found.waiting, found.present) == (0, 0, 0)


def test_a_client_that_leaves_is_dropped_from_the_queue():
    found = _admission()
    goes_on, done = threading.Event(), []

    async def leave():
        await asyncio.sleep(0.02)
        return {"type": "http.disconnect"}

    async def stay():
        await asyncio.Event().wait()

    async def one(receive, name):
        with found.place() as place:
            place.arrived()
            return await unless_left(
                receive, place.run(lambda: (goes_on.wait(9), done.append(name)))
            )

    async def job():
        first = asyncio.ensure_future(one(stay, "first"))
        await asyncio.sleep(0.01)
        with pytest.raises(ClientLeftError):
            await one(leave, "left")
        assert (found.running, found.waiting) == (1, 0)
        with found.place():  # its place is free
            goes_on.set()
            await first

    _in_loop(job(), found)
    assert done == ["first"]


def test_a_worker_that_is_at_it_keeps_its_place_when_the_client_leaves():
    found = _admission(workers=1, queue=0)
    goes_on = threading.Event()

    async def leave():
        await asyncio.sleep(0.02)
        return {"type": "http.disconnect"}

    async def job():
        with pytest.raises(ClientLeftError), found.place() as place:
            place.arrived()
            await unless_left(leave, place.run(lambda: goes_on.wait(9)))
        with pytest.raises(RequestError):
            found.place().__enter__()
        goes_on.set()
        while found.running:
            await asyncio.sleep(0.01)
        with found.place() as place:
            place.arrived()
            assert await place.run(lambda: 1) == 1

    _in_loop(job(), found)


def test_what_work_raises_comes_out_and_frees_the_worker():
    found = _admission(workers=1, queue=0)

    async def job():
        for _ in range(3):
            with pytest.raises(ZeroDivisionError), found.place() as place:
                place.arrived()
                await place.run(lambda: 1 // 0)
            await asyncio.sleep(0.01)

    _in_loop(job(), found)


def test_bodies_share_a_budget_of_memory():
    found = _admission(queue=9, max_body_bytes=100)

    async def job():
        with found.place() as first, found.place() as second:
            first.hold(700)
            second.hold(100)
            with pytest.raises(RequestError, match="at most 800 bytes") as refused:
                second.hold(1)
            assert refused.value.status == 503
        with found.place() as place:
            place.hold(800)

    _in_loop(job(), found)
