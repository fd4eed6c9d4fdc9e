"""A folder to a table, without PyTorch: ``python batch.py MODEL FOLDER TABLE.csv``.

A line a picture, with the share of each class, written as pictures are done.
"""

import csv
import sys
from pathlib import Path

from ppmobileseg_deploy import OrtSegmenter


def main() -> None:
    """Segment the pictures of a folder, a few of them in memory at a time."""
    model, folder, target = sys.argv[1:]
    with OrtSegmenter(model) as segmenter, Path(target).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", *segmenter.names])
        for result in segmenter.stream(folder):
            areas = result.areas()
            shares = [f"{areas.get(name, 0):.4f}" for name in segmenter.names]
            writer.writerow([result.source, *shares])


if __name__ == "__main__":
    main()
