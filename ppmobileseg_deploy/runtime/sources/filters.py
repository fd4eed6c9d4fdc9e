"""Filter chain: FFmpeg's filters one after the other, by PyAV."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...errors import ImageError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Filter = tuple[str, Mapping[str, str]]
"""A filter's name and its options."""


class FilterChain:
    """Filters, each of which takes what the one before it gives.

    Args:
        like: A frame whose size and format all frames have.
        filters: The filters, in order.
        threads: Threads that work on a frame.

    Raises:
        ImageError: They cannot take such frames.
    """

    def __init__(self, like: "VideoFrame", filters: Sequence[Filter], threads: int) -> None:
        from av.filter import Graph

        self._kind = f"{like.height}x{like.width} {like.format.name}"
        graph = Graph()
        graph.threads = threads
        with self._errors():
            nodes = [
                graph.add(
                    "buffer",
                    video_size=f"{like.width}x{like.height}",
                    pix_fmt=like.format.name,
                    time_base=str(like.time_base or "1/1000"),
                    pixel_aspect="1/1",
                )
            ]
            nodes += [graph.add(name, **options) for name, options in filters]
            nodes.append(graph.add("buffersink"))
            graph.link_nodes(*nodes).configure()
        self._graph = graph  # its nodes do not keep it alive
        self._source, self._sink = nodes[0], nodes[-1]

    def put(self, frame: "VideoFrame | None") -> "Iterator[VideoFrame]":
        """Take a frame, and give what is ready.

        Args:
            frame: The frame; None after the last one.

        Raises:
            ImageError: It cannot be filtered.
        """
        import av
        from av.video.frame import VideoFrame

        with self._errors():
            self._source.push(frame)
        while True:
            with self._errors():
                try:
                    made = self._sink.pull()
                except (av.BlockingIOError, av.EOFError):
                    return
            if isinstance(made, VideoFrame):
                yield made

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import av

        try:
            yield
        except MemoryError:
            raise
        except av.FFmpegError as error:
            reason = error.strerror or str(error)
            raise ImageError(f"FFmpeg cannot convert frames of {self._kind} ({reason})") from error
