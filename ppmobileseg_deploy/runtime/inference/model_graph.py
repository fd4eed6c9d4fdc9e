"""Facts about a model's graph that are known before it runs: end, loops, sizes of tensors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np

from .network_only import network_nodes
from .onnx_walk import Graph, Node, Tensor
from .protobuf import MalformedError

End: TypeAlias = Literal["softmax", "sigmoid", "argmax", ""]

MAX_ELEMENTS: Final = 1 << 28
"""Elements of a tensor that is made from a stored size. As float32 they take 1 GB."""

_MOVING: Final = frozenset(
    {"Cast", "Clip", "DequantizeLinear", "Dropout", "Flatten", "Identity", "QuantizeLinear",
     "Reshape", "Resize", "Slice", "Squeeze", "Transpose", "Unsqueeze", "Upsample"}
)  # fmt: skip
"""Operators behind which numbers still mean what they did before."""

_ENDS: Final[Mapping[str, "End"]] = MappingProxyType(
    {
        "Softmax": "softmax",
        "QLinearSoftmax": "softmax",
        "Sigmoid": "sigmoid",
        "HardSigmoid": "sigmoid",
        "QLinearSigmoid": "sigmoid",
        "ArgMax": "argmax",
        "ArgMin": "argmax",
    }
)

# Operators that make a tensor as large as one of their inputs says, and which input that is.
_SIZED_BY_INPUT: Final = MappingProxyType(
    {"ConstantOfShape": 0, "Expand": 1, "OneHot": 1, "Pad": 1, "Tile": 1,
     "BlackmanWindow": 0, "HammingWindow": 0, "HannWindow": 0}
)  # fmt: skip
_SIZED_BY_ATTRIBUTE: Final = frozenset({"RandomNormal", "RandomUniform"})

_DTYPES: Final = MappingProxyType({1: "<f4", 6: "<i4", 7: "<i8", 11: "<f8"})


@dataclass(frozen=True)
class ModelGraph:
    """Facts about a graph.

    Attributes:
        ends_in: The operator that computes the first output, operators that only move or resize
            values left out; empty for other operators than these three, which define what the
            values mean.
        has_loop: Whether there is a loop in it, which may have no end.
        network: Numbers of the nodes that the logits depend on, of a file that gives labels and
            logits; empty for others.
    """

    ends_in: End = ""
    has_loop: bool = False
    network: frozenset[int] = frozenset()

    @classmethod
    def of(cls, graph: Graph, others: Sequence[Graph] = ()) -> "ModelGraph":
        """Collect the facts.

        Args:
            graph: The model's graph.
            others: Functions, and graphs for training.

        Raises:
            MalformedError: A tensor would be made of more than `MAX_ELEMENTS`, or a loop goes
                round without doing anything, which nothing could stop.
        """
        has_loop = False
        constants: dict[str, tuple[float, ...]] = {}
        for each in (graph, *others):
            for inner in _with_bodies(each):
                constants.update(_constants(inner))
                for node in inner.nodes:
                    has_loop |= node.op_type == "Loop"
                    _check_loop(node)
        for each in (graph, *others):
            for inner in _with_bodies(each):
                for node in inner.nodes:
                    _check_size(node, constants)
        return cls(_ENDS.get(_last_operator(graph), ""), has_loop, network_nodes(graph))


def _with_bodies(graph: Graph) -> Iterator[Graph]:
    # No deeper than `onnx_walk.MAX_DEPTH`.
    yield graph
    for node in graph.nodes:
        for body in node.bodies:
            yield from _with_bodies(body)


def _last_operator(graph: Graph) -> str:
    """Return what gives the first output, seen through operators that only move numbers."""
    made_by = {name: node for node in graph.nodes for name in node.outputs}
    name = graph.outputs[0] if graph.outputs else ""
    for _ in range(len(graph.nodes)):  # the graph may have a cycle
        node = made_by.get(name)
        if node is None:
            break
        if node.op_type not in _MOVING:
            return node.op_type
        name = node.inputs[0] if node.inputs else ""
    return ""


def _check_loop(node: Node) -> None:
    # ONNX Runtime checks for termination between two nodes: a loop without any cannot be ended.
    if node.op_type == "Loop" and not all(body.nodes for body in node.bodies):
        raise MalformedError("a loop that does nothing")


def _check_size(node: Node, constants: Mapping[str, tuple[float, ...]]) -> None:
    if node.op_type in _SIZED_BY_ATTRIBUTE:
        elements = _product(node.numbers)
    elif node.op_type == "Range":
        elements = _length_of_range([constants.get(name, ()) for name in node.inputs])
    elif node.op_type in _SIZED_BY_INPUT:
        index = _SIZED_BY_INPUT[node.op_type]
        name = node.inputs[index] if index < len(node.inputs) else ""
        elements = _product(constants.get(name, ()))
    else:
        return
    # Negated, so that a NaN is refused.
    if not elements <= MAX_ELEMENTS:
        raise MalformedError(
            f"{node.op_type} of {elements:.3g} elements, more than {MAX_ELEMENTS}"
        )


def _product(sizes: Iterable[float]) -> float:
    # For pads, too: every value other than 0 makes the tensor longer.
    return prod(max(abs(float(size)), 1.0) for size in sizes)


def _length_of_range(numbers: Sequence[tuple[float, ...]]) -> float:
    if len(numbers) != 3 or any(len(each) != 1 for each in numbers):
        return 0
    (start,), (limit,), (delta,) = numbers
    return (limit - start) / delta if delta else 0


def _constants(graph: Graph) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield the stored tensors that are short enough for a size, by name."""
    for tensor in graph.tensors:
        yield tensor.name, _values(tensor)
    for node in graph.nodes:
        if node.op_type == "Constant" and node.outputs:
            values = _values(node.tensors[0]) if node.tensors else _signed(node.numbers)
            yield node.outputs[0], values


def _values(tensor: Tensor) -> tuple[float, ...]:
    """Return a tensor's numbers, or none where they are not all there."""
    count = prod(tensor.dims)
    dtype = _DTYPES.get(tensor.data_type)
    if tensor.numbers:
        return _signed(tensor.numbers) if len(tensor.numbers) == count else ()
    if dtype is None or count * np.dtype(dtype).itemsize != len(tensor.content):
        return ()
    return tuple(np.frombuffer(tensor.content, dtype).tolist())


def _signed(numbers: Iterable[int]) -> tuple[float, ...]:
    return tuple(number - (1 << 64) if number >> 63 else number for number in numbers)
