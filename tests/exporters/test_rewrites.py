"""Each rewrite computes what the network computes.

Compared in float64: with the golden weights the network itself strays up to 2e-4 of the largest
logit in float32, which would hide a small mistake of a rewrite.
"""

import copy
import io
import math
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import onnxsim
import pytest
import torch

from ppmobileseg_deploy.exporters.rewrites import lean
from ppmobileseg_deploy.exporters.rewrites.attention import LeanStage
from ppmobileseg_deploy.exporters.rewrites.network import (
    LeanAAMx8,
    LeanAAMx16,
    LeanSqueezeExcitation,
)
from ppmobileseg_deploy.exporters.trace import known_warnings
from ppmobileseg_deploy.model import CONFIGS, PPMobileSeg
from ppmobileseg_deploy.model.layers import SqueezeExcitation

VARIANTS = pytest.mark.parametrize("variant", ["tiny", "base"])


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    # Maps this small cost more to share between threads than to compute.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def golden_network(golden_state_dict):
    networks = {}

    def build(variant):
        if variant not in networks:
            networks[variant] = PPMobileSeg(CONFIGS[variant]).eval()
            networks[variant].load_state_dict(golden_state_dict(variant), strict=True)
            networks[variant].double()
        return networks[variant]

    return build


@pytest.fixture(scope="module")
def traced(golden_network):
    models = {}

    def trace(variant):
        if variant not in models:
            buffer = io.BytesIO()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    lean(copy.deepcopy(golden_network(variant)).float()),
                    (torch.zeros(2, 3, 128, 160),),
                    buffer,
                    dynamo=False,
                    opset_version=17,
                    input_names=["input"],
                    dynamic_axes={"input": {0: "batch", 2: "height", 3: "width"}},
                )
            models[variant], agrees = onnxsim.simplify(onnx.load_from_string(buffer.getvalue()))
            assert agrees
        return models[variant]

    return trace


def relative_error(actual, expected):
    assert actual.shape == expected.shape
    return float((actual - expected).abs().max() / expected.abs().max())


def noise(*shape):
    return torch.from_numpy(np.random.default_rng(4).normal(0, 1, shape))


@VARIANTS
@pytest.mark.parametrize("multiple", [1, 2, 4, 8, 16])
def test_gates(multiple, variant, golden_network):
    sources = [m for m in golden_network(variant).modules() if isinstance(m, SqueezeExcitation)]
    assert len(sources) == 7
    for source in sources:
        # Large enough that some gates are fully open, and some closed.
        x = 10 * noise(2, source.conv_act1.conv.in_channels, 3 * multiple, 2 * multiple)
        with torch.inference_mode():
            expected, actual = source(x), LeanSqueezeExcitation(source, multiple)(x)
        assert relative_error(actual, expected) <= 1e-12


@VARIANTS
def test_blocks_are_as_large_as_the_map_s_sides_allow(variant, golden_network):
    gates = [m for m in lean(golden_network(variant)).modules()
             if isinstance(m, LeanSqueezeExcitation)]  # fmt: skip

    assert [math.prod(gate.blocks) for gate in gates] == [16, 4, 4, 2, 2, 1, 1]


@pytest.mark.parametrize("stride", [2, 8, 16, 32])
@pytest.mark.parametrize("content", ["flat", "ramp"])
def test_means_of_large_smooth_maps_are_exact_in_onnx_runtime(stride, content):
    height, width = 1024 // stride, 2048 // stride
    source = SqueezeExcitation(16).eval()
    ramp = np.linspace(0.2, 3.7, height * width, dtype=np.float32).reshape(height, width)
    plane = ramp if content == "ramp" else np.full_like(ramp, 0.7)
    x = torch.from_numpy(np.broadcast_to(plane, (1, 16, height, width)).copy())
    buffer = io.BytesIO()
    with known_warnings():
        torch.onnx.export(LeanSqueezeExcitation(source, 32 // stride), (x,), buffer, dynamo=False)
    session = ort.InferenceSession(buffer.getvalue())

    (actual,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})

    with torch.inference_mode():
        expected = source.double()(x.double())
    # One number after the other summed up, the flat map of half a million errs by 3e-4.
    assert relative_error(torch.from_numpy(actual), expected) <= 2e-6


@pytest.mark.parametrize(
    ("variant", "rewritten"), [("tiny", LeanAAMx16), ("base", LeanAAMx8)], ids=["x16", "x8"]
)
@pytest.mark.parametrize("size_hw", [(1, 1), (2, 3), (5, 4)], ids=str)
def test_fusion(variant, rewritten, size_hw, golden_network):
    height, width = size_hw
    source = golden_network(variant).backbone.inj_module
    widths = [stage[-1].out for stage in CONFIGS[variant].stages[1:]]
    maps = [
        noise(2, channels, height * scale, width * scale)
        for channels, scale in zip(widths, (4, 2, 1), strict=True)
    ]
    with torch.inference_mode():
        expected, actual = source(*maps), rewritten(source)(*maps)
    assert relative_error(actual, expected) <= 1e-12


@VARIANTS
@pytest.mark.parametrize("size_hw", [(2, 2), (6, 10), (2, 34)], ids=str)
def test_attention_on_even_maps(variant, size_hw, golden_network):
    source = golden_network(variant).backbone.trans1
    x = noise(2, CONFIGS[variant].stages[2][-1].out, *size_hw)
    with torch.inference_mode():
        expected, actual = source(x), LeanStage(source, even=True)(x)
    assert relative_error(actual, expected) <= 1e-10


@VARIANTS
@pytest.mark.parametrize("size_hw", [(1, 1), (3, 5), (4, 7), (1, 17)], ids=str)
def test_attention_on_odd_maps(variant, size_hw, golden_network):
    source = golden_network(variant).backbone.trans2
    x = noise(2, CONFIGS[variant].stages[3][-1].out, *size_hw)
    with torch.inference_mode():
        expected, actual = source(x), LeanStage(source, even=False)(x)
    assert relative_error(actual, expected) <= 1e-10


@VARIANTS
def test_the_whole_network_and_its_graph(variant, golden_network, golden_image, traced):
    session = ort.InferenceSession(
        traced(variant).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    network = golden_network(variant)
    rewritten = lean(network)
    for batch, height, width in [(1, 32, 32), (2, 96, 160), (1, 32, 544)]:
        image = golden_image(batch, height, width, 6)
        with torch.inference_mode():
            expected = network(torch.from_numpy(image).double())
            actual = rewritten(torch.from_numpy(image).double())
            in_float32 = copy.deepcopy(network).float()(torch.from_numpy(image))
        assert relative_error(actual, expected) <= 1e-9
        (from_graph,) = session.run(None, {"input": image})
        # With these weights float32 itself is off by up to 2e-3, by chance of rounding.
        allowed = max(5e-4, 4 * relative_error(in_float32, expected))
        assert relative_error(torch.from_numpy(from_graph), expected) <= allowed


@VARIANTS
def test_the_network_itself_is_left_alone(variant, golden_network, golden_state_dict):
    network = golden_network(variant)
    modules = [type(module) for module in network.modules()]
    lean(network)
    assert [type(module) for module in network.modules()] == modules
    state = network.state_dict()
    assert all(
        torch.equal(state[k], v.to(state[k].dtype)) for k, v in golden_state_dict(variant).items()
    )


@VARIANTS
def test_the_dynamic_graph_asks_for_few_shapes(variant, traced):
    operators = [node.op_type for node in traced(variant).graph.node]
    assert operators.count("Shape") <= 5
    assert "Gather" not in operators
    assert "Unsqueeze" not in operators
