"""Everything that can be segmented: images, videos, cameras, addresses, standard input."""

from ..kinds import RESULT_KINDS
from .find import FoundSources, find_images, find_sources
from .folders import absolute
from .frames import Frame, read_frames
from .source import VIDEO_SUFFIXES, Kind, Source

__all__ = [
    "RESULT_KINDS",
    "VIDEO_SUFFIXES",
    "FoundSources",
    "Frame",
    "Kind",
    "Source",
    "absolute",
    "find_images",
    "find_sources",
    "read_frames",
]
