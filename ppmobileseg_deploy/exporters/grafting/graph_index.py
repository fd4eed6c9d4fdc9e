"""Look-ups in an ONNX graph, and its reduction to what some outputs need."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}


class GraphIndex:
    """Who makes and who holds each tensor of a graph. The graph must not change.

    Args:
        model: The model, without functions of its own.
    """

    def __init__(self, model: ModelProto) -> None:
        graph = model.graph
        self._made_by = {name: node for node in graph.node for name in node.output if name}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._types = {
            value.name: value.type.tensor_type
            for value in (*graph.value_info, *graph.input, *graph.output)
        }

    def maker(self, name: str) -> NodeProto | None:
        """Return the node that computes a tensor; None for inputs and stored ones."""
        return self._made_by.get(name)

    def constant(self, name: str) -> NDArray[Any] | None:
        """Return the numbers of a stored tensor; None where they are computed or given."""
        if not name:
            return None
        node = self._made_by.get(name)
        if node is not None and node.op_type == "Identity":
            return self.constant(node.input[0]) if name != node.input[0] else None
        if node is not None and node.op_type == "Constant":
            return _constant(node)
        tensor = self._stored.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def rank(self, name: str) -> int | None:
        """Return how many dimensions a tensor has, where that is known."""
        kind = self._types.get(name)
        return len(kind.shape.dim) if kind is not None and kind.HasField("shape") else None

    def dims(self, name: str) -> tuple[int | str, ...]:
        """Return its lengths, names where they vary; empty if unknown."""
        kind = self._types.get(name)
        if kind is None or not kind.HasField("shape"):
            return ()
        return tuple(
            each.dim_value if each.HasField("dim_value") else each.dim_param
            for each in kind.shape.dim
        )

    def element_type(self, name: str) -> int:
        """Return ONNX's number of the type of its elements, 0 if unknown."""
        kind = self._types.get(name)
        return 0 if kind is None else int(kind.elem_type)

    def is_float(self, name: str) -> bool:
        """Return whether it may hold floating point numbers."""
        return self.element_type(name) in (_FLOATS | {0})


def attribute(node: NodeProto, name: str, default: Any) -> Any:
    """Return an attribute of a node; text as text."""
    for each in node.attribute:
        if each.name == name:
            value = onnx.helper.get_attribute_value(each)
            return value.decode() if isinstance(value, bytes) else value
    return default


def needed_nodes(
    graph: GraphProto, outputs: Collection[str], given: Collection[str] = ()
) -> list[NodeProto]:
    """Return the nodes that some tensors depend on, in order.

    Args:
        graph: The graph, whose nodes are sorted, as the checker demands.
        outputs: The tensors.
        given: Tensors that are there already.
    """
    have, needed, nodes = set(given), set(outputs), []
    for node in reversed(graph.node):
        if (needed & set(node.output)) - have:
            needed.update(_uses(node))
            nodes.append(node)
    return nodes[::-1]


def keep(model: ModelProto, nodes: list[NodeProto]) -> None:
    """Leave nothing in a model but some nodes, and the stored tensors that they use."""
    graph = model.graph
    kept = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in _uses(node)}
    used.update(output.name for output in graph.output)
    stored = [tensor for tensor in graph.initializer if tensor.name in used]
    names = {tensor.name for tensor in graph.initializer}
    del graph.initializer[:]
    graph.initializer.extend(stored)
    inputs = [each for each in graph.input if each.name in used or each.name not in names]
    del graph.input[:]
    graph.input.extend(inputs)
    del graph.value_info[:]


def _uses(node: NodeProto) -> Iterator[str]:
    """Yield the tensors that a node takes, those that its subgraphs take from outside included."""
    yield from filter(None, node.input)
    for each in node.attribute:
        for body in (each.g, *each.graphs):
            for inner in body.node:
                yield from _uses(inner)
            yield from (output.name for output in body.output)


def _constant(node: NodeProto) -> NDArray[Any] | None:
    for each in node.attribute:
        if each.name == "value":
            return numpy_helper.to_array(each.t)
        if each.name in ("value_float", "value_floats"):
            return np.asarray(onnx.helper.get_attribute_value(each), np.float32)
        if each.name in ("value_int", "value_ints"):
            return np.asarray(onnx.helper.get_attribute_value(each), np.int64)
    return None


def rename(model: ModelProto, names: Collection[str]) -> dict[str, str]:
    """Give other names to tensors, so that these are free.

    Args:
        model: Changed in place.
        names: Names to be freed; those of inputs stay.

    Returns:
        Old names and new ones.
    """
    graph = model.graph
    inputs = {each.name for each in graph.input}
    taken = {name for node in graph.node for name in node.output}
    taken.update(tensor.name for tensor in graph.initializer)
    new = {
        name: next(f"{name}.{i}" for i in range(len(taken) + 1) if f"{name}.{i}" not in taken)
        for name in names
        if name in taken and name not in inputs
    }
    _rename(graph, new)
    return new


def _rename(graph: GraphProto, new: dict[str, str]) -> None:
    for node in graph.node:
        for part in (node.input, node.output):
            for place, name in enumerate(part):
                part[place] = new.get(name, name)
        for each in node.attribute:
            for body in (each.g, *each.graphs):
                if body.node:
                    _rename(body, new)
    for values in (graph.initializer, graph.output, graph.value_info):
        for value in values:
            value.name = new.get(value.name, value.name)
