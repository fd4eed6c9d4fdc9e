"""Values of Python expressions as configurations write them, found without running anything.

Literals, ``dict(...)``, ``list(...)``, ``tuple(...)``, names assigned before, parts of bases,
plain arithmetic, and lists put together or repeated are understood. Any other value is
a `Computed`.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .reading import ConfigError

BASE: Final = "_base_"
"""Name of what a configuration builds on."""

_MAX_DEPTH: Final = 100
_MAX_ITEMS: Final = 50_000
_MAX_NUMBER: Final = 1e18
_SEQUENCES: Final = (list, tuple)

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


@dataclass(frozen=True)
class Computed:
    """Stands for a value that only running the file would tell.

    Attributes:
        line: Where it stands.
    """

    line: int


class Values:
    """The values of names that are assigned one after the other.

    All lists, tuples and dicts that are made have 50 000 items at most, together: each is counted
    before it takes memory.

    Args:
        base: What the bases assign.

    Attributes:
        assigned: The values by name.
    """

    def __init__(self, base: Mapping[str, object]) -> None:
        self.assigned: dict[str, object] = {}
        self._base = base
        self._left = _MAX_ITEMS

    def of(self, node: ast.expr, depth: int = 0) -> object:
        """Return the value of an expression.

        Args:
            node: The expression.
            depth: How many others it is part of.

        Returns:
            Dicts with the entries whose keys are texts, lists, tuples, texts, numbers, None, and
            `Computed` for what is not understood, or is too large a number.

        Raises:
            ConfigError: It is nested too deeply, or the file has too many items.
        """
        if depth > _MAX_DEPTH:
            raise ConfigError(f"is nested too deeply, line {node.lineno}")
        found = self._found(node, depth + 1)
        too_large = isinstance(found, int | float) and not abs(found) <= _MAX_NUMBER
        return Computed(node.lineno) if too_large else found

    def _found(self, node: ast.expr, depth: int) -> object:
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None as value):
                return value
            case ast.Name(id=name) if name in self.assigned:
                return self.assigned[name]
            case ast.List(elts=nodes):
                return self._items(nodes, depth)
            case ast.Tuple(elts=nodes):
                items = self._items(nodes, depth)
                return tuple(items) if isinstance(items, list) else items
            case ast.Dict(keys=keys, values=nodes):
                return self._dict([key and self.of(key, depth) for key in keys], nodes, depth)
            case ast.Call(func=ast.Name(id=name)) if name not in self.assigned:
                return self._call(name, node, depth)
            case ast.Set(elts=[ast.Set(elts=[ast.Attribute() as inner])]):  # {{_base_.name}}
                return self._of_base(inner)
            case ast.Attribute():
                return self._of_base(node)
            case ast.Subscript(value=whole, slice=index):
                return _part(self.of(whole, depth), self.of(index, depth), node.lineno)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                number = self.of(operand, depth)
                return -number if _is_number(number) else Computed(node.lineno)  # type: ignore[operator]
            case ast.BinOp(left=left, op=sign, right=right):
                return self._combined(self.of(left, depth), sign, self.of(right, depth), node)
        return Computed(node.lineno)

    def _items(self, nodes: Sequence[ast.expr], depth: int) -> object:
        items: list[object] = []
        for node in nodes:
            self._count(1, node)
            if not isinstance(node, ast.Starred):
                items.append(self.of(node, depth))
                continue
            more = self.of(node.value, depth)
            if not isinstance(more, list | tuple):
                return Computed(node.lineno)
            self._count(len(more), node)
            items += more
        return items

    def _dict(self, keys: Sequence[object], nodes: Sequence[ast.expr], depth: int) -> object:
        """Make a dict; where a key is None the value is one whose entries are taken."""
        found: dict[str, object] = {}
        for key, node in zip(keys, nodes, strict=True):
            self._count(1, node)
            value = self.of(node, depth)
            if isinstance(key, Computed) or (key is None and not isinstance(value, dict)):
                return Computed(node.lineno)
            if isinstance(key, str):
                found[key] = value
            elif isinstance(value, dict) and key is None:
                self._count(len(value), node)
                found |= value
        return found

    def _call(self, name: str, node: ast.Call, depth: int) -> object:
        given = [self.of(each, depth) for each in node.args]
        if name == "dict":
            named = self._dict(
                [each.arg for each in node.keywords], [each.value for each in node.keywords], depth
            )
            if given and isinstance(given[0], dict) and isinstance(named, dict):
                self._count(len(given[0]) + len(named), node)
                return given[0] | named
            return Computed(node.lineno) if given else named
        if name in ("list", "tuple") and not node.keywords:
            items = given[0] if given else []
            if isinstance(items, list | tuple):
                self._count(len(items), node)
                return list(items) if name == "list" else tuple(items)
        return Computed(node.lineno)

    def _of_base(self, node: ast.expr) -> object:
        # Not by recursion: a file can have more of these names in a row than Python has frames.
        names: list[str] = []
        whole = node
        while isinstance(whole, ast.Attribute):
            names.append(whole.attr)
            whole = whole.value
        if not isinstance(whole, ast.Name) or whole.id != BASE:
            return Computed(node.lineno)
        found: object = self._base
        for name in reversed(names):
            found = _part(found, name, node.lineno)
        return found

    def _combined(self, left: object, sign: ast.operator, right: object, node: ast.expr) -> object:
        compute = _OPERATORS.get(type(sign))
        if compute is None:
            return Computed(node.lineno)
        if isinstance(left, _SEQUENCES) and type(left) is type(right) and compute is operator.add:
            self._count(len(left) + len(right), node)
        elif isinstance(left, _SEQUENCES) and type(right) is int and compute is operator.mul:
            self._count(len(left) * max(right, 0), node)
        elif not (_is_number(left) and _is_number(right)):
            return Computed(node.lineno)
        try:
            found: object = compute(left, right)
        except ArithmeticError:
            return Computed(node.lineno)
        return found

    def _count(self, items: int, node: ast.expr) -> None:
        self._left -= items
        if self._left < 0:
            raise ConfigError(
                f"is no configuration: it has more than {_MAX_ITEMS} values, line {node.lineno}"
            )


def _part(whole: object, index: object, line: int) -> object:
    if isinstance(whole, Mapping) and isinstance(index, str) and index in whole:
        return whole[index]
    if (
        isinstance(whole, list | tuple)
        and type(index) is int
        and -len(whole) <= index < len(whole)
    ):
        return whole[index]
    return Computed(line)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
