"""Video files: H.264 by PyAV, or what OpenCV can write without it."""

import math
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import OutputError
from ..sources.containers import INSTALL

_UNKNOWN_FPS: Final = Fraction(30)
_SLOWEST_FPS: Final = Fraction(1, 1000)
_FASTEST_FPS: Final = Fraction(1000)
# The denominator of NTSC's rates, 30000/1001 and its like, which arrive as rounded numbers.
_MAX_DENOMINATOR: Final = 1001
_LEAST_TICKS: Final = 90_000  # a second, as MPEG has it

# Against the preset "fast" (a 1080p overlay): half the time, which inference needs too, for a file
# 11 % larger and 0.5 dB less.
_QUALITY: Final = {"crf": "20", "preset": "veryfast"}
_BT709: Final = 1  # in the tables of H.264, Annex E: primaries, transfer and matrix
_LIMITED_RANGE: Final = 1  # FFmpeg's AVCOL_RANGE_MPEG


def _bt709() -> NDArray[np.float32]:
    """Return the matrix from (blue, green, red, 1) to (Y, Cb, Cr) of BT.709, all in 8 bits."""
    red, blue = 0.2126, 0.0722
    luma = np.array([blue, 1 - red - blue, red])
    cb = (np.array([1, 0, 0]) - luma) / (2 * (1 - blue))
    cr = (np.array([0, 0, 1]) - luma) / (2 * (1 - red))
    rows = [*luma * 219 / 255, 16], [*cb * 224 / 255, 128], [*cr * 224 / 255, 128]
    return np.array(rows, np.float32)


_YUV_OF_BGR: Final = _bt709()


class VideoFile(Protocol):
    """Writer of a video file."""

    def write(self, image_bgr: NDArray[np.uint8], time_s: float) -> None:
        """Add a frame.

        Args:
            image_bgr: (height, width, 3) uint8, BGR, of the size that the file was opened with.
            time_s: When it is shown, in seconds from the start; larger than the last one's.

        Raises:
            OutputError: It cannot be written.
        """

    def close(self) -> None:
        """Finish the file so that it can be played.

        Raises:
            OutputError: That is not possible.
        """

    def abandon(self) -> None:
        """Close the file, complete or not."""


def frame_rate(fps: float | None) -> Fraction:
    """Return an exact frame rate for a number that a video or a camera states.

    Args:
        fps: The number; whatever cannot be one (None, NaN, 0) gives 30.

    Returns:
        The simplest fraction close to it, from 1/1000 to 1000: 30000/1001 for 29.97003.
    """
    if fps is None or not math.isfinite(fps) or fps <= 0:
        return _UNKNOWN_FPS
    rate = Fraction(fps).limit_denominator(_MAX_DENOMINATOR)
    return min(max(rate, _SLOWEST_FPS), _FASTEST_FPS)


def open_video(
    path: Path, size_hw: tuple[int, int], fps: Fraction, *, name: Path
) -> tuple[VideoFile, str]:
    """Open a video file for writing, in the best format that this installation can write.

    Args:
        path: The file, ending in ``.mp4``. It is overwritten.
        size_hw: Size of the frames.
        fps: Frames a second.
        name: What errors call the file.

    Returns:
        The file, and a note for the user if it is not H.264, else an empty text.

    Raises:
        OutputError: It cannot be opened.
    """
    try:
        import av
        import av.codec.codec

        av.codec.Codec("libx264", "w")
    except ImportError:
        missing = "PyAV is not installed"
    except ValueError:  # UnknownCodecError: built without it
        missing = "this PyAV has no libx264"
    else:
        return _H264File(path, size_hw, fps, name), ""
    note = (
        f"{missing}: OpenCV writes the videos as MPEG-4 Part 2, which browsers do not play; "
        f"for H.264: {INSTALL}"
    )
    return _OpenCVFile(path, size_hw, fps, name), note


class _H264File:
    """H.264 in MP4 as browsers play it: 4:2:0, and the index at the beginning."""

    def __init__(self, path: Path, size_hw: tuple[int, int], fps: Fraction, name: Path) -> None:
        import av

        self._name = name
        self._errors: tuple[type[Exception], ...] = (av.FFmpegError, OSError, ValueError)
        # Divides the time of a frame evenly, and anything else finely enough.
        self._time_base = Fraction(1, fps.numerator * -(-_LEAST_TICKS // fps.numerator))
        self._tick = -1
        height, width = _even(size_hw)
        try:
            self._container = av.open(
                str(path), "w", format="mp4", options={"movflags": "+faststart"}
            )
            self._stream: av.VideoStream = self._container.add_stream(
                "libx264", rate=fps, options=_QUALITY
            )
        except self._errors as error:
            raise _output_error(name, error) from error
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = self._time_base
        context.color_range = _LIMITED_RANGE
        context.colorspace = context.color_primaries = context.color_trc = _BT709

    def write(self, image_bgr: NDArray[np.uint8], time_s: float) -> None:
        import av

        self._tick = max(self._tick + 1, round(time_s / self._time_base))

        try:
            frame = av.VideoFrame.from_ndarray(_yuv420(_evened(image_bgr)), format="yuv420p")
            frame.pts, frame.time_base = self._tick, self._time_base
            self._container.mux(self._stream.encode(frame))
        except self._errors as error:
            raise _output_error(self._name, error) from error

    def close(self) -> None:
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except self._errors as error:
            raise _output_error(self._name, error) from error

    def abandon(self) -> None:
        with suppress(*self._errors):
            self._container.close()


class _OpenCVFile:
    """MPEG-4 Part 2, the one format that every OpenCV from PyPI can write into MP4.

    OpenCV knows neither frames of their own length nor errors: each frame is shown equally long,
    and whether all of them arrived is looked up in the finished file.
    """

    def __init__(self, path: Path, size_hw: tuple[int, int], fps: Fraction, name: Path) -> None:
        self._path, self._name = path, name
        height, width = _even(size_hw)
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(path), fourcc, float(fps), (width, height))
        self._written = 0
        if not self._writer.isOpened():
            raise OutputError(f"cannot write {name}: OpenCV can write no such video: {INSTALL}")

    def write(self, image_bgr: NDArray[np.uint8], time_s: float) -> None:  # noqa: ARG002
        self._writer.write(_evened(image_bgr))
        self._written += 1

    def close(self) -> None:
        self._writer.release()
        written = cv2.VideoCapture(str(self._path))
        found = int(written.get(cv2.CAP_PROP_FRAME_COUNT)) if written.isOpened() else 0
        written.release()
        if found != self._written:
            raise OutputError(
                f"cannot write {self._name}: expected {self._written} frames in the finished "
                f"file, found {found}: the disk may be full"
            )

    def abandon(self) -> None:
        self._writer.release()


def _even(size_hw: tuple[int, int]) -> tuple[int, int]:
    # 4:2:0 has one colour for 2x2 pixels. A row or column more is not seen, one less would be
    # a row of the image lost.
    return size_hw[0] + size_hw[0] % 2, size_hw[1] + size_hw[1] % 2


def _evened(image_bgr: NDArray[Any]) -> NDArray[Any]:
    height, width = image_bgr.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return np.ascontiguousarray(image_bgr)
    return cv2.copyMakeBorder(image_bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)


def _yuv420(image_bgr: NDArray[Any]) -> NDArray[Any]:
    """Convert BGR to the planes of 4:2:0, one below the other, BT.709, limited range.

    PyAV can do it too, but takes twice the time.
    """
    height, width = image_bgr.shape[:2]
    planes = np.empty((height * 3 // 2, width), np.uint8)
    yuv = cv2.transform(image_bgr, _YUV_OF_BGR)
    cv2.extractChannel(yuv, 0, planes[:height])
    half = cv2.resize(yuv, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    chroma[0], chroma[1] = half[..., 1], half[..., 2]
    return planes


def _output_error(name: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return OutputError(f"cannot write {name}: {reason}")
