"""High dynamic range: the rule at its landmarks, and through real files."""

from itertools import pairwise

import av
import numpy as np
import pytest

from ppmobileseg_deploy.runtime.sources.hdr import HLG, PQ, sdr_cube, sdr_of

BT2020, P3, BT709 = 9, 12, 1


def _pq(cd_m2):
    """Return the signal of a light, by SMPTE ST 2084."""
    power = (np.asarray(cd_m2) / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def _hlg(cd_m2):
    """Return the signal of a gray light on a screen of 1000 cd/m2, by ITU-R BT.2100."""
    scene = (np.asarray(cd_m2, float) / 1000) ** (1 / 1.2)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


def _srgb(linear):
    return 1.055 * linear ** (1 / 2.4) - 0.055


def _gray(signal):
    return np.repeat(np.asarray(signal)[..., None], 3, axis=-1)


@pytest.mark.parametrize(("transfer", "signal_of"), [(PQ, _pq), (HLG, _hlg)])
def test_the_landmarks_of_the_rule(transfer, signal_of):
    lights = np.array([0, 1, 10, 50, 90, 203, 500, 1000])
    found = sdr_of(_gray(signal_of(lights)), transfer, BT2020)
    np.testing.assert_allclose(found, _gray(found[:, 0]), atol=1e-6)  # gray stays gray
    # Below the knee light stays as it is, in shares of paper white.
    below = lights[1:5]
    np.testing.assert_allclose(found[1:5, 0], _srgb(below / 203), atol=2e-3)
    assert found[0, 0] == pytest.approx(0, abs=1e-6)
    assert found[-1, 0] == pytest.approx(1, abs=1e-3)
    assert 0.85 < found[5, 0] < 0.95
    assert all(darker < brighter for darker, brighter in pairwise(found[:, 0]))


def test_what_is_brighter_than_the_screen_is_white():
    np.testing.assert_allclose(sdr_of(_gray(_pq([1000, 4000, 10000])), PQ, BT2020), 1, atol=1e-3)


@pytest.mark.parametrize("primaries", [BT709, P3, BT2020])
def test_hues_stay_and_primaries_become_those_of_bt709(primaries):
    # An orange within all three, as linear light in BT.709, dimmer than the knee.
    orange = np.array([0.5, 0.2, 0.02]) * 80 / 203
    to_bt709 = {
        BT709: np.eye(3),
        P3: [[1.2249, -0.2249, 0], [-0.0421, 1.0421, 0], [-0.0196, -0.0786, 1.0983]],
        BT2020: [
            [1.6605, -0.5876, -0.0728],
            [-0.1246, 1.1329, -0.0083],
            [-0.0182, -0.1006, 1.1187],
        ],
    }
    light = np.linalg.solve(np.array(to_bt709[primaries]), orange) * 203
    np.testing.assert_allclose(sdr_of(_pq(light), PQ, primaries), _srgb(orange), atol=2e-3)


def test_the_table_is_the_rule():
    lines = sdr_cube(HLG, BT2020).splitlines()
    assert lines[0] == "LUT_3D_SIZE 33"
    table = np.array([line.split() for line in lines[1:]], float).reshape(33, 33, 33, 3)
    steps = np.linspace(0, 1, 33)
    for blue, green, red in [(0, 0, 0), (32, 32, 32), (3, 20, 31), (31, 2, 9)]:
        signal = steps[[red, green, blue]]
        np.testing.assert_allclose(table[blue, green, red], sdr_of(signal, HLG, BT2020), atol=1e-5)


@pytest.mark.parametrize(("transfer", "signal_of"), [(PQ, _pq), (HLG, _hlg)])
@pytest.mark.parametrize("primaries", [BT2020, 2])
def test_files_are_mapped(encode, read, transfer, signal_of, primaries):
    lights = np.array([1, 20, 100, 203, 500, 1000])
    frame = av.VideoFrame(192, 64, "yuv420p10le")
    luma = np.repeat(64 + 876 * signal_of(lights), 32).round().astype(np.uint16)
    for plane, row in zip(frame.planes, (luma, 512, 512), strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        rows[:, : plane.width] = row
        plane.update(rows.tobytes())
    facts = {"color_trc": transfer, "color_primaries": primaries, "colorspace": primaries}
    options = {"x265-params": "log-level=none:bframes=0:qp=4"}
    path = encode("a.mkv", [frame], "libx265", options=options, color_range=1, **facts)
    image_bgr = read(path)[0].image_bgr
    expected = 255 * sdr_of(_gray(signal_of(lights)), transfer, BT2020)
    assert np.abs(image_bgr[32, 16::32] - expected).max() < 3


@pytest.mark.parametrize("primaries", [5, 22])
def test_other_primaries_are_refused_by_name(encode, refused, primaries):
    frame = av.VideoFrame(64, 64, "yuv420p")
    path = encode("a.mkv", [frame], "ffv1", color_trc=PQ, color_primaries=primaries)
    assert "expected PQ with primaries of BT.2020, P3 or BT.709, found number" in refused(path)
