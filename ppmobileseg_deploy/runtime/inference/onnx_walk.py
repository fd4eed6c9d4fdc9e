"""Parser of ONNX files: the tensors that they declare, and the operators of their graphs.

It reads those parts of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto that lead to a
tensor or a node, in one pass, and skips the rest, weights included. The results are checked
elsewhere: tensors in `onnx_file`, operators in `model_graph`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from .protobuf import MalformedError, Wire

MAX_DEPTH: Final = 100
"""Messages within messages; protobuf's own readers stop here too."""

MAX_NODES: Final = 1 << 17
"""Nodes of all graphs together: the largest networks have a tenth of it."""

MAX_NUMBERS: Final = 64
"""Whole numbers that are kept of a tensor or an attribute: those of a shape, not of weights."""

_MESSAGES: Final = MappingProxyType(
    {
        "model": {7: "graph", 20: "training", 25: "function"},
        "training": {1: "graph", 2: "graph"},
        "graph": {1: "node", 5: "tensor", 12: "output", 15: "sparse tensor"},
        "function": {7: "node", 11: "attribute"},
        "node": {5: "attribute"},
        "attribute": {
            5: "tensor",
            6: "graph",
            10: "tensor",
            11: "graph",
            22: "sparse tensor",
            23: "sparse tensor",
        },
        "sparse tensor": {1: "tensor", 2: "tensor"},
    }
)
"""Message to the fields that lead to tensors, nodes and outputs."""

# Protobuf merges repeated singular messages: the result would be a tensor never checked.
_ONCE: Final = frozenset(
    {("attribute", 5), ("attribute", 22), ("sparse tensor", 1), ("sparse tensor", 2)}
)

_TEXTS: Final = MappingProxyType(
    {
        ("node", 1): "inputs",
        ("node", 2): "outputs",
        ("node", 4): "op_type",
        ("tensor", 8): "name",
        ("output", 1): "name",
    }
)
_NUMBERS: Final = MappingProxyType(
    {
        ("tensor", 1): "dims",
        ("tensor", 2): "data_type",
        ("tensor", 7): "numbers",
        ("attribute", 3): "numbers",
        ("attribute", 8): "numbers",
        ("sparse tensor", 3): "dims",
    }
)
_CONTENTS: Final = frozenset({("tensor", 4), ("tensor", 9)})  # floats; raw bytes
_EXTERNAL_DATA: Final = ("tensor", 13)
_MAX_TEXT: Final = 4096
_MAX_RANK: Final = 64
_MAX_CONTENT: Final = 8 * MAX_NUMBERS
_MAX_PACKED: Final = 10 * MAX_NUMBERS  # a varint has at most 10 bytes
# ONNX Runtime makes sparse tensors dense when it opens a model.
_MAX_DENSE: Final = 1 << 27


@dataclass(slots=True)
class Tensor:
    """Declaration of a tensor.

    Attributes:
        held: Bytes that it takes in the file, a bound of what it holds.
        name: Its name, empty where it has none.
        data_type: Number of its type.
        dims: Its shape. Numbers on the wire have no sign: negative ones are huge.
        numbers: Its content where it is of whole numbers, few of them, and not raw.
        content: Its content where that is raw or of floats, and short.
        external: Where the rest is: the entries of ``external_data``.
    """

    held: int
    name: str = ""
    data_type: int = 0
    dims: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    content: bytes = b""
    external: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """An operator.

    Attributes:
        op_type: Its name.
        inputs: Names of its inputs; empty ones are left out.
        outputs: Names of its outputs.
        numbers: Whole numbers among its attributes, the first `MAX_NUMBERS`.
        tensors: Tensors among them.
        bodies: Graphs among them, such as the body of a loop.
    """

    op_type: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    bodies: "list[Graph]" = field(default_factory=list)


@dataclass(slots=True)
class Graph:
    """Operators, small stored tensors and outputs.

    Attributes:
        nodes: In the order of the file.
        tensors: Stored ones that are short enough to be a size.
        outputs: Names of its outputs.
    """

    nodes: list[Node] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Other:
    """A message whose content is not kept."""

    name: str = ""
    dims: list[int] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bodies: list[Graph] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


def walk(wire: Wire, size: int, check: Callable[[Tensor], None]) -> tuple[Graph, list[Graph]]:
    """Parse a file.

    Args:
        wire: The file, at its start.
        size: Its length in bytes.
        check: Called with each tensor, wherever it is; whatever it raises ends the walk.

    Returns:
        The model's graph, and what else has nodes of its own: functions, and graphs for training.

    Raises:
        MalformedError: It is no ONNX file, or exceeds a limit of this parser.
    """
    walker = _Walker(wire, check)
    walker.message("model", _Other(), size, 0)
    return walker.graph, walker.others


class _Walker:
    def __init__(self, wire: Wire, check: Callable[[Tensor], None]) -> None:
        self.graph = Graph()
        self.others: list[Graph] = []
        self._wire = wire
        self._check = check
        self._nodes = 0
        self._kept = 0

    def message(self, kind: str, found: Any, end: int, depth: int) -> None:
        """Read a message into the object for it."""
        if depth > MAX_DEPTH:
            raise MalformedError(f"messages nested more than {MAX_DEPTH} deep")
        wire = self._wire
        deeper = _MESSAGES.get(kind, {})
        seen = set()
        while wire.position < end:
            number, length = wire.field()
            place = kind, number
            if length is None:
                value = wire.varint()
                if place in _NUMBERS:
                    _add(found, _NUMBERS[place], value)
                continue
            if length > end - wire.position:
                raise MalformedError(f"a field that ends behind its message, byte {wire.position}")
            if number in deeper:
                if place in _ONCE and number in seen:
                    raise MalformedError(f"two tensors in place of one at byte {wire.position}")
                seen.add(number)
                self._inner(kind, found, deeper[number], wire.position + length, depth + 1)
            elif place in _NUMBERS and (length <= _MAX_PACKED or _NUMBERS[place] == "dims"):
                self._packed(found, _NUMBERS[place], wire.position + length)
            elif place in _TEXTS and length <= _MAX_TEXT:
                _set_text(found, _TEXTS[place], wire.take(length).decode(errors="replace"))
            elif place in _CONTENTS and len(found.content) + length <= _MAX_CONTENT:
                found.content += wire.take(length)
            elif place == _EXTERNAL_DATA:
                found.external.append(_entry(wire, length))
            else:
                wire.skip(length)
        if wire.position != end:
            raise MalformedError(f"a field that ends behind its message, byte {wire.position}")

    def _inner(self, outer: str, around: Any, kind: str, end: int, depth: int) -> None:
        """Read a nested message, and add it to the object around it."""
        if kind == "tensor":
            tensor = Tensor(held=end - self._wire.position)
            self.message(kind, tensor, end, depth)
            self._check(tensor)
            if (tensor.content or tensor.numbers) and self._kept < MAX_NODES:
                self._kept += 1
                around.tensors.append(tensor)
        elif kind == "node":
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise MalformedError(f"more than {MAX_NODES} nodes")
            node = Node()
            self.message(kind, node, end, depth)
            around.nodes.append(node)
        elif kind in ("graph", "function"):
            # Two graphs of a model are merged into one, as protobuf does.
            is_main = (outer, kind) == ("model", "graph")
            graph = self.graph if is_main else Graph()
            self.message(kind, graph, end, depth)
            if outer == "attribute":
                around.bodies.append(graph)
            elif not is_main:
                self.others.append(graph)
        elif kind == "attribute":
            is_node = isinstance(around, Node)
            self.message(kind, around if is_node else _Other(), end, depth)
        else:
            other = _Other()
            self.message(kind, other, end, depth)
            if kind == "output" and isinstance(around, Graph):
                around.outputs.append(other.name)
            elif kind == "sparse tensor" and not is_size(other.dims, _MAX_DENSE):
                raise MalformedError(f"a sparse tensor of shape {other.dims}")

    def _packed(self, found: Any, name: str, end: int) -> None:
        while self._wire.position < end:
            _add(found, name, self._wire.varint())


def is_size(dims: list[int], most: int) -> bool:
    """Return whether a shape has no negative length, and at most so many elements.

    Args:
        dims: The shape, as it is on the wire, where numbers have no sign.
        most: Most elements.
    """
    product = 1
    for length in dims:
        product *= length
        if product > most or length > most:
            return False
    return True


def _add(found: Any, name: str, value: int) -> None:
    if name == "data_type":
        found.data_type = value
        return
    numbers = getattr(found, name)
    if len(numbers) < (_MAX_RANK if name == "dims" else MAX_NUMBERS):
        numbers.append(value)
    elif name == "dims":
        raise MalformedError(f"a tensor of more than {_MAX_RANK} dimensions")


def _set_text(found: Any, name: str, text: str) -> None:
    if name in ("inputs", "outputs"):
        getattr(found, name).append(text)
    else:
        setattr(found, name, text)


def _entry(wire: Wire, length: int) -> tuple[str, str]:
    end = wire.position + length
    texts = {1: "", 2: ""}
    while wire.position < end:
        number, inner = wire.field()
        if inner is None:
            wire.varint()
        elif inner > end - wire.position or inner > _MAX_TEXT:
            raise MalformedError(f"external data described in {inner} bytes")
        else:
            text = wire.take(inner)
            try:
                texts[number] = text.decode()
            except UnicodeDecodeError:
                raise MalformedError("external data described in no UTF-8") from None
    if wire.position != end:
        raise MalformedError(f"a field that ends behind its message, byte {wire.position}")
    return texts[1], texts[2]
