"""Georeference: where on Earth an image lies, from GeoTIFF tags or a world file beside it.

Source: OGC 19-008r4 (GeoTIFF 1.1), section 7; ESRI's world files, as GDAL reads them.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from ...errors import ImageError
from ...small_files import read_small
from .formats.orientation import UPRIGHT, orientation_in, orientation_of
from .formats.tags import MAGICS, Directory, read_directory

_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION, _KEYS = 33550, 33922, 34264, 34735
_MOST_TIE_POINTS: Final = 1024
_MOST_KEYS: Final = 1024
_DOUBLE: Final = 12
_MODEL_TYPE, _RASTER_TYPE, _GEOGRAPHIC, _PROJECTED = 1024, 1025, 2048, 3072
_PROJECTED_MODEL: Final = 1
_IS_POINT: Final = 2
_USER_DEFINED: Final = 32767
_MOST_BYTES: Final = 4096
_ITS_NUMBERS: Final = 6


@dataclass(frozen=True)
class Georeference:
    """Where on Earth an image lies.

    Attributes:
        x: Coefficients ``(a, b, c)``: the point (x, y) of the image, in pixels from the upper
            left corner of the upper left pixel, lies at ``a * x + b * y + c`` to the east ...
        y: ... and at that with these to the north.
        epsg: Number of the coordinate reference system in EPSG's list; None where it is unknown.
    """

    x: tuple[float, float, float]
    y: tuple[float, float, float]
    epsg: int | None = None


def read_georeference(path: Path) -> Georeference | None:
    """Find out where an image lies.

    Args:
        path: Its file. GeoTIFF tags in it come first, then ``street.jgw``, ``street.jpgw`` or
            ``street.wld`` beside ``street.jpg`` (``.tfw`` and so on for other formats).

    Returns:
        The place of the upright image; None if nothing tells it.

    Raises:
        ImageError: What should tell it is malformed; or the pixels are stored turned, so that it
            is not about the upright image.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(4) in MAGICS:
                found = _of_tiff(stream_directory := read_directory(stream))
                if found is not None:
                    _check_upright(path, orientation_in(stream_directory))
                    return found
    except (ValueError, struct.error) as error:
        raise ImageError(f"cannot read the GeoTIFF tags of {path}: {error}") from error
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
    for beside in _world_files(path):
        if beside.is_file():
            found = _of_world_file(beside)
            _check_upright(path, _stated_orientation(path))
            return found
    return None


def _of_tiff(directory: Directory) -> Georeference | None:
    keys = _geo_keys(directory)
    if _TRANSFORMATION in directory.entries:
        matrix = _doubles(directory, _TRANSFORMATION, 16)
        if len(matrix) != 16:
            raise ValueError(f"expected a matrix of 16 numbers, found {len(matrix)}")
        x, y = (matrix[0], matrix[1], matrix[3]), (matrix[4], matrix[5], matrix[7])
    elif _PIXEL_SCALE in directory.entries and _TIE_POINTS in directory.entries:
        scale = _doubles(directory, _PIXEL_SCALE, 3)
        tie = _doubles(directory, _TIE_POINTS, 6 * _MOST_TIE_POINTS)
        if len(scale) < 2 or len(tie) < 6:
            raise ValueError(f"expected a scale and a tie point, found {len(scale) + len(tie)}")
        x = scale[0], 0.0, tie[3] - scale[0] * tie[0]
        y = 0.0, -scale[1], tie[4] + scale[1] * tie[1]
    else:
        return None
    # What it says of a pixel is of its corner, or of its middle.
    shift = 0.5 if keys.get(_RASTER_TYPE) == _IS_POINT else 0.0
    projected = keys.get(_MODEL_TYPE) == _PROJECTED_MODEL
    epsg = keys.get(_PROJECTED if projected else _GEOGRAPHIC)
    known = epsg if epsg and epsg != _USER_DEFINED else None
    return _checked(_shifted(x, shift), _shifted(y, shift), known)


def _doubles(directory: Directory, tag: int, most: int) -> tuple[float, ...]:
    entry = directory.entries[tag]
    if entry.kind != _DOUBLE or not 0 < entry.count <= most:
        raise ValueError(
            f"expected 1 to {most} numbers of 8 bytes in tag {tag}, "
            f"found {entry.count} of type {entry.kind}"
        )
    return struct.unpack(f"{directory.order}{entry.count}d", directory.data(tag))


def _geo_keys(directory: Directory) -> dict[int, int]:
    """Read the keys whose value is a number that stands in the directory of keys itself."""
    if _KEYS not in directory.entries:
        return {}
    numbers = directory.numbers(_KEYS, 4 * _MOST_KEYS)
    keys = {}
    for at in range(4, len(numbers) - 3, 4):
        key, tag, _, value = numbers[at : at + 4]
        if tag == 0:
            keys[key] = value
    return keys


def _world_files(path: Path) -> list[Path]:
    suffix = path.suffix.lstrip(".")
    if not suffix:
        return []
    endings = dict.fromkeys((f".{suffix[0]}{suffix[-1]}w", f".{suffix}w", ".wld"))
    spelled = [each for ending in endings for each in (ending, ending.lower(), ending.upper())]
    return [path.with_suffix(each) for each in dict.fromkeys(spelled)]


def _of_world_file(path: Path) -> Georeference:
    try:
        words = read_small(path, _MOST_BYTES).decode("ascii").split()
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise ImageError(f"expected six numbers in the world file {path}, found none") from None
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise ImageError(f"expected six numbers in the world file {path}: {error}") from None
    if len(numbers) != _ITS_NUMBERS:
        raise ImageError(f"expected six numbers in the world file {path}, found {len(numbers)}")
    a, d, b, e, c, f = numbers
    try:  # it speaks of the middle of the upper left pixel
        return _checked(_shifted((a, b, c), 0.5), _shifted((d, e, f), 0.5), None)
    except ValueError as error:
        raise ImageError(f"cannot use the world file {path}: {error}") from None


def _shifted(
    coefficients: tuple[float, float, float], pixels: float
) -> tuple[float, float, float]:
    a, b, c = coefficients
    return a, b, c - (a + b) * pixels


def _checked(
    x: tuple[float, float, float], y: tuple[float, float, float], epsg: int | None
) -> Georeference:
    area = x[0] * y[1] - x[1] * y[0]
    if not all(map(math.isfinite, (*x, *y, area))) or area == 0:
        raise ValueError("expected pixels that have an area")
    return Georeference(x, y, epsg)


def _stated_orientation(path: Path) -> int:
    try:
        with Image.open(path) as image:
            exif = image.info.get("exif", b"")
    except (OSError, ValueError, SyntaxError, struct.error):
        return UPRIGHT
    return orientation_of(exif) if isinstance(exif, bytes) else UPRIGHT


def _check_upright(path: Path, orientation: int) -> None:
    if orientation != UPRIGHT:
        raise ImageError(
            f"expected an upright image for coordinates on Earth, found {path} stored turned "
            f"(orientation {orientation})"
        )
