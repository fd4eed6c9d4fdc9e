"""Several pictures at once in one process: ``python many_at_once.py MODEL PICTURE...``.

asyncio keeps the order; a thread for each picture computes, as ONNX Runtime and OpenCV let go of
Python's lock. One segmenter serves them all.
"""

import asyncio
import sys

from ppmobileseg_deploy import OrtSegmenter, PPMobileSegError, SegmentationResult

AT_ONCE = 2


async def segment_all(
    segmenter: OrtSegmenter, pictures: list[str]
) -> list[SegmentationResult | PPMobileSegError]:
    """Segment pictures, `AT_ONCE` at a time; an error takes the place of its picture's result."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(picture: str) -> SegmentationResult | PPMobileSegError:
        async with turns:
            try:
                return await asyncio.to_thread(segmenter, picture)
            except PPMobileSegError as error:
                return error

    return await asyncio.gather(*map(one, pictures))


def main() -> int:
    """Print the largest class of each picture; return 1 if one could not be segmented."""
    model, *pictures = sys.argv[1:]
    # One thread for each picture, not several: the pictures are what is parallel.
    with OrtSegmenter(model, threads=1) as segmenter:
        results = asyncio.run(segment_all(segmenter, pictures))
    for picture, result in zip(pictures, results, strict=True):
        if isinstance(result, PPMobileSegError):
            print(f"{picture}: {result}", file=sys.stderr)
        else:
            name, share = next(iter(result.areas().items()))
            print(f"{picture}: {name} {share:.0%}")
    return int(any(isinstance(each, PPMobileSegError) for each in results))


if __name__ == "__main__":
    sys.exit(main())
