"""Sources: images, videos, cameras, addresses and standard input, found and read."""

from .find import FoundSources, find_sources
from .folders import absolute
from .frames import read_frames
from .sharding import Shard
from .source import VIDEO_SUFFIXES, Frame, Kind, Source, SourceError

__all__ = [
    "VIDEO_SUFFIXES",
    "FoundSources",
    "Frame",
    "Kind",
    "Shard",
    "Source",
    "SourceError",
    "absolute",
    "find_sources",
    "read_frames",
]
