"""Which kinds of objects a pickle uses as keys, found out without building any of them.

A tuple does not remember its hash. One that holds the same tuple twice, which holds another
twice, and so on for thirty levels, takes a hundred bytes and minutes to hash, and no exception
or signal gets through meanwhile. So keys are looked at before the unpickler is started.
"""

import pickle
import pickletools

_MARK = "mark"
_KEYS = {"str", "bytes_or_str", "int", "int_or_bool", "bool", "float", "None"}


def check_keys(data: bytes) -> None:
    """Follow a pickle's stack, with the names of types in place of objects.

    Args:
        data: The pickle; what follows its end is ignored.

    Raises:
        pickle.UnpicklingError: It holds a set, or a dict whose keys are more than texts and
            numbers, or it takes from its stack or memory what it has not put there.
        ValueError: It is cut off or damaged.
    """
    stack: list[str] = []
    memory: dict[object, str] = {}
    try:
        for opcode, argument, _ in pickletools.genops(data):
            _follow(opcode, argument, stack, memory)
    except LookupError as error:
        raise pickle.UnpicklingError("it asks for an object that is not there") from error


def _follow(
    opcode: pickletools.OpcodeInfo, argument: object, stack: list[str], memory: dict[object, str]
) -> None:
    taken = _take(opcode, stack)
    match opcode.name:
        case "SETITEM":
            _check(taken[1:2])
        case "SETITEMS" | "DICT":
            _check(taken[::2])
        case "ADDITEMS" | "FROZENSET":
            raise pickle.UnpicklingError("it holds a set, expected dicts of arrays")
        case "PUT" | "BINPUT" | "LONG_BINPUT":
            memory[argument] = stack[-1]
        case "MEMOIZE":
            memory[len(memory)] = taken[0]

    match opcode.name:
        case "GET" | "BINGET" | "LONG_BINGET":
            stack.append(memory[argument])
        case "DUP" | "MEMOIZE":
            stack += taken * len(opcode.stack_after)
        case "LONG4":
            stack.append("int of any length")
        case _:
            stack += [made.name for made in opcode.stack_after]


def _take(opcode: pickletools.OpcodeInfo, stack: list[str]) -> list[str]:
    """Take from the stack what an opcode takes; return what lay above the mark, if it has one."""
    names = [each.name for each in opcode.stack_before]
    count = len(names)
    above: list[str] | None = None
    if _MARK in names:
        above = []
        while (top := stack.pop()) != _MARK:
            above.append(top)
        count = names.index(_MARK)
    taken = [stack.pop() for _ in range(count)][::-1]
    return taken if above is None else above[::-1]


def _check(keys: list[str]) -> None:
    for key in keys:
        if key not in _KEYS:
            raise pickle.UnpicklingError(f"a dict key of type {key}, expected texts or numbers")
