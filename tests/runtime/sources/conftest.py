"""Files and videos to find and to read."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import Frame, Source, read_frames

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
        codec = {".flv": "flv", ".ogv": "libvpx", ".webm": "libvpx"}
        codec |= dict.fromkeys((".asf", ".wmv"), "wmv2")
        mpeg2 = (".m2ts", ".mpeg", ".mpg", ".mts", ".mxf", ".ts", ".vob")
        codec |= dict.fromkeys(mpeg2, "mpeg2video")
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


@pytest.fixture
def encode(tmp_path: Path) -> Callable[..., Path]:
    """``encode("a.mp4", frames, codec="libx265")``: a file of the frames as they are given."""

    def write(
        name: str,
        frames: Sequence[av.VideoFrame],
        codec: str = "libx264",
        rate: int = 10,
        options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
        **facts: Any,
    ) -> Path:
        path = tmp_path / name
        first = frames[0]
        with av.open(str(path), "w", options=container_options) as container:
            stream = container.add_stream(codec, rate=rate, options=options or {})
            stream.width, stream.height = first.width, first.height
            stream.pix_fmt = first.format.name
            for fact, value in facts.items():
                setattr(stream.codec_context, fact, value)
            for number, frame in enumerate(frames):
                frame.pts, frame.time_base = number, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def read() -> Callable[..., list[Frame]]:
    """``read(path)``: the frames of a video."""

    def frames(path: Path, **choice: Any) -> list[Frame]:
        return list(read_frames(Source(str(path), Path("a"), path, "video"), **choice))

    return frames


@pytest.fixture
def refused() -> Callable[..., str]:
    """``refused(path)``: what the error says that reading a video ends with."""

    def error(path: Path) -> str:
        with pytest.raises(ImageError) as raised:
            list(read_frames(Source(str(path), Path("a"), path, "video")))
        message = str(raised.value)
        assert message.startswith(f"cannot read {path}")
        assert "\n" not in message
        return message

    return error
