"""Sessions for sizes of pictures are opened before a run, and never in it."""

import ast
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.runtime.batch import PlannedSource
from ppmobileseg_deploy.runtime.batch.reading import Reading
from ppmobileseg_deploy.runtime.batch.session_sizes import expect_sizes
from ppmobileseg_deploy.runtime.sources import Frame, Source, find_sources


class _Segmenter:
    expected = None

    def expect(self, sizes_hw):
        assert self.expected is None
        self.expected = list(sizes_hw)


def _image(folder, size_hw):
    path = folder / f"{size_hw}.png"
    if not path.exists():
        cv2.imwrite(str(path), np.zeros((*size_hw, 3), np.uint8))
    return find_sources([str(path)]).sources[0]


def _video(size_hw):
    return Source(f"{size_hw}.mp4", Path("v.mp4"), Path(f"{size_hw}.mp4"), "video")


class _Reads(Reading):
    """Videos of the size that their name says; those of no rows are damaged."""

    def frames(self, source):
        height, width = ast.literal_eval(source.path.stem)
        warnings.warn("others in its file", UserWarning, stacklevel=1)
        for _ in range(min(height, 2)):
            yield Frame(np.zeros((height, width, 3), np.uint8))


@pytest.mark.parametrize(
    ("images_hw", "videos_hw", "expected"),
    [
        ([], [], []),
        ([(8, 8)] * 63, [], []),
        ([(8, 8)] * 64 + [(8, 9)] * 100, [], [(8, 9), (8, 8)]),
        ([(8, 8)] * 300 + [(8, 9)] * 100, [], [(8, 8)]),
        ([], [(8, 8), (8, 8), (0, 8), (9, 8)], [(8, 8), (9, 8)]),
        ([(8, 8)] * 64, [(9, 8), (9, 9)], [(9, 8), (9, 9), (8, 8)]),
        ([(8, 8)] * 64, [(9, 8), (9, 9), (7, 7), (6, 6)], [(9, 8), (9, 9), (7, 7)]),
        ([], [(8, 8)] * 8 + [(9, 9)], [(8, 8)]),
    ],
)
def test_sizes_of_videos_and_of_many_images_get_sessions(tmp_path, images_hw, videos_hw, expected):
    sources = [*(_image(tmp_path, each) for each in images_hw), *map(_video, videos_hw)]
    segmenter = _Segmenter()
    expect_sizes(segmenter, [PlannedSource(source, {}) for source in sources], _Reads())
    assert segmenter.expected == expected


def test_a_camera_may_open_one_on_the_way(tmp_path):
    sources = [_image(tmp_path, (8, 8)), *find_sources(["0"]).sources]
    segmenter = _Segmenter()
    expect_sizes(segmenter, [PlannedSource(source, {}) for source in sources], _Reads())
    assert segmenter.expected is None
