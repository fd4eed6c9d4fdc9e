"""Print what pinning a size gains in OpenVINO's provider, and what opening takes.

``python tests/openvino/measure_provider.py MODEL``, on a quiet machine; one thread, 512x512.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np
import onnxruntime as ort

from ppmobileseg_deploy.runtime.inference.execution import Execution
from ppmobileseg_deploy.runtime.inference.ort_session import SessionFactory

TURNS: Final = 20
OPENINGS: Final = 5
PINNED: Final = {"batch": 1, "height": 512, "width": 512}


def main(model: Path) -> None:
    tensor = np.random.default_rng(0).normal(size=(1, 3, 512, 512)).astype(np.float32)
    sessions: dict[str, ort.InferenceSession] = {}
    for precision in ("fp32", "bf16"):
        factory = SessionFactory.of(model, Execution.of("openvino", 1, precision=precision))
        sessions[f"{precision}, any size"] = factory.create()
        sessions[f"{precision}, pinned"] = factory.create(PINNED)
    took_ms: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(TURNS):
        for name, session in sessions.items():
            feed = {session.get_inputs()[0].name: tensor}
            took_ms[name].append(
                1e3 * _seconds(lambda run=session.run, feed=feed: run(None, feed))
            )
    for name, each in took_ms.items():
        print(f"{name:15} {median(each):6.2f} ms")
    with tempfile.TemporaryDirectory() as folder:
        for name, options in {"no cache": {}, "cache_dir": {"cache_dir": folder}}.items():
            providers = [("OpenVINOExecutionProvider", options)]
            factory = SessionFactory.of(model, Execution.of(providers=providers))
            for size, lengths in {"any size": {}, "pinned": PINNED}.items():
                seconds = [
                    _seconds(lambda made=factory, lengths=lengths: made.create(lengths))
                    for _ in range(OPENINGS)
                ]
                print(f"opening, {size}, {name}: {median(seconds):.3f} s")


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]))
