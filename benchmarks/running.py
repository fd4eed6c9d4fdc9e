"""Files run as in the tables; ``python -m benchmarks.running FILE`` prints its peak memory."""

import sys
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ppmobileseg_deploy.agreement import drawn_picture
from ppmobileseg_deploy.benchmarking.fresh_process import peak_mb

SIDE: Final = 512
_RUNS: Final = 3


def picture() -> NDArray[np.float32]:
    """Draw a normalised picture, float32 (1, 3, 512, 512)."""
    pixels = drawn_picture((SIDE, SIDE))[..., ::-1].astype(np.float32)
    return np.ascontiguousarray(((pixels - 115) / 58).transpose(2, 0, 1)[None])


def opened(path: str | Path) -> ort.InferenceSession:
    """Open a file for one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def main(path: str) -> None:
    """Run the class ids of a file some times, and print the peak memory of this process in MB."""
    session = opened(path)
    for _ in range(_RUNS):
        session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: picture()})
    print(peak_mb())


if __name__ == "__main__":
    main(sys.argv[1])
