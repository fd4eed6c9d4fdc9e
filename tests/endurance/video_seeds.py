"""Small intact videos of every container and of codecs of every kind, as bytes."""

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_FIELDS = {"flags": "+ildct+ilme"}
_QUIET = {"x265-params": "log-level=none:bframes=0"}
# Name: codec, pixel format, its options, those of the container.
_KINDS = {
    "plain.mp4": ("libx264", "yuv420p", {}, {}),
    "fields.mp4": ("libx264", "yuv420p", _FIELDS, {}),
    "fragments.mp4": ("libx264", "yuv420p", {}, {"movflags": "frag_keyframe+empty_moov"}),
    "hdr.mp4": ("libx265", "yuv420p10le", _QUIET, {}),
    "prores.mov": ("prores_ks", "yuv422p10le", _FIELDS, {}),
    "png.mov": ("png", "rgb24", {}, {}),
    "h264.mkv": ("libx264", "yuv420p", {}, {}),
    "ffv1.mkv": ("ffv1", "yuv420p", {}, {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {}, {}),
    "vp8.ogv": ("libvpx", "yuv420p", {}, {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}, {}),
    "jpeg.avi": ("mjpeg", "yuvj420p", {}, {}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {}, {}),
    "h264.ts": ("libx264", "yuv420p", _FIELDS, {}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", _FIELDS, {}),
    "mpeg2.mxf": ("mpeg2video", "yuv420p", {}, {}),
    "flv1.flv": ("flv", "yuv420p", {}, {}),
    "wmv2.wmv": ("wmv2", "yuv420p", {}, {}),
}


def intact_videos() -> dict[str, bytes]:
    """Make the videos: 6 frames of noise of 48x64 each."""
    with tempfile.TemporaryDirectory() as folder:
        return {name: _made(Path(folder) / name) for name in _KINDS}


def _made(path: Path) -> bytes:
    codec, pixels, options, container_options = _KINDS[path.name]
    with av.open(str(path), "w", options=container_options) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        if path.name.startswith("hdr"):
            context = stream.codec_context
            context.colorspace, context.color_primaries, context.color_trc = 9, 9, 16
        for number in range(6):
            noise = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()
