"""A large image, tile by tile: how long it takes, and how much memory at the most.

    python tests/endurance/large_image.py --size 9000x12000 --tile 512x512 --overlap 64

Everything that ppms-infer does is in the figures: reading the file, segmenting it with 150
classes, drawing and writing the overlay. Exit code 1 if the process held more than ``--limit-gb``.
Without ``--model``, the demo's checkpoint is exported, which needs the export extra.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from memory import highest_mb
from PIL import Image

from ppmobileseg_deploy.cli.infer import main as main_of_infer

DEMO = Path(__file__).parents[2] / "demo"
Size = tuple[int, int]


def write_mosaic(path: Path, size_hw: Size) -> None:
    """Write a JPEG of the demo's photographs, enlarged, side by side."""
    height, width = size_hw
    mosaic = Image.new("RGB", (width, height))
    photographs = sorted((DEMO / "images").glob("*.jpg"))
    cell = 1500
    for number in range(-(-height // cell) * -(-width // cell)):
        row, column = divmod(number, -(-width // cell))
        # Each row begins with another one.
        with Image.open(photographs[(row + number) % len(photographs)]) as photograph:
            mosaic.paste(
                photograph.convert("RGB").resize((cell, cell)), (column * cell, row * cell)
            )
    mosaic.save(path, quality=90)


def export(path: Path) -> None:
    """Export the demo's checkpoint."""
    from ppmobileseg_deploy.exporters import export_onnx

    checkpoint = DEMO / "ppmobileseg_tiny_demo.pth"
    export_onnx(checkpoint, path, verify=False)


def segment(model: Path, image: Path, tile_hw: Size, overlap: int, limit_gb: float) -> None:
    """Run ppms-infer and tell the figures; ends the process with 1 above the limit."""
    start = time.perf_counter()
    height, width = tile_hw
    options = ["--tile", f"{height}x{width}", "--overlap", str(overlap), "--overwrite"]
    sys.argv = ["ppms-infer", str(image), "-m", str(model), *options]
    try:
        main_of_infer()
    except SystemExit as end:
        if end.code:
            sys.exit(1)
    peak = _gb()
    print(f"with the overlay written: {time.perf_counter() - start:.1f} s, peak {peak:.2f} GB")
    sys.exit(int(peak > limit_gb))


def _gb() -> float:
    return highest_mb() * 2**20 / 1e9


def _size(text: str) -> Size:
    height, width = map(int, text.split("x"))
    return height, width


def main() -> int:
    """Prepare the files, and measure in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=_size, default=(9000, 12000), help="HxW of the image")
    parser.add_argument("--tile", type=_size, default=(512, 512), help="HxW of a tile")
    parser.add_argument("--overlap", type=int, default=64)
    parser.add_argument(
        "--model", type=Path, help="an ONNX file with logits, also beside its labels"
    )
    parser.add_argument("--limit-gb", type=float, default=0.7)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        image, model = Path(folder) / "large.jpg", Path(folder) / "end2end.onnx"
        steps = [(write_mosaic, (image, arguments.size))]
        if arguments.model is None:
            steps.append((export, (model,)))
        else:
            model = arguments.model
        measured = (model, image, arguments.tile, arguments.overlap, arguments.limit_gb)
        steps.append((segment, measured))
        for function, values in steps:
            process = context.Process(target=function, args=values)
            process.start()
            process.join()
            if process.exitcode != 0:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
