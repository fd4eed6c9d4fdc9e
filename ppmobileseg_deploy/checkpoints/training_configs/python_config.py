"""Configurations of open-mmlab, which are Python: taken apart, and never run.

A file that does something else than assigning names is refused, since that might change what
was assigned before.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from .merging import Merging
from .python_values import BASE, Values
from .reading import ConfigError

_READ_BASE: Final = "read_base"
_DELETE: Final = "_delete_"
_WHOLE: Final = "give the file that mmengine writes into the folder of a run: it is plain text"


class PythonConfig:
    """One file, taken apart.

    Args:
        text: Its content.

    Attributes:
        bases: Paths of the files that it builds on, as it names them.

    Raises:
        ConfigError: It is no Python, or does something else than assigning.
    """

    def __init__(self, text: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the file's own escapes and literals
                self._body = ast.parse(text).body
        except SyntaxError as error:
            raise ConfigError(f"is no Python, see line {error.lineno or 1}") from None
        except (MemoryError, RecursionError, ValueError):
            raise ConfigError("is damaged or no configuration") from None
        for statement in self._body:
            _check(statement)
        self.bases = tuple(self._bases())

    def merged(self, bases: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """Return what is assigned, on top of what the bases assign, as mmengine puts it together.

        Args:
            bases: What the files in `bases` assign.

        Raises:
            ConfigError: It is nested too deeply, or two bases assign one name.
        """
        below: dict[str, object] = {}
        for each in bases:
            if shared := below.keys() & each.keys():
                raise ConfigError(f"has several bases that assign {min(shared)}")
            below |= each
        values = Values(below)
        for name, node in self._assigned():
            if name != BASE:
                values.assigned[name] = values.of(node)
        return Merging(alone=(_DELETE, True)).merged(values.assigned, below)

    def _assigned(self) -> Iterator[tuple[str, ast.expr]]:
        for statement in self._body:
            match statement:
                case ast.Assign(targets=targets, value=value):
                    yield from ((each.id, value) for each in targets if isinstance(each, ast.Name))
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    yield name, value

    def _bases(self) -> Iterator[str]:
        node = next((node for name, node in self._assigned() if name == BASE), None)
        if node is None:
            return
        found = Values({}).of(node)
        for base in found if isinstance(found, list | tuple) else [found]:
            if not isinstance(base, str):
                raise ConfigError(f"computes what it builds on, line {node.lineno}")
            yield base


def _check(statement: ast.stmt) -> None:
    match statement:
        case ast.Assign(targets=targets):
            if all(isinstance(target, ast.Name) for target in targets):
                return
        case ast.AnnAssign(target=ast.Name()) | ast.Pass() | ast.Expr(value=ast.Constant()):
            return
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
            return  # what is made of them is computed
        case ast.With(items=[ast.withitem(context_expr=ast.Call(func=ast.Name(id=name)))]):
            if name == _READ_BASE:
                raise ConfigError(
                    f"imports what it builds on, line {statement.lineno}, which only running it "
                    f"would tell: {_WHOLE}"
                )
    raise ConfigError(
        f"does something else than assigning names, line {statement.lineno}, which only running "
        f"it would tell: {_WHOLE}"
    )
