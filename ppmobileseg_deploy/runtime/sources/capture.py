"""OpenCV's video reader: opened on local files and cameras only, and silent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2

from ...errors import ImageError
from ...files import kind_of
from .boxes import BOX_TYPES

# FFmpeg guesses what a file is, and knows playlists and session descriptions that point
# anywhere. So the content must begin like a video file, whatever the name says.
_STARTS: Final = (
    b"\x1aE\xdf\xa3",  # Matroska and WebM
    b"0&\xb2u\x8ef\xcf\x11",  # ASF, that is WMV
    b"\x00\x00\x01\xba",  # MPEG programme stream
    b"\x00\x00\x01\xb3",  # MPEG video alone
)
_TS_SYNC: Final = 0x47
_TS_PACKETS: Final = ((0, 188), (4, 196))  # transport stream: where the first two packets begin

_LOG_LEVEL_SILENT: Final = 0
_FFMPEG_LEVEL: Final = "OPENCV_FFMPEG_LOGLEVEL"
_FFMPEG_QUIET: Final = "-8"


@contextmanager
def open_video(path: Path) -> Iterator[cv2.VideoCapture]:
    """Open a video file.

    Args:
        path: The file. Only FFmpeg reads it, and only if it begins like a video.

    Raises:
        ImageError: There is no such file, or it is no video that can be read.
    """
    _check_content(path)
    # An absolute path cannot be taken for a protocol ("concat:a.mp4").
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ImageError(f"cannot read {path}: expected a file name in UTF-8") from None
    with _silent():
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
        # Phones store videos as the sensor lies, with a note how to turn them.
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    with _released(capture):
        if not capture.isOpened():
            raise ImageError(
                f"cannot read {path}: expected a complete video, found a damaged file or a "
                "format that this OpenCV cannot decode"
            )
        yield capture


@contextmanager
def open_camera(index: int) -> Iterator[cv2.VideoCapture]:
    """Open a camera.

    Args:
        index: Its number, from 0.

    Raises:
        ImageError: It cannot be opened.
    """
    with _silent():
        capture = cv2.VideoCapture(index)
    with _released(capture):
        if not capture.isOpened():
            raise ImageError(
                f"cannot open camera {index}: none is connected, it is in use, or access is denied"
            )
        # What is shown should be of now, not of some frames ago.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        yield capture


def _check_content(path: Path) -> None:
    kind = kind_of(path)
    if kind != "file":
        found = {None: "nothing", "folder": "a folder"}.get(kind, "a device or a pipe")
        raise ImageError(f"cannot read {path}: expected a video file, found {found}")
    try:
        with path.open("rb") as stream:
            start = stream.read(256)
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
    riff = start.startswith(b"RIFF") and start[8:12] == b"AVI "
    stream_packets = any(
        start[first : first + 1] == start[second : second + 1] == bytes([_TS_SYNC])
        for first, second in _TS_PACKETS
    )
    if not (start[4:8] in BOX_TYPES or start.startswith(_STARTS) or riff or stream_packets):
        raise ImageError(
            f"cannot read {path}: expected an MP4, MOV, MKV, WebM, AVI, MPEG or WMV video, found "
            + (f"a file that starts with {start[:12]!r}" if start else "an empty file")
        )


@contextmanager
def _released(capture: cv2.VideoCapture) -> Iterator[None]:
    try:
        yield
    finally:
        capture.release()


@contextmanager
def _silent() -> Iterator[None]:
    """Keep OpenCV and FFmpeg from writing to stderr what our errors say; wishes of users go first.

    FFmpeg looks at its variable once, when the first video of the process is opened.
    """
    ours = "OPENCV_LOG_LEVEL" not in os.environ
    ffmpeg_ours = not {_FFMPEG_LEVEL, "OPENCV_FFMPEG_DEBUG"} & os.environ.keys()
    logging: Any = getattr(cv2.utils, "logging", cv2)  # moved between OpenCV 4 and 5
    level = logging.getLogLevel()
    if ours:
        logging.setLogLevel(_LOG_LEVEL_SILENT)
    if ffmpeg_ours:
        os.environ[_FFMPEG_LEVEL] = _FFMPEG_QUIET
    try:
        yield
    finally:
        if ours:
            logging.setLogLevel(level)
        if ffmpeg_ours:
            os.environ.pop(_FFMPEG_LEVEL, None)
