"""A folder by several processes: ``python process_pool.py MODEL FOLDER OUTPUT``.

For work beside the network that holds Python's lock. The segmenter is pickled into each process
and opens the model there, once.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from ppmobileseg_deploy import OrtSegmenter

PROCESSES = 2

_segmenter: OrtSegmenter


def start(segmenter: OrtSegmenter) -> None:
    """Keep the segmenter of this process."""
    global _segmenter
    _segmenter = segmenter


def label(picture: Path, output: Path) -> str:
    """Write the class ids of a picture as a PNG, and return its largest class."""
    result = _segmenter(picture)
    result.save(output / f"{picture.stem}.png", kind="labels")
    return next(iter(result.areas()))


def main() -> None:
    """Label all JPEG and PNG files of a folder."""
    model, folder, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    output.mkdir(parents=True, exist_ok=True)
    pictures = sorted(each for each in folder.iterdir() if each.suffix in {".jpg", ".png"})
    segmenter = OrtSegmenter(model, threads=1)
    # Not "fork", which copies locks that threads of the parent may hold.
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), start, (segmenter,)) as pool:
        found = pool.map(label, pictures, [output] * len(pictures))
        for picture, name in zip(pictures, found, strict=True):
            print(f"{picture.name}: {name}")


if __name__ == "__main__":
    main()
