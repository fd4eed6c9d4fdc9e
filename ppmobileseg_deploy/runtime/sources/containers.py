"""Video containers: which one a file is, by its first bytes, and opening it with PyAV.

MP4 and MOV files are sequences of boxes, each with its size in front (ISO/IEC 14496-12, 4.2); a
download that broke off ends within one.
"""

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ImageError
from ...files import kind_of
from ..inference.threads import allowed_threads

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

INSTALL: Final = "pip install 'ppmobileseg-deploy[video]'"
"""What installs PyAV."""

MOST_PIXELS: Final = 1 << 26
"""Larger frames (8192x8192) are refused: a decoder may have to keep 16 of them in memory."""

# Of PyAV: before it, what the container says of colours is lost where the stream says nothing, and
# options of decoders crash it with some containers.
_OLDEST: Final = (17, 1)
_MOST_THREADS: Final = 8  # each of them holds a frame

BOX_TYPES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
"""Types of the first box of an MP4 or MOV file."""

_MOST_BOXES: Final = 100_000

# FFmpeg guesses what a file is, and knows playlists and session descriptions that point anywhere.
# So it is told, and only what begins like a video file is opened, whatever the name says.
_DEMUXERS: Final = (
    (b"\x1aE\xdf\xa3", "matroska"),  # and WebM
    (b"0&\xb2u\x8ef\xcf\x11", "asf"),  # that is WMV
    (b"\x00\x00\x01\xba", "mpeg"),  # programme stream
    (b"\x00\x00\x01\xb3", "mpegvideo"),
    (b"OggS", "ogg"),
    (b"FLV\x01", "flv"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", "mxf"),
    (b"\x1f\x07\x00", "dv"),
)
_TS_SYNC: Final = 0x47
_TS_PACKETS: Final = ((0, 188), (4, 196))  # transport stream: where the first two packets begin


@dataclass(frozen=True)
class OpenVideo:
    """A video file that was opened, nothing of which is decoded yet.

    Attributes:
        container: The file.
        stream: The video in it: the first that is no cover picture.
        others: How many other videos are in it.
    """

    container: "InputContainer"
    stream: "VideoStream"
    others: int


@contextmanager
def open_video(path: Path) -> Iterator[OpenVideo]:
    """Open a video file, with a decoder that makes no frames much larger than `MOST_PIXELS`.

    Args:
        path: The file.

    Raises:
        ImageError: PyAV is not installed; there is no such file; or it is no video that can be
            read. The message does not name the file.
    """
    _check_installed()
    demuxer = _demuxer(path)
    import av

    # Coded frames are often a few rows higher than what is displayed.
    options = {"max_pixels": str(MOST_PIXELS + MOST_PIXELS // 8)}
    try:
        container = av.open(
            str(path.absolute()),  # which cannot be taken for a protocol ("concat:a.mp4")
            format=demuxer,
            options=options,
            container_options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ImageError(
            "expected a complete video, found a damaged file or a format that this PyAV cannot "
            f"read ({reason_of(error)})"
        ) from error
    with container:
        video = _chosen(container)
        context = video.stream.codec_context
        context.options = options
        context.thread_type = "AUTO"
        context.thread_count = decoder_threads()
        yield video


def decoder_threads() -> int:
    """Return how many threads decode: as many as this process may keep busy, and 8 at most."""
    return min(allowed_threads() or os.cpu_count() or 1, _MOST_THREADS)


def reason_of(error: BaseException) -> str:
    """Return what FFmpeg said of an error, on one line."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return str(reason) or type(error).__name__


def has_boxes(path: Path) -> bool:
    """Return whether a file begins with a box, as MP4 and MOV files do.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        return stream.read(8)[4:] in BOX_TYPES


def ends_within_box(path: Path) -> bool:
    """Return whether a file of boxes is shorter than its last box says.

    Args:
        path: A file that `has_boxes`.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        position = 0
        for _ in range(_MOST_BOXES):
            if position >= end:
                return position > end
            stream.seek(position)
            header = stream.read(16)
            if len(header) < 8:
                return True
            (size,) = struct.unpack(">I", header[:4])
            if size == 1 and len(header) == 16:
                (size,) = struct.unpack(">Q", header[8:])
            if size < 8:  # 0 means the rest of the file; others have no meaning
                return False
            position += size
    return False


def _check_installed() -> None:
    try:
        import av
        import av.filter
    except ImportError as error:
        found = "none" if error.name == "av" else f"one that cannot be loaded ({error})"
    else:
        version = re.match(r"(\d+)\.(\d+)", av.__version__)
        if version is None or (int(version[1]), int(version[2])) >= _OLDEST:
            return
        found = f"PyAV {av.__version__}"
    oldest = ".".join(map(str, _OLDEST))
    raise ImageError(f"videos need PyAV {oldest} or newer, found {found}: {INSTALL}")


def _demuxer(path: Path) -> str:
    kind = kind_of(path)
    if kind != "file":
        found = {None: "nothing", "folder": "a folder"}.get(kind, "a device or a pipe")
        raise ImageError(f"expected a video file, found {found}")
    try:
        with path.open("rb") as stream:
            start = stream.read(256)
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error
    for magic, demuxer in _DEMUXERS:
        if start.startswith(magic):
            return demuxer
    if start[4:8] in BOX_TYPES:
        return "mov"
    if start.startswith(b"RIFF") and start[8:12] == b"AVI ":
        return "avi"
    for first, second in _TS_PACKETS:
        if start[first : first + 1] == start[second : second + 1] == bytes([_TS_SYNC]):
            return "mpegts"
    raise ImageError(
        "expected an MP4, MOV, MKV, WebM, AVI, MPEG, WMV, Ogg, FLV, MXF or DV video, found "
        + (f"a file that starts with {start[:12]!r}" if start else "an empty file")
    )


def _chosen(container: "InputContainer") -> OpenVideo:
    from av.stream import Disposition

    streams = container.streams.video
    videos = [each for each in streams if Disposition.attached_pic not in each.disposition]
    if not videos:
        if not container.streams.get():
            raise ImageError("expected a complete video, found nothing in it but its beginning")
        found = "a cover picture" if streams else "sound" if container.streams.audio else "data"
        raise ImageError(f"expected a video, found {found} only")
    if videos[0].codec_context is None:
        raise ImageError("expected a format that this PyAV can decode, found one unknown to it")
    return OpenVideo(container, videos[0], len(videos) - 1)
