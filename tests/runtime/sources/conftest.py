"""Files and videos to find and to read."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

MakeVideo = Callable[..., Path]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Make files (empty) below an own current folder."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str) -> None:
        for name in names:
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Make videos: frame n is gray of value 8 n, and has red in its upper left corner."""

    def make(
        name: str,
        frames: int = 20,
        *,
        rate: int = 10,
        size_hw: tuple[int, int] = (48, 64),
        **options,
    ) -> Path:
        path = tmp_path / name
        codec = {".webm": "libvpx", ".ts": "mpeg2video", ".mpg": "mpeg2video", ".wmv": "wmv2"}
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream(codec.get(path.suffix, "mpeg4"), rate=rate)
            stream.height, stream.width = size_hw
            stream.pix_fmt = "yuv420p"
            stream.bit_rate = 4_000_000
            for number in range(frames):
                image_rgb = np.full((*size_hw, 3), 8 * number % 256, np.uint8)
                image_rgb[:16, :16] = 255, 0, 0
                frame = av.VideoFrame.from_ndarray(image_rgb, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make
