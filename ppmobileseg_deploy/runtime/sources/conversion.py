"""Decoded frames to BGR images, as what they say about themselves asks for.

Numbers of matrices, ranges and transfer functions are those of ISO/IEC 23091-2, which FFmpeg and
all codecs share. They are honoured, or refused by name:

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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ...errors import ImageError
from ..images.arrays import ImageBGR
from . import hdr
from .filters import FilterChain
from .look import NO_MATRIX, UNKNOWN, Look

if TYPE_CHECKING:
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame

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
"""Those that can be undone: FFmpeg's name, and the usual one."""

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


class Converter:
    """Converts frames of one look.

    Args:
        like: One of them.
        look: Its look.
        threads: Threads that work on a frame.

    Attributes:
        said: What is honoured, for people: ``"BT.709, limited range"``.

    Raises:
        ImageError: There is no way to convert them.
    """

    def __init__(self, like: "VideoFrame", look: Look, threads: int) -> None:
        is_yuv = _is_yuv(like.format)
        options, said = _yuv_options(look) if is_yuv else ({}, [])
        self._expands = not is_yuv and look.color_range == _LIMITED
        if self._expands:
            said.append("limited range")
        if look.shown_hw != look.size_hw:
            height, width = look.shown_hw
            options |= {"height": str(height), "width": str(width)}
            ratio = f"{look.pixel_aspect.numerator}:{look.pixel_aspect.denominator}"
            said.append(f"pixels of {ratio} scaled to {height}x{width}")
        scale = "scale", {"flags": "bicubic", "out_range": "full", **options}
        to_bgr = "format", {"pix_fmts": "bgr24"}
        if look.transfer in _HDR:
            cube = _cube(look, self._expands)
            said.append(f"{_HDR[look.transfer]} mapped to the range of photographs")
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "hdr.cube"
                file.write_text(cube)
                exact = "format", {"pix_fmts": "gbrp16"}  # in which the table is quickest
                table = "lut3d", {"file": str(file), "interp": "tetrahedral"}
                self._chain = FilterChain(like, [scale, exact, table, to_bgr], threads)
        else:
            _check_transfer(look)
            self._chain = FilterChain(like, [scale, to_bgr], threads)
        self.said = ", ".join(said)

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


def _yuv_options(look: Look) -> tuple[dict[str, str], list[str]]:
    matrix, stated = look.matrix, ""
    if matrix in NO_MATRIX:
        matrix, stated = _usual_matrix(look), " (not stated)"
    if matrix not in _MATRICES:
        found = _OTHER_MATRICES.get(matrix, f"number {matrix}")
        raise ImageError(
            f"expected a YUV matrix of BT.601, BT.709, BT.2020, FCC or SMPTE 240M, found {found}"
        )
    full = look.color_range == _FULL or look.pixel_format.startswith("yuvj")
    name, usual = _MATRICES[matrix]
    options = {"in_color_matrix": name, "in_range": "full" if full else "limited"}
    return options, [f"{usual}{stated}", f"{'full' if full else 'limited'} range"]


def _usual_matrix(look: Look) -> int:
    height, width = look.size_hw
    if look.transfer in _HDR or look.primaries == _BT2020:
        return _BT2020
    return _BT709 if width >= _HD_COLUMNS or height > _SD_ROWS else _BT601


def _check_transfer(look: Look) -> None:
    if look.transfer in _OTHER_TRANSFERS:
        raise ImageError(
            "expected a video for ordinary screens, PQ or HLG, found the transfer function "
            f"{_OTHER_TRANSFERS[look.transfer]}"
        )


def _cube(look: Look, expands: bool) -> str:
    name = _HDR[look.transfer]
    primaries = _BT2020 if look.primaries == UNKNOWN else look.primaries
    if primaries not in hdr.PRIMARIES:
        raise ImageError(
            f"expected {name} with primaries of BT.2020, P3 or BT.709, found number {primaries}"
        )
    if expands:
        raise ImageError(f"expected {name} in YUV or in full range, found {look.pixel_format}")
    return hdr.sdr_cube(look.transfer, primaries)
