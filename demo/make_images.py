"""Draw the demo pictures: scenes that training never saw.

Run it from the root of the repository: ``python -m demo.make_images``.
"""

from pathlib import Path
from typing import Final

from ppmobileseg_deploy import web

from .evaluation import HELD_OUT
from .jpeg import write_jpeg
from .scenes import draw_scene

IMAGES: Final = Path(__file__).parent / "images"
SIZE_HW: Final = (512, 768)
JPEG_QUALITY: Final = 92
PICTURES: Final = {
    "avenue": 24,
    "farm": 26,
    "harbour": 23,
    "shops": 21,
    "sunset_street": 8,
    "village": 14,
}
"""File name and seed."""

EXAMPLE: Final = Path(web.__file__).parent / "page" / "example.jpg"
"""What the page in the browser has to try."""
EXAMPLE_SEED: Final = 7


def main() -> None:
    """Draw and write all of them."""
    pictures = {IMAGES / f"{name}.jpg": seed for name, seed in PICTURES.items()}
    for path, seed in {**pictures, EXAMPLE: EXAMPLE_SEED}.items():
        if seed not in HELD_OUT:
            raise ValueError(f"expected a seed in {HELD_OUT}, found {seed} for {path.name}")
        write_jpeg(path, draw_scene(seed, SIZE_HW).image_bgr, JPEG_QUALITY)
        print(path)


if __name__ == "__main__":
    main()
