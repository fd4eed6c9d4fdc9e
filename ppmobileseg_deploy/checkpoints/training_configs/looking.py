"""Looking into the values of a configuration, which may be anything anywhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from ...metadata import MAX_NUMBER, MAX_SIDE, MIN_STD, RGB
from ...quoting import brief, printable, shortened
from ..recipes import MAX_NAME, Three, Unclear
from .python_values import Computed

MAX_STEPS: Final = 1000
"""Longest pipeline."""

_CHANNELS: Final = 3
_MAX_WRAPPED: Final = 8

_Value = TypeVar("_Value")


def said(find: Callable[[], _Value]) -> _Value | Unclear:
    """Return what is found, or why it is not.

    Args:
        find: Raises ValueError, with the reason, where it finds nothing of use.
    """
    try:
        return find()
    except ValueError as error:
        return Unclear(str(error))


def at(values: object, *path: str) -> Any:
    """Return what stands at a path of names: None if nothing does, `Computed` if a part is that.

    Args:
        values: A dict, or anything else.
        path: Names, from the outermost.
    """
    for name in path:
        if isinstance(values, Computed):
            return values
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def entries(found: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the kind of each step of a pipeline, without the module's name, and the step.

    Args:
        found: The pipeline.

    Raises:
        ValueError: It is no list of steps, or a step has no kind.
    """
    if not isinstance(found, list | tuple) or len(found) > MAX_STEPS:
        raise ValueError(f"the steps of its pipeline are {shown(found)}")
    for step in found:
        kind = at(step, "type")
        if not isinstance(kind, str):
            raise ValueError(f"a step of its pipeline is {shown(step)}")
        yield kind.rsplit(".", 1)[-1], step


def three(found: object, what: str, least: float = -MAX_NUMBER) -> Three:
    """Return three numbers, of which one may stand for all.

    Args:
        found: What stands there.
        what: What it is, for the message.
        least: The least that a number may be.

    Raises:
        ValueError: It is something else.
    """
    numbers = found if isinstance(found, list | tuple) else (found,)
    if len(numbers) not in (1, _CHANNELS) or not all(map(is_number, numbers)):
        raise ValueError(f"its {what} is {shown(found)}, expected three numbers")
    # Negated, because whatever is compared with NaN is false.
    if not all(least <= number <= MAX_NUMBER for number in numbers):
        raise ValueError(f"its {what} has a number that is none from {least:g} to {MAX_NUMBER:g}")
    one, two, last = map(float, [*numbers] * (_CHANNELS // len(numbers)))
    return one, two, last


def standard_deviation(found: object) -> Three:
    """Return three numbers above zero, likewise."""
    return three(found, "std", MIN_STD)


def sides(found: object, what: str) -> tuple[int, int]:
    """Return two sides in the order in which they stand there; one number stands for both.

    Raises:
        ValueError: It is something else.
    """
    both = found if isinstance(found, list | tuple) else (found, found)
    if len(both) != 2 or not all(type(side) is int for side in both):
        raise ValueError(f"its {what} is {shown(found)}, expected two whole numbers")
    return side(both[0], what), side(both[1], what)


def side(found: object, what: str) -> int:
    """Return a number of pixels.

    Raises:
        ValueError: It is something else.
    """
    if type(found) is not int or not 1 <= found <= MAX_SIDE:
        raise ValueError(f"its {what} is {shown(found)}, expected 1 to {MAX_SIDE} pixels")
    return found


def names(found: object) -> tuple[str, ...]:
    """Return names of classes, safe to print.

    Raises:
        ValueError: They are something else.
    """
    if not isinstance(found, list | tuple) or not found:
        raise ValueError(f"its names of classes are {shown(found)}")
    for name in found:
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
            raise ValueError(f"it calls a class {shown(name)}")
    return tuple(map(printable, found))


def colours(found: object) -> tuple[RGB, ...]:
    """Return colours of classes.

    Raises:
        ValueError: They are something else.
    """
    if not isinstance(found, list | tuple) or not found:
        raise ValueError(f"its colours of classes are {shown(found)}")
    return tuple(map(_colour, found))


def inner(dataset: object, names: Sequence[str] = ("dataset", "datasets")) -> object:
    """Return the data set that others wrap, which repeat it or put several together.

    Args:
        dataset: The outermost one.
        names: What the inner ones are called in it.
    """
    for _ in range(_MAX_WRAPPED):
        wrapped = next((each for name in names if (each := at(dataset, name)) is not None), None)
        if isinstance(wrapped, list | tuple):
            wrapped = wrapped[0] if wrapped else None
        if wrapped is None:
            break
        dataset = wrapped
    return dataset


def is_number(value: object) -> bool:
    """Whether a value is a number, true and false being none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: object) -> str:
    """Return a value for a message, and of containers only what they are."""
    if isinstance(value, Computed):
        return f"computed in line {value.line}, and nothing is run"
    if value is None:
        return "missing"
    if isinstance(value, str):
        return repr(shortened(value))
    return brief(value) if isinstance(value, int | float) else f"a {type(value).__name__}"


def _colour(found: object) -> RGB:
    match found:
        case [int(red), int(green), int(blue)]:
            if 0 <= min(red, green, blue) <= max(red, green, blue) <= 255:
                return int(red), int(green), int(blue)
    raise ValueError("a colour of its classes is none of three whole numbers in [0, 255]")
