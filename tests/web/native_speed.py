"""Print what the page's two files take in ONNX Runtime itself, as JSON: milliseconds by threads.

Arguments: the folder of the page, and how often to run.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

SIDE = 512


def main(folder: str, times: str) -> None:
    print(json.dumps({n: _medians(Path(folder), n, int(times)) for n in (1, 2)}))


def _medians(folder: Path, threads: int, times: int) -> dict[str, float]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    network, head = (
        ort.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
        for name in ("end2end.onnx", "end2end.labels.onnx")
    )
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 4), np.uint8)
    size = np.array([SIDE, SIDE], np.int64)
    measured: dict[str, list[float]] = {"network": [], "labels": []}
    for _ in range(times):
        began = time.perf_counter()
        (logits,) = network.run(None, {"input": pixels})
        between = time.perf_counter()
        head.run(None, {"logits": logits, "resized_hw": size, "size_hw": size})
        measured["network"].append(between - began)
        measured["labels"].append(time.perf_counter() - between)
    return {stage: 1000 * statistics.median(seconds) for stage, seconds in measured.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
