"""Admission: so many requests are worked on, so many wait, and one more is refused at once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .problems import ClientLeftError, busy
from .settings import ServerSettings

if TYPE_CHECKING:
    from typing_extensions import Self

R = TypeVar("R")

LEASE_S: Final = 0.5
"""For so long a request that still arrives keeps a place from others."""


class Admission:
    """Places for requests: one for each worker, and those of the queue.

    A request takes its place before its body is read, so that a full server refuses it for the
    price of its headers. One that takes longer than `LEASE_S` to arrive gives its place up and
    looks for another when it is there: however many slow clients there are, they stop nobody.

    To be used by one event loop.

    Args:
        settings: How many places there are.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._free_workers = asyncio.Semaphore(settings.workers)
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="worker")
        self._taken = 0
        self._held_bytes = 0
        self.running = 0
        """Requests that workers are at."""
        self.waiting = 0
        """Requests that are here whole and wait for a worker."""
        self.present = 0
        """Requests that are anywhere between their headers and their answer."""

    def place(self) -> "Place":
        """Take a place; a context manager, at whose end it is free again.

        Raises:
            RequestError: None is free.
        """
        return Place(self)

    def close(self) -> None:
        """Wait for the workers, and end them."""
        self._threads.shutdown()

    def check_room(self) -> None:
        """Make sure that a place is free.

        Raises:
            RequestError: None is.
        """
        if self._taken >= self._settings.places:
            raise busy(
                f"expected at most {self._settings.places} requests at a time, found one more: "
                "try again later"
            )

    def _take(self) -> None:
        self.check_room()
        self._taken += 1

    def _give_back(self) -> None:
        self._taken -= 1

    def _hold(self, size: int) -> None:
        if self._held_bytes + size > self._settings.most_held_bytes:
            raise busy(
                f"expected at most {self._settings.most_held_bytes} bytes of requests in memory, "
                "found more: try again later"
            )
        self._held_bytes += size

    def _let_go(self, size: int) -> None:
        self._held_bytes -= size

    async def _run(self, work: Callable[[], R]) -> R:
        loop = asyncio.get_running_loop()
        self.waiting += 1
        try:
            await self._free_workers.acquire()
        except BaseException:
            self._give_back()
            raise
        finally:
            self.waiting -= 1
        self.running += 1

        answer: asyncio.Future[R] = loop.create_future()

        # Not when the client leaves: the thread goes on to its end, and its place is taken.
        def ended(job: Future[R]) -> None:
            self.running -= 1
            self._free_workers.release()
            self._give_back()
            if answer.cancelled():
                return
            error = job.exception()
            if error is None:
                answer.set_result(job.result())
            else:
                answer.set_exception(error)

        job = self._threads.submit(work)
        job.add_done_callback(lambda done: loop.call_soon_threadsafe(ended, done))
        return await answer


class Place:
    """The place of one request.

    Attributes:
        queue_s: Seconds that it waited for a worker.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._bytes = 0
        self._is_mine = False
        self._lease: asyncio.TimerHandle | None = None
        self.queue_s = 0.0

    def __enter__(self) -> "Self":
        self._admission._take()
        self._is_mine = True
        self._admission.present += 1
        self._lease = asyncio.get_running_loop().call_later(LEASE_S, self._give_back)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._lease is not None:
            self._lease.cancel()
        self._give_back()
        self._admission._let_go(self._bytes)
        self._admission.present -= 1

    def hold(self, size: int) -> None:
        """Count bytes of the body, which stay in memory until the end.

        Raises:
            RequestError: All requests together have too many.
        """
        self._admission._hold(size)
        self._bytes += size

    def arrived(self) -> None:
        """Say that the request is here whole.

        Raises:
            RequestError: It took its time, and there is no place for it any more.
        """
        if self._lease is not None:
            self._lease.cancel()
            self._lease = None
        if not self._is_mine:
            self._admission._take()
            self._is_mine = True

    async def run(self, work: Callable[[], R]) -> R:
        """Do the work of the request in a worker, as soon as one is free: once.

        When this is cancelled before a worker is free, no worker gets it.

        Args:
            work: Called in another thread.
        """
        start = perf_counter()

        def timed() -> R:
            self.queue_s = perf_counter() - start
            return work()

        self._is_mine = False  # it is the worker's, who may be at it when the client has left
        return await self._admission._run(timed)

    def _give_back(self) -> None:
        if self._is_mine:
            self._is_mine = False
            self._admission._give_back()


async def unless_left(receive: Callable[[], Any], job: Any) -> Any:
    """Wait for a job, or stop it when the client leaves.

    Args:
        receive: ASGI's, after the last part of the body.
        job: A coroutine; it is cancelled when the client is gone.

    Returns:
        What the job returns.

    Raises:
        ClientLeftError: The client was faster.
    """

    async def until_left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    work, left = asyncio.ensure_future(job), asyncio.ensure_future(until_left())
    try:
        await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientLeftError
        return work.result()
    finally:
        for each in (work, left):
            each.cancel()
        await asyncio.gather(work, left, return_exceptions=True)
