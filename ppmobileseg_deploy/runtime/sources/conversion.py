"""Colour conversion of decoded video frames to BGR, by their matrix, range and transfer function.

Their numbers are those of ISO/IEC 23091-2, which FFmpeg and all codecs share. What a video states
is applied, or refused by name:

- Where the matrix is not stated it is BT.2020 with BT.2020's primaries, PQ or HLG; else BT.709 for
  frames of 1280 columns or of more than 576 rows, and BT.601 below, as players have it.
- Where the range is not stated it is limited for YUV, full for RGB and gray.
- Pixels that are not square become so: their shorter side is made longer.
- PQ and HLG are mapped to the range of photographs, see `hdr`.
- Other primaries than BT.709's are left as they are, as with photographs: BT.2020's colours are a
  little pale then.
- Transparency is dropped, as with photographs.
"""

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ...errors import ImageError
from ...types import ImageBGR
from . import hdr
from .filters import FilterChain

if TYPE_CHECKING:
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

UNKNOWN: Final = 2
"""The number of an unstated matrix, transfer function or primaries."""

NO_MATRIX: Final = frozenset({0, UNKNOWN, 3})
"""Numbers that state no matrix of YUV: that of RGB, the unstated and a reserved one."""

_SQUARE: Final = Fraction(1)
_LIMITED, _FULL = 1, 2
_BT709, _BT601, _BT2020 = 1, 6, 9
_MATRICES: Final = {
    _BT709: ("bt709", "BT.709"),
    4: ("fcc", "FCC"),
    5: ("smpte170m", "BT.601"),
    _BT601: ("smpte170m", "BT.601"),
    7: ("smpte240m", "SMPTE 240M"),
    _BT2020: ("bt2020", "BT.2020"),
}
"""Matrices that are converted: FFmpeg's name, and the usual one."""

_OTHER_MATRICES: Final = {
    8: "YCgCo",
    10: "BT.2020 with constant luminance",
    11: "SMPTE ST 2085",
    12: "from the primaries",
    13: "from the primaries, with constant luminance",
    14: "ICtCp",
    15: "IPT-C2 (Dolby Vision)",
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}
_OTHER_TRANSFERS: Final = {
    8: "linear light",
    9: "logarithmic, 100:1",
    10: "logarithmic, 316:1",
    17: "SMPTE ST 428 (digital cinema)",
}
_HDR: Final = {hdr.PQ: "PQ", hdr.HLG: "HLG"}
_HD_COLUMNS, _SD_ROWS = 1280, 576

_FULL_OF_LIMITED: Final = np.clip(np.round((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(
    np.uint8
)


@dataclass(frozen=True)
class FrameFormat:
    """The format of a frame: its pixels and their colours.

    Attributes:
        pixel_format: FFmpeg's name of it.
        size_hw: Height and width as stored.
        pixel_aspect: Width of a pixel over its height.
        matrix: From RGB to YUV.
        color_range: 1 for limited, 2 for full.
        transfer: From light to signals.
        primaries: What red, green and blue are.
    """

    pixel_format: str
    size_hw: tuple[int, int]
    pixel_aspect: Fraction
    matrix: int
    color_range: int
    transfer: int
    primaries: int

    @property
    def shown_hw(self) -> tuple[int, int]:
        """Height and width in square pixels."""
        height, width = self.size_hw
        if self.pixel_aspect >= 1:
            return height, round(width * self.pixel_aspect)
        return round(height / self.pixel_aspect), width


class FrameFormats:
    """Formats of the frames of a video, from its container and from its stream.

    What the container says of the shape of the pixels counts, until the stream changes it midway;
    of colours, where the stream says nothing, which FFmpeg's decoders of HEVC and VP9 forget.

    PyAV has the shape of the pixels of the decoder, not of the frame: where it changes midway it
    changes some frames early, one for each thread of the decoder.

    Args:
        stream: The video, of which nothing is decoded yet.
    """

    def __init__(self, stream: "VideoStream") -> None:
        context = stream.codec_context
        self._context = context
        self._container_aspect = stream.sample_aspect_ratio
        self._first_aspect = context.sample_aspect_ratio
        self._container_colors = (context.colorspace, context.color_trc, context.color_primaries)
        self._container_range = context.color_range

    def of(self, frame: "VideoFrame") -> FrameFormat:
        """Return the format of the frame that was decoded last."""
        aspect = self._context.sample_aspect_ratio
        if aspect == self._first_aspect:
            aspect = self._container_aspect
        coded = (frame.colorspace, frame.color_trc, frame.color_primaries)
        matrix, transfer, primaries = (
            container if of_stream == UNKNOWN else of_stream
            for of_stream, container in zip(coded, self._container_colors, strict=True)
        )
        color_range = frame.color_range
        if matrix != frame.colorspace:
            color_range = self._container_range or color_range
        return FrameFormat(
            pixel_format=frame.format.name,
            size_hw=(frame.height, frame.width),
            pixel_aspect=aspect or _SQUARE,
            matrix=matrix,
            color_range=color_range,
            transfer=transfer,
            primaries=primaries,
        )


class Converter:
    """Conversion of frames of one format.

    Args:
        like: One of them.
        frame_format: Its format.
        threads: Threads that work on a frame.

    Attributes:
        description: What is applied, for logs: ``"BT.709, limited range"``.

    Raises:
        ImageError: There is no way to convert them.
    """

    def __init__(self, like: "VideoFrame", frame_format: FrameFormat, threads: int) -> None:
        is_yuv = _is_yuv(like.format)
        options, description = _yuv_options(frame_format) if is_yuv else ({}, [])
        self._expands = not is_yuv and frame_format.color_range == _LIMITED
        if self._expands:
            description.append("limited range")
        if frame_format.shown_hw != frame_format.size_hw:
            height, width = frame_format.shown_hw
            options |= {"height": str(height), "width": str(width)}
            ratio = (
                f"{frame_format.pixel_aspect.numerator}:{frame_format.pixel_aspect.denominator}"
            )
            description.append(f"pixels of {ratio} scaled to {height}x{width}")
        scale = "scale", {"flags": "bicubic", "out_range": "full", **options}
        to_bgr = "format", {"pix_fmts": "bgr24"}
        if frame_format.transfer in _HDR:
            cube = _cube(frame_format, expands=self._expands)
            description.append(f"{_HDR[frame_format.transfer]} mapped to the range of photographs")
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "hdr.cube"
                file.write_text(cube)
                exact = "format", {"pix_fmts": "gbrp16"}  # in which the table is quickest
                table = "lut3d", {"file": str(file), "interp": "tetrahedral"}
                self._chain = FilterChain(like, [scale, exact, table, to_bgr], threads)
        else:
            _check_transfer(frame_format)
            self._chain = FilterChain(like, [scale, to_bgr], threads)
        self.description = ", ".join(description)

    def convert(self, frame: "VideoFrame") -> ImageBGR:
        """Convert a frame.

        Returns:
            (height, width, 3) uint8, BGR, contiguous; memory of its own.

        Raises:
            ImageError: It cannot be converted.
        """
        (bgr,) = self._chain.put(frame)
        rows: Any = np.frombuffer(bgr.planes[0], np.uint8)  # type: ignore[call-overload]
        rows = rows.reshape(bgr.height, -1)[:, : 3 * bgr.width]
        image_bgr: ImageBGR = np.ascontiguousarray(rows).reshape(bgr.height, bgr.width, 3)
        if self._expands:
            return cv2.LUT(image_bgr, _FULL_OF_LIMITED)  # type: ignore[return-value]
        return image_bgr


def _is_yuv(pixels: "VideoFormat") -> bool:
    if pixels.is_rgb or pixels.has_palette or pixels.name.startswith("xyz"):
        return False
    return len(pixels.components) >= 3


def _yuv_options(frame_format: FrameFormat) -> tuple[dict[str, str], list[str]]:
    matrix, stated = frame_format.matrix, ""
    if matrix in NO_MATRIX:
        matrix, stated = _usual_matrix(frame_format), " (not stated)"
    if matrix not in _MATRICES:
        found = _OTHER_MATRICES.get(matrix, f"number {matrix}")
        raise ImageError(
            f"expected a YUV matrix of BT.601, BT.709, BT.2020, FCC or SMPTE 240M, found {found}"
        )
    full = frame_format.color_range == _FULL or frame_format.pixel_format.startswith("yuvj")
    name, usual = _MATRICES[matrix]
    options = {"in_color_matrix": name, "in_range": "full" if full else "limited"}
    return options, [f"{usual}{stated}", f"{'full' if full else 'limited'} range"]


def _usual_matrix(frame_format: FrameFormat) -> int:
    height, width = frame_format.size_hw
    if frame_format.transfer in _HDR or frame_format.primaries == _BT2020:
        return _BT2020
    return _BT709 if width >= _HD_COLUMNS or height > _SD_ROWS else _BT601


def _check_transfer(frame_format: FrameFormat) -> None:
    if frame_format.transfer in _OTHER_TRANSFERS:
        raise ImageError(
            "expected a video for ordinary screens, PQ or HLG, found the transfer function "
            f"{_OTHER_TRANSFERS[frame_format.transfer]}"
        )


def _cube(frame_format: FrameFormat, *, expands: bool) -> str:
    name = _HDR[frame_format.transfer]
    primaries = _BT2020 if frame_format.primaries == UNKNOWN else frame_format.primaries
    if primaries not in hdr.PRIMARIES:
        raise ImageError(
            f"expected {name} with primaries of BT.2020, P3 or BT.709, found number {primaries}"
        )
    if expands:
        raise ImageError(
            f"expected {name} in YUV or in full range, found {frame_format.pixel_format}"
        )
    return hdr.sdr_cube(frame_format.transfer, primaries)
