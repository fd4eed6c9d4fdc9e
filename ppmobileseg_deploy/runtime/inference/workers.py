"""Workers: how the cores are shared out among images that are segmented at the same time."""

from dataclasses import dataclass

from .threads import MAX_THREADS, checked_count, usable_cores


@dataclass(frozen=True)
class Workers:
    """So many images at a time, each on so many threads.

    Attributes:
        count: Images at a time.
        threads: Threads for each; None for as many as this process may use.
    """

    count: int
    threads: int | None

    @property
    def session_threads(self) -> int | None:
        """Threads of one session that all workers run.

        With one, a run stays in the worker's own thread. More are a pool which all runs share, so
        it has to have the threads of all of them.
        """
        return 1 if self.threads == 1 else self.all_threads

    @property
    def all_threads(self) -> int | None:
        """Threads of a device that runs all workers' images in threads of its own."""
        return None if self.threads is None else min(self.threads * self.count, MAX_THREADS)

    def __str__(self) -> str:
        images = "one image" if self.count == 1 else f"{self.count} images"
        if self.threads is None:
            return f"{images} at a time on all cores"
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{images} at a time on {threads}{' each' if self.count > 1 else ''}"


def share_cores(
    images: int | None, *, workers: int | None = None, threads: int | None = None
) -> Workers:
    """Share the cores out among images.

    A thread within an image waits for the others after every operator: two cores segment two
    images on a thread each about 1.4 times as fast as one after the other on both. So several
    images get a thread each, and cores that are left over go to all of them alike.

    Args:
        images: How many there are; None for many.
        workers: Images at a time, where the user has chosen.
        threads: Threads for each image, where the user has chosen: alone it means one image at a
            time.

    Raises:
        UsageError: A number is none from 1 to `MAX_THREADS`.
    """
    workers = None if workers is None else checked_count(workers, "workers")
    threads = None if threads is None else checked_count(threads, "threads")
    if workers is None and threads is not None:
        return Workers(1, threads)
    cores = usable_cores()
    count = workers if workers is not None else max(1, min(cores, images or cores))
    if threads is None and count > 1:
        threads = max(1, cores // count)
    return Workers(count, threads)
