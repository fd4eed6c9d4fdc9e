"""Reduction of a model with labels and logits to the network, with the logits as its output.

The runtime computes labels itself, at the size of the image. ONNX Runtime would run the nodes of
the file's labels all the same, whatever outputs are asked for: 1 to 2 ms for each image. Without
their gathers and sorts, devices can take the whole graph.
"""

import io
from collections.abc import Collection
from typing import Final

from .model_output import LOGITS
from .onnx_walk import Graph
from .protobuf import Wire

_GRAPH: Final = 7  # of a model
_NODE: Final = 1  # of a graph
_OUTPUT: Final = 12
_LENGTH_DELIMITED: Final = 2


def network_nodes(graph: Graph) -> frozenset[int]:
    """Find the nodes that the logits of a file of labels and logits depend on.

    Args:
        graph: The model's graph.

    Returns:
        Their numbers in the order of the file; empty where it has other outputs, or a
        node has a subgraph, which may use values that the node does not name.
    """
    if graph.outputs[1:] != [LOGITS] or any(node.bodies for node in graph.nodes):
        return frozenset()
    needed, nodes = {LOGITS}, set()
    for number in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[number]
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
            nodes.add(number)
    return frozenset(nodes)


def network_only(model: bytes, nodes: Collection[int]) -> bytes:
    """Return the model with its logits as the only output.

    Args:
        model: Content of a file that was looked through, with labels and logits as its outputs.
        nodes: What `network_nodes` found in it.

    Returns:
        The content of a file, or the same where the graph is in several pieces.
    """
    wire = Wire(io.BytesIO(model))
    parts, graphs = [], 0
    while wire.position < len(model):
        begin = wire.position
        number, length = wire.field()
        start = wire.position
        _skip(wire, length)
        if number == _GRAPH and length is not None:
            graph = _cut(model[start : wire.position], nodes)
            parts += [_head(_GRAPH, len(graph)), graph]
            graphs += 1
        else:
            parts.append(model[begin : wire.position])
    return b"".join(parts) if graphs == 1 else model


def _cut(graph: bytes, nodes: Collection[int]) -> bytes:
    wire = Wire(io.BytesIO(graph))
    parts = []
    seen = {_NODE: 0, _OUTPUT: 0}
    while wire.position < len(graph):
        begin = wire.position
        number, length = wire.field()
        _skip(wire, length)
        kept = True
        if number in seen:
            kept = seen[number] in nodes if number == _NODE else seen[number] == 1
            seen[number] += 1
        if kept:
            parts.append(graph[begin : wire.position])
    return b"".join(parts)


def _skip(wire: Wire, length: int | None) -> None:
    if length is None:
        wire.varint()
    else:
        wire.skip(length)


def _head(number: int, length: int) -> bytes:
    head = bytearray([number << 3 | _LENGTH_DELIMITED])
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head)
