"""The formats of image files, one each: its header is read here before a decoder sees the file.

Decoders believe what a file says about itself: they set memory aside, loop and inflate as often as
it tells them to. So every length that they would act upon is checked first, and they are given
only the parts that pixels need; comments, profiles and thumbnails are never parsed.

Each module has ``decode(stream, limits)``, which gives (height, width, 3) uint8, BGR, upright,
contiguous. It raises `ImageError` for a file that is whole and not for us, and whatever its
decoder raises for a damaged one.
"""
