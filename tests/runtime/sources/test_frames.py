"""Stills, and choices without meaning; videos and cameras have tests of their own."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError, UsageError
from ppmobileseg_deploy.runtime.sources import Source, find_sources, read_frames


@pytest.mark.parametrize("choice", [{"vid_stride": 0}, {"max_frames": 0}, {"max_frames": -1}])
def test_choices_without_meaning_are_refused_at_once(choice):
    with pytest.raises(UsageError, match=r"expected .*1 or more"):
        read_frames(Source("a", Path("a"), Path("a"), "video"), **choice)


@pytest.mark.parametrize("kind", ["video", "camera"])
def test_a_source_without_what_its_kind_needs_is_refused(kind):
    with pytest.raises(UsageError, match=f"expected a {kind} with "):
        read_frames(Source("a", Path("a"), kind=kind))


@pytest.mark.parametrize("kind", ["image", "stdin"])
def test_a_still_is_one_frame(tmp_path, kind):
    image_bgr = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), image_bgr)
    if kind == "image":
        (source,) = find_sources([path]).sources
    else:
        source = Source("standard input", Path("a"), kind="stdin", data=path.read_bytes())
    (frame,) = read_frames(source, vid_stride=3)
    assert (frame.image_bgr == image_bgr).all()
    assert (frame.index, frame.time_s, frame.fps) == (None, None, None)
    with pytest.raises(ImageError, match="19"):
        list(read_frames(source, max_pixels=19))
