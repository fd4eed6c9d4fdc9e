"""Formats of image files, one a module: headers are checked here before a decoder gets the file.

Decoders trust headers: they allocate memory, loop and inflate as these tell them to. So every
length that they would act upon is checked first, and they are given only the parts that pixels
need; comments, profiles and thumbnails are never parsed.

Each module has ``decode(stream, limits)``, which gives (height, width, 3) uint8, BGR, upright,
contiguous. It raises `ImageError` for an intact file of a kind that is not read, and whatever its
decoder raises for a damaged one.
"""
