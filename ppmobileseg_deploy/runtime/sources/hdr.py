"""HDR video (PQ, HLG): tone mapping to the range of photographs.

Such a video states the brightness of the screen, and has highlights far brighter than white paper;
networks are trained on photographs, whose white is that of paper. So, for every colour:

1. The signal becomes light on a screen of 1000 cd/m2 (ITU-R BT.2100); what would be brighter is
   taken for as bright.
2. The strongest of red, green and blue is reduced to at most 203 cd/m2, where BT.2408 puts white
   paper, by the curve of BT.2390 (5.4.1, EETF): what is dark stays as it is, the rest is
   compressed. The other two follow in proportion, which keeps the hue.
3. The primaries become those of BT.709. A colour outside of them is cut off at their edge.
4. The light is encoded as sRGB.

Data about single scenes or about the screen that a film was made on are not used.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]

PQ: Final = 16
"""Number of a transfer function, as ISO/IEC 23091-2 counts them: SMPTE ST 2084."""

HLG: Final = 18
"""ARIB STD-B67."""

_NODES: Final = 33
_SCREEN_CD_M2: Final = 1000.0
_WHITE_CD_M2: Final = 203.0

# ST 2084, 5.
_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 32
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 128, 2392 / 128
# BT.2100, table 5.
_HLG_A: Final = 0.17883277
_HLG_B: Final = 1 - 4 * _HLG_A
_HLG_C: Final = 0.5 - _HLG_A * float(np.log(4 * _HLG_A))
_HLG_GAMMA: Final = 1.2
_BT2020_LUMA: Final = np.array([0.2627, 0.6780, 0.0593])

_D65: Final = (0.3127, 0.3290)
# x and y of red, green and blue.
_BT709_XY: Final = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
_PRIMARIES_XY: Final = {
    1: _BT709_XY,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # P3 with the white of BT.709
}

PRIMARIES: Final = frozenset(_PRIMARIES_XY)
"""Numbers of the primaries, as ISO/IEC 23091-2 counts them, that can be mapped."""


def sdr_cube(transfer: int, primaries: int) -> str:
    """Tabulate the tone mapping.

    Args:
        transfer: `PQ` or `HLG`.
        primaries: One of `PRIMARIES`.

    Returns:
        A ``.cube`` file: what R'G'B' signals, 0 to 1 in 33 steps each, become.
    """
    steps = np.linspace(0, 1, _NODES)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # red changes fastest
    mapped = sdr_of(np.stack([red, green, blue], -1).reshape(-1, 3), transfer, primaries)
    lines = (f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in mapped.tolist())
    return "\n".join([f"LUT_3D_SIZE {_NODES}", *lines, ""])


def sdr_of(signal_rgb: Floats, transfer: int, primaries: int) -> Floats:
    """Apply the tone mapping.

    Args:
        signal_rgb: (..., 3), R'G'B' in [0, 1].
        transfer: `PQ` or `HLG`.
        primaries: One of `PRIMARIES`.

    Returns:
        (..., 3), sRGB in [0, 1].
    """
    decode: Callable[[Floats], Floats] = _pq_light if transfer == PQ else _hlg_light
    light = decode(signal_rgb)
    strongest = light.max(axis=-1, keepdims=True)
    light = light * (_compressed(strongest) / np.maximum(strongest, 1e-6))
    linear = light @ _to_bt709(primaries).T / _WHITE_CD_M2
    return _srgb(np.clip(linear, 0, 1))


def _pq_light(signal: Floats) -> Floats:
    power = np.clip(signal, 0, 1) ** (1 / _PQ_M2)
    linear = np.maximum(power - _PQ_C1, 0) / (_PQ_C2 - _PQ_C3 * power)
    return 10000 * linear ** (1 / _PQ_M1)


def _pq_signal(cd_m2: Floats) -> Floats:
    power = (cd_m2 / 10000) ** _PQ_M1
    return ((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2


def _hlg_light(signal: Floats) -> Floats:
    upper = (np.exp((signal - _HLG_C) / _HLG_A) + _HLG_B) / 12
    scene = np.where(signal <= 0.5, signal**2 / 3, upper)
    luma = (scene @ _BT2020_LUMA)[..., None]
    light: Floats = _SCREEN_CD_M2 * scene * np.maximum(luma, 1e-9) ** (_HLG_GAMMA - 1)
    return light


def _compressed(cd_m2: Floats) -> Floats:
    screen, white = _pq_signal(np.array([_SCREEN_CD_M2, _WHITE_CD_M2]))
    most = white / screen
    knee = 1.5 * most - 0.5
    level = np.minimum(_pq_signal(cd_m2) / screen, 1)
    t = np.clip((level - knee) / (1 - knee), 0, 1)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * most
    )
    return _pq_light(np.where(level < knee, level, spline) * screen)


def _srgb(linear: Floats) -> Floats:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _to_bt709(primaries: int) -> Floats:
    return np.linalg.inv(_to_xyz(_BT709_XY)) @ _to_xyz(_PRIMARIES_XY[primaries])


def _to_xyz(primaries_xy: tuple[tuple[float, float], ...]) -> Floats:
    # SMPTE RP 177: red, green and blue together make white.
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries_xy]).T
    x, y = _D65
    scaled: Floats = columns * np.linalg.solve(columns, np.array([x / y, 1, (1 - x - y) / y]))
    return scaled
