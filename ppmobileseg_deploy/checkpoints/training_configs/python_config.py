"""Configurations of open-mmlab, which are Python: taken apart, and never run.

A file that does something else than assigning names is refused, since that might change what
was assigned before.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from .merging import Merging
from .python_values import BASE, Values
from .reading import ConfigError

_READ_BASE: Final = "read_base"
_DELETE: Final = "_delete_"
_MAX_CHAIN: Final = 1000
_FORMATTED: Final = re.compile("[rR]?[fF][rR]?['\"]")
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
        _check_chains(text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the file's own escapes and literals
                self._body = ast.parse(text).body
        except SyntaxError as error:
            raise ConfigError(f"is no Python, see line {error.lineno or 1}") from None
        # Nested too deeply: which of the first three it is depends on Python's version.
        except (MemoryError, RecursionError, SystemError, ValueError):
            raise ConfigError("is damaged or no configuration") from None
        for statement in self._body:
            _check(statement)
        self.bases = tuple(self._bases())

    def merged(self, bases: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """Return what is assigned, on top of what the bases assign, as mmengine puts it together.

        Args:
            bases: What the files in `bases` assign.

        Raises:
            ConfigError: It is nested too deeply, has too many values, or two of its bases
                assign one name.
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


def _check_chains(text: str) -> None:
    """Refuse attributes, calls or operators in a row, each of which is nested in the next.

    Python 3.10 follows any number of them into the tree that it makes, and crashes.
    """
    counts = [0]  # of the row in each pair of brackets that is open
    total = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            if token.type == tokenize.NEWLINE or token.string == ",":
                total -= counts[-1]
                counts[-1] = 0
            elif token.type == tokenize.OP:
                total += 1
                counts[-1] += 1
                if token.string in ("(", "[", "{"):
                    counts.append(0)
                elif token.string in (")", "]", "}") and len(counts) > 1:
                    total -= counts.pop()
            elif token.type == tokenize.STRING and _FORMATTED.match(token.string):
                total += len(token.string)  # before Python 3.12 all its expressions are one token
                counts[-1] += len(token.string)
            if total > _MAX_CHAIN:
                raise ConfigError(f"is nested too deeply, line {token.start[0]}")
    except (SyntaxError, tokenize.TokenError):
        pass  # which the parser says better


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
