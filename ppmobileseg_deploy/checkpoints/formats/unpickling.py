"""Unpickling into descriptions, without running or importing anything that a pickle names.

Python's own unpickler calls what a pickle tells it to call. This one builds dicts, lists, tuples,
numbers and texts; whatever else a pickle names becomes a `Placeholder`, but for the few names
that stand for arrays and tensors, and these become descriptions of them. So there is nothing
that a stranger's pickle could set off, and no memory that it could ask for, beyond what its
opcodes take, which `opcodes` bounds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

from .opcodes import MAX_OPCODES, read_opcodes
from .source import FormatError, Source

MAX_NAME: Final = 500
"""Longest name of an entry, a module or a class, in characters."""

_MAX_ARGUMENTS: Final = 64

_RUN_PROGRAMS: Final = frozenset({"os", "posix", "nt", "subprocess", "pty", "runpy"})
_RUN_CODE: Final = frozenset({"eval", "exec", "compile", "__import__"})
_BUILTINS: Final = frozenset({"builtins", "__builtin__"})


class Global:
    """A class or function that a pickle names; it is never imported.

    Attributes:
        name: Its module and name. Python 2 called the module of its own functions otherwise.
    """

    __slots__ = ("name",)

    def __init__(self, module: str, name: str) -> None:
        # They are put together, and the same two could be again and again.
        if max(len(module), len(name)) > MAX_NAME:
            raise FormatError(
                f"is no checkpoint: a class whose name is longer than {MAX_NAME} characters"
            )
        builtin = module in _BUILTINS
        if module in _RUN_PROGRAMS or (builtin and name in _RUN_CODE):
            # It would not be run here in any case, but in most other programs.
            raise FormatError(
                f"asks for {module}.{name}, which runs programs or code: no checkpoint needs "
                "that, and nothing was run"
            )
        self.name = f"{'builtins' if builtin else module}.{name}"


class Placeholder(dict[str, Any]):
    """Stands for an object of any class that is not needed.

    Like the dicts here it keeps the entries that have names: many classes of training frameworks
    are dicts.

    Attributes:
        kind: Name of its class.
        state: Its attributes, if it was saved with any.
    """

    __slots__ = ("kind", "state")

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.state: object = None


@runtime_checkable
class Stateful(Protocol):
    """Something that a pickle builds in two steps."""

    def set_state(self, state: object) -> None:
        """Take the second step."""


Builder = Callable[[tuple[Any, ...]], object]
"""Makes a description of arguments; whatever they are, it does no harm."""


def unpickle(
    source: Source,
    start: int,
    stop: int,
    builders: Mapping[str, Builder],
    persistent: Callable[[object], object] | None = None,
    most: int = MAX_OPCODES,
) -> tuple[object, int]:
    """Read a pickle.

    Dicts keep the entries whose keys are texts of at most `MAX_NAME` characters. All others are
    left out, since hashing what a stranger chose as a key can take forever.

    Args:
        source: The file.
        start: Where the pickle begins.
        stop: Where it ends at the latest.
        builders: What is made of calls of which names; see `Placeholder` for all others.
        persistent: What is made of objects that are stored outside of the pickle.
        most: How many opcodes there may be.

    Returns:
        What was pickled, and the place after it.

    Raises:
        FormatError: It is damaged, too long, or asks to run programs or code, which nothing did.
    """
    machine = _Machine(builders, persistent)
    place = start
    try:
        for name, argument, place in read_opcodes(source, start, stop, most):  # noqa: B007
            _ACTIONS[name](machine, argument)
        return machine.stack.pop(), place
    except LookupError:
        raise FormatError("is damaged: its pickle asks for an object that is not there") from None


class _Machine:
    """Stack and memo of a pickle that is being read."""

    def __init__(
        self,
        builders: Mapping[str, Builder],
        persistent: Callable[[object], object] | None,
    ) -> None:
        self.stack: list[Any] = []
        self._below_marks: list[list[Any]] = []
        self._memory: dict[int, Any] = {}
        self._slots = 0
        self._builders = builders
        self._persistent = persistent

    def push(self, argument: object) -> None:
        self.stack.append(argument)

    def pop(self, _: object) -> None:
        # An unused mark is taken away like an object.
        if self.stack:
            self.stack.pop()
        else:
            self.above_mark()

    def duplicate(self, _: object) -> None:
        self.stack.append(self.stack[-1])

    def mark(self, _: object) -> None:
        self._below_marks.append(self.stack)
        self.stack = []

    def above_mark(self, _: object = None) -> list[Any]:
        above, self.stack = self.stack, self._below_marks.pop()
        return above

    def memorize(self, slot: int | None) -> None:
        # Python numbers them from 0 or 1 on. Other numbers could be chosen so that a dict of
        # them is slow.
        self._slots += 1
        slot = self._slots - 1 if slot is None else slot
        if not 0 <= slot <= self._slots:
            raise FormatError(f"is damaged or no checkpoint: it asks for {slot} memory slots")
        self._memory[slot] = self.stack[-1]

    def remember(self, slot: int) -> None:
        self.stack.append(self._memory[slot])

    def push_tuple(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError
        self.stack[-count:] = (tuple(self.stack[-count:]),)

    def append(self, _: object) -> None:
        item = self.stack.pop()
        self._extend([item])

    def extend(self, _: object) -> None:
        self._extend(self.above_mark())

    def set_item(self, _: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill(self.stack[-1], (key, value))

    def set_items(self, _: object) -> None:
        items = self.above_mark()
        self._fill(self.stack[-1], items)

    def push_dict(self, _: object) -> None:
        items = self.above_mark()
        self.stack.append({})
        self._fill(self.stack[-1], items)

    def drop_items(self) -> None:
        self.above_mark()
        self.stack.append(Placeholder("builtins.frozenset"))

    def push_global(self, _: object) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise FormatError("is damaged: its pickle names a class by something else than texts")
        self.stack.append(Global(module, name))

    def call(self, _: object) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        self._call(called, arguments)

    def call_with_keywords(self, _: object) -> None:
        self.stack.pop()
        self.call(None)

    def call_named(self, names: tuple[str, str]) -> None:
        self._call(Global(*names), tuple(self.above_mark()))

    def call_first(self, _: object) -> None:
        called, *arguments = self.above_mark() or [None]
        self._call(called, tuple(arguments))

    def build(self, _: object) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Placeholder):
            target.state = state
        elif isinstance(target, Stateful):
            target.set_state(state)

    def push_persistent(self, _: object) -> None:
        identity = self.stack.pop()
        if self._persistent is None:
            raise FormatError("is damaged or no checkpoint: a part of its pickle is elsewhere")
        self.stack.append(self._persistent(identity))

    def _call(self, called: object, arguments: object) -> None:
        name = called.name if isinstance(called, Global) else "result of a call"
        builder = self._builders.get(name)
        if builder is None:
            self.stack.append(Placeholder(name))
        elif isinstance(arguments, tuple) and len(arguments) <= _MAX_ARGUMENTS:
            self.stack.append(builder(arguments))
        else:
            raise FormatError(f"is damaged: its pickle calls {name} without its arguments")

    def _extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)

    def _fill(self, target: object, items: Sequence[Any]) -> None:
        if not isinstance(target, dict):
            return
        for key, value in zip(items[::2], items[1::2], strict=False):
            if isinstance(key, str) and len(key) <= MAX_NAME:
                target[key] = value


_PUSHED: Final = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
)

_ACTIONS: Final[dict[str, Callable[[_Machine, Any], object]]] = {
    "PROTO": lambda _machine, _: None,
    "FRAME": lambda _machine, _: None,
    "STOP": lambda _machine, _: None,
    **dict.fromkeys(_PUSHED, _Machine.push),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),  # noqa: FBT003  that is the value
    "NEWFALSE": lambda machine, _: machine.push(False),  # noqa: FBT003  that is the value
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_SET": lambda machine, _: machine.push(Placeholder("builtins.set")),
    "FROZENSET": lambda machine, _: machine.drop_items(),
    "LIST": lambda machine, _: machine.push(machine.above_mark()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.above_mark())),
    "TUPLE1": lambda machine, _: machine.push_tuple(1),
    "TUPLE2": lambda machine, _: machine.push_tuple(2),
    "TUPLE3": lambda machine, _: machine.push_tuple(3),
    "DICT": _Machine.push_dict,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "ADDITEMS": _Machine.above_mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.above_mark,
    "DUP": _Machine.duplicate,
    "MARK": _Machine.mark,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.remember),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.memorize),
    "GLOBAL": lambda machine, names: machine.push(Global(*names)),
    "STACK_GLOBAL": _Machine.push_global,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "NEWOBJ_EX": _Machine.call_with_keywords,
    "INST": _Machine.call_named,
    "OBJ": _Machine.call_first,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.push_persistent,
}
