"""``python -m benchmarks.ends``: ends of networks alone, before and after a graft.

Prints a table in Markdown: Resize and ArgMax in ONNX Runtime against the new end, one thread, on
drawn scores of at most 15 classes. Sizes are free in both.
"""

from collections.abc import Callable
from time import process_time
from typing import Final

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, TensorProto, helper

from ppmobileseg_deploy.agreement import equal_share, smooth_logits
from ppmobileseg_deploy.exporters.grafting.ends import NCHW, End, Resize
from ppmobileseg_deploy.exporters.grafting.head import LABELS, SCORES, SIZES, graft_head

_CASES: Final = (
    (150, (32, 32), (512, 512)),
    (150, (64, 64), (512, 512)),
    (150, (128, 128), (512, 512)),
    (19, (128, 256), (1024, 2048)),
    (19, (256, 512), (1024, 2048)),
)
"""Number of classes, grid and labels, as height and width."""

_PRESENT: Final = 15
_TURNS: Final = 7
_OPSET: Final = 17


def old_end(channels: int) -> ModelProto:
    """Build Resize and ArgMax."""
    size = SIZES.format(0)
    nodes = [
        helper.make_node("Shape", [SCORES], ["kept"], end=2),
        helper.make_node("Concat", ["kept", size], ["sizes"], axis=0),
        helper.make_node(
            "Resize",
            [SCORES, "", "", "sizes"],
            ["full"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        ),
        helper.make_node("ArgMax", ["full"], [LABELS], axis=1),
    ]
    scores = helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, ["n", channels, "h", "w"])
    sizes = helper.make_tensor_value_info(size, TensorProto.INT64, [2])
    labels = helper.make_tensor_value_info(LABELS, TensorProto.INT64, ["n", 1, "H", "W"])
    graph = helper.make_graph(nodes, "end", [scores, sizes], [labels])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = 8
    return model


def new_end(channels: int) -> ModelProto:
    """Build labels cell by cell."""
    node = helper.make_node("Resize", ["coarse"], ["full"])
    resize = Resize(node, NCHW, "half_pixel", None)
    return graft_head(End(LABELS, NCHW, True, (resize,)), channels, _OPSET)  # noqa: FBT003


def main() -> None:
    """Measure, and print a table."""
    print("| classes | grid | labels | Resize and ArgMax | new end | | equal |")
    print("|---:|---|---|---:|---:|---:|---:|")
    for channels, grid_hw, size_hw in _CASES:
        feeds = {
            SCORES: smooth_logits(_PRESENT, grid_hw, channels),
            SIZES.format(0): np.array(size_hw),
        }
        runs = [_runner(build(channels), feeds) for build in (old_end, new_end)]
        before, after = (run() for run in runs)
        times: list[list[float]] = [[], []]
        for _ in range(_TURNS):
            for run, taken in zip(runs, times, strict=True):
                start = process_time()
                run()
                taken.append(1e3 * (process_time() - start))
        old_ms, new_ms = map(min, times)
        grid, size = (f"{height}x{width}" for height, width in (grid_hw, size_hw))
        print(
            f"| {channels} | {grid} | {size} | {old_ms:.1f} ms | {new_ms:.2f} ms | "
            f"{old_ms / new_ms:.1f} times | {100 * equal_share(before, after):.4f} % |"
        )


def _runner(model: ModelProto, feeds: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options)
    return lambda: np.asarray(session.run(None, feeds)[0])


if __name__ == "__main__":
    main()
