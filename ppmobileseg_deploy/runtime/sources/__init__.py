"""Everything that can be segmented: images, videos, cameras, addresses, standard input."""

from .find import (
    RESULT_KINDS,
    FoundImages,
    FoundSources,
    ImageFile,
    absolute,
    find_images,
    find_sources,
)
from .frames import Frame, read_frames
from .source import VIDEO_SUFFIXES, Kind, Source

__all__ = [
    "RESULT_KINDS",
    "VIDEO_SUFFIXES",
    "FoundImages",
    "FoundSources",
    "Frame",
    "ImageFile",
    "Kind",
    "Source",
    "absolute",
    "find_images",
    "find_sources",
    "read_frames",
]
