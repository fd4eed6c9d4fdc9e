"""Published lists of operators, and what they leave to the CPU."""

import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import onnx
import onnxruntime
import pytest

from ppmobileseg_deploy import accelerators
from ppmobileseg_deploy.accelerators import placements
from ppmobileseg_deploy.inspection import inspect

ROOT = Path(__file__).parents[1]
TABLES = json.loads((ROOT / "ppmobileseg_deploy" / "accelerators.json").read_text("utf-8"))
LISTS = Path(onnxruntime.__file__).parent / "tools" / "mobile_helpers"
KNOWN = {each.name for each in onnx.defs.get_all_schemas() if each.domain == ""}


@pytest.mark.parametrize("name", TABLES)
def test_lists_name_operators_of_onnx_and_a_source(name: str) -> None:
    table = TABLES[name]
    assert set(table["operators"]) <= KNOWN
    assert table["operators"] == sorted(set(table["operators"]))
    assert {"Conv", "Softmax", "Resize", "MatMul"} <= set(table["operators"])
    assert re.search(r"\d", table["source"])


@pytest.mark.parametrize("name", ["CoreML", "NNAPI"])
def test_lists_of_onnxruntime_are_those_that_it_carries(name: str) -> None:
    release, file_name = re.fullmatch(r"onnxruntime (\S+), (\S+)", TABLES[name]["source"]).groups()  # type: ignore[union-attr]
    if version("onnxruntime") != release:
        pytest.skip(f"the list is that of onnxruntime {release}")
    listed = re.findall(r"^\|ai\.onnx:(\w+)\|", (LISTS / file_name).read_text("utf-8"), re.M)
    assert {each.lower() for each in TABLES[name]["operators"]} == {
        each.lower() for each in listed
    }


def test_what_is_not_listed_stays_on_the_cpu() -> None:
    operators = ["Conv", "NonZero", "NonZero", "Constant", "TopK", "com.microsoft.Conv"]
    found = {each.accelerator: each for each in placements(operators, "file")}
    assert list(found) == list(TABLES)
    assert found["WebGPU"].nodes == 5  # a constant is no node that runs
    assert found["WebGPU"].on_cpu == {"NonZero": 2, "TopK": 1, "com.microsoft.Conv": 1}
    assert found["TensorRT"].on_cpu == {"com.microsoft.Conv": 1}


def test_what_onnxruntime_takes_apart_counts_as_its_parts() -> None:
    found = {each.accelerator: each.on_cpu for each in placements(["HardSwish"], "file")}
    assert found["CoreML"] == {}  # it has HardSigmoid and Mul
    assert found["NNAPI"] == {"HardSwish": 1}  # it has no HardSigmoid


def test_the_network_is_told_from_what_makes_labels_of_it() -> None:
    model = ROOT / "demo" / "ppmobileseg_tiny_demo.onnx"
    found = {(each.accelerator, each.part): each for each in inspect(model).placements}
    whole, network = (found["WebGPU", part] for part in ("file", "network"))
    assert network.nodes < 0.6 * whole.nodes
    assert {"NonZero", "ScatterElements", "TopK"} <= set(whole.on_cpu)
    assert not {"NonZero", "ScatterElements", "TopK"} & set(network.on_cpu)
    assert accelerators.placements([], "network")[0].nodes == 0


def test_the_documentation_has_these_figures(exported_demo: Callable[..., Path]) -> None:
    page = (ROOT / "docs" / "reference" / "accelerators.md").read_text("utf-8")
    found = [*inspect(exported_demo()).placements]
    found += inspect(exported_demo(coarse_logits=True, shape_hw=(512, 512))).placements
    (heads,) = re.findall(r"^\| \| default .*$", page, re.MULTILINE)
    columns = [each.nodes for each in found[:: len(TABLES)]]
    assert [int(number) for number in re.findall(r"(\d+) nodes", heads)] == columns
    for index, name in enumerate(TABLES):
        (cells,) = re.findall(rf"^\| {name} \|(( \d+ \|){{3}})$", page, re.MULTILINE)
        counts = [sum(each.on_cpu.values()) for each in found[index :: len(TABLES)]]
        assert [int(number) for number in re.findall(r"\d+", cells[0])] == counts
