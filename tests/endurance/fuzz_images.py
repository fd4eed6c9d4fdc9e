"""Thousands of damaged images: each is segmented, or refused with one of our errors.

    python tests/endurance/fuzz_images.py --count 20000 --seed 0

Exit code 1 if there was a crash, a hang, an error that isn't ours, or an image that took more time
or memory than allowed; such images are kept.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

from damage import damaged
from fuzzing import Damaged, Try, run
from seeds import intact_files
from small_model import write_small_model


def _prepare() -> Try:
    from ppmobileseg_deploy import OrtSegmenter
    from ppmobileseg_deploy.runtime.images.files import decode_image

    with tempfile.TemporaryDirectory() as folder:
        model = write_small_model(Path(folder) / "small.onnx").read_bytes()
    segmenter = OrtSegmenter(model, threads=1, input_size_hw=(128, 128))

    def attempt(content: bytes) -> str:
        image = decode_image(content, "image")
        result = segmenter(image)
        fits = result.labels.shape == image.shape[:2] and result.labels.max() < 3
        return "" if fits else f"labels that do not fit {image.shape}"

    return attempt


def _damaged(seed: int) -> Damaged:
    return partial(damaged, intact_files(), seed)


if __name__ == "__main__":
    description = __doc__.splitlines()[0]
    sys.exit(run("images", description, _prepare, _damaged, count=20_000, seconds=5, memory_gb=1))
