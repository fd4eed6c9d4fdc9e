"""Draw labelled scenes that training never saw, in ADE20K's folder layout.

Run it from the root of the repository: ``python -m demo.make_dataset FOLDER``, then
``ppms-eval MODEL --ade20k FOLDER``.
"""

import argparse
from pathlib import Path

from ppmobileseg_deploy.runtime.images.files import write_image

from .evaluation import HELD_OUT
from .scenes import draw_scene


def main() -> None:
    """Draw and write images and annotations; class 0 of the annotations is "other"."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first scene")
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--width", type=int, default=512)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.scenes)
    if not seeds or seeds[0] not in HELD_OUT or seeds[-1] not in HELD_OUT:
        parser.error(f"expected at least one scene, all of {HELD_OUT.start} to {HELD_OUT[-1]}")
    for seed in seeds:
        scene = draw_scene(seed, (arguments.height, arguments.width))
        name = f"scene_{seed:04}.png"
        write_image(arguments.folder / "images/validation" / name, scene.image_bgr)
        write_image(arguments.folder / "annotations/validation" / name, scene.labels + 1)
    print(f"{arguments.scenes} scenes in {arguments.folder}")


if __name__ == "__main__":
    main()
