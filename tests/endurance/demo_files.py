"""The demo's photographs and network, as files for a long run."""

import multiprocessing
from pathlib import Path

from PIL import Image

DEMO = Path(__file__).parents[2] / "demo"


def demo_model(folder: Path, given: Path | None) -> Path:
    """Give the ONNX file that was asked for, or export the demo's checkpoint into a folder.

    PyTorch stays in a process of its own: its memory and threads are no part of what is measured.
    """
    if given is not None:
        return given
    path = folder / "demo.onnx"
    process = multiprocessing.get_context("spawn").Process(target=_export, args=(path,))
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit("the demo's checkpoint could not be exported")
    return path


def write_photographs(folder: Path, count: int, sizes_wh: list[tuple[int, int]]) -> list[Path]:
    """Write JPEGs that are all different, in sizes that take turns.

    Returns:
        Their paths, in the order of their names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photographs = []
    for path in sorted((DEMO / "images").glob("*.jpg")):
        with Image.open(path) as image:
            photographs.append(image.convert("RGB"))
    paths = []
    for number in range(count):
        image = photographs[number % len(photographs)]
        # A part of the photograph that is never quite the same.
        left, top = number * 7 % (image.width // 4), number * 5 % (image.height // 4)
        part = image.crop((left, top, left + image.width * 3 // 4, top + image.height * 3 // 4))
        paths.append(folder / f"photograph_{number:05}.jpg")
        part.resize(sizes_wh[number % len(sizes_wh)]).save(paths[-1], quality=90)
    return paths


def _export(path: Path) -> None:
    from ppmobileseg_deploy.exporters import ExportOptions, export_onnx

    export_onnx(DEMO / "ppmobileseg_tiny_demo.pth", path, ExportOptions(), verify=False)
