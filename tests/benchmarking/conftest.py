"""Tests mirror the package: models, images and synthetic measurements."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from ppmobileseg_deploy.agreement import drawn_picture
from ppmobileseg_deploy.benchmarking import (
    STAGES,
    Conditions,
    NetworkRow,
    Spread,
    StageSpreads,
    Start,
    WholeRow,
)
from ppmobileseg_deploy.benchmarking.benchmark import Benchmark
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.images.files import write_image


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose class is the strongest channel; it takes any size."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("ArgMax", ["input"], ["output"], axis=1, keepdims=1)],
        "strongest_channel",
        [info("input", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [info("output", TensorProto.INT64, ["n", 1, "h", "w"])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    colors = (250, 10, 20), (30, 240, 40), (50, 60, 230)
    described = ModelMetadata(
        class_names=("red", "green", "blue"), palette_rgb=colors, short_side=64
    )
    helper.set_model_props(made, described.to_props())
    path = tmp_path_factory.mktemp("model") / "strongest.onnx"
    onnx.save_model(made, path)
    return path


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 48x80 pixels."""
    path = tmp_path_factory.mktemp("image") / "picture.png"
    write_image(path, drawn_picture((48, 80)))
    return path


@pytest.fixture
def synthetic() -> Callable[..., Benchmark]:
    """``synthetic((10.0, 20.0), networks=(5.0, 4.0))``: medians in milliseconds to a benchmark."""

    def spread(median: float) -> Spread:
        return Spread(median, 0.9 * median, 1.5 * median, 20)

    def build(
        totals_ms: tuple[float, ...], networks: tuple[float, ...] = (), load: float | None = 0.5
    ) -> Benchmark:
        conditions = Conditions("CPU", 4, 8, load, "Linux", "3.11", {"onnxruntime": "1.32"})
        start = Start(spread(80.0), spread(30.0), 170.0)
        return Benchmark(
            conditions=conditions,
            picture="street.jpg",
            picture_hw=(512, 768),
            turns=20,
            whole=[
                WholeRow(
                    model=f"models/model_{number}.onnx",
                    threads=None,
                    network_hw=(512, 768),
                    classes_found=9,
                    latency=StageSpreads(
                        spread(total), {stage: spread(total / len(STAGES)) for stage in STAGES}
                    ),
                    start=start,
                )
                for number, total in enumerate(totals_ms)
            ],
            networks=[
                NetworkRow("models/model_0.onnx", 1, "OpenVINO", (512, 768), spread(median), 1.0)
                for median in networks
            ],
        )

    return build
