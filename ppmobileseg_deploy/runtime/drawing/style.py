"""Style: how a segmentation is drawn, and which of its classes are drawn and listed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from numbers import Integral, Real
from operator import index
from typing import Final

from ...errors import UsageError
from ...quoting import printable

Wanted = str | int | Iterable[str | int]
"""Classes as a user names them: a name, an id, an id as text, or several of these."""

_SUGGESTIONS: Final = 3


@dataclass(frozen=True)
class Style:
    """Style of drawing. The fields are the arguments of `SegmentationResult.plot`.

    Attributes:
        opacity: Share of the classes' colours, from 0 (image only) to 1 (colours only).
        classes: Ids of the classes that are drawn, see `choose`; the others are transparent.
            None means all.
        contours: Draw lines along the borders of the regions.
        label: Write the classes' names on the largest regions.
        confidence: Pixels whose class is less probable than this are transparent; in [0, 1].
        tolerance: Of polygons: the farthest, in pixels, that a point left out may lie from the
            simplified outline.
        min_area: Of regions and polygons: smaller ones, in pixels, are left out.

    Raises:
        UsageError: The opacity or the confidence is outside [0, 1], or the tolerance or the least
            area no such number.

    Examples:
        >>> Style(opacity=0.3, contours=True).classes is None
        True
    """

    opacity: float = 0.5
    classes: tuple[int, ...] | None = None
    contours: bool = field(default=False, kw_only=True)
    label: bool = field(default=False, kw_only=True)
    confidence: float = 0.0
    tolerance: float = field(default=1.0, kw_only=True)
    min_area: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        _check_share("an opacity", self.opacity)
        _check_share("a confidence", self.confidence)
        if not (_is_number(self.tolerance) and 0 <= self.tolerance < inf):
            raise UsageError(f"expected a tolerance of 0 pixels or more, found {self.tolerance!r}")
        whole = isinstance(self.min_area, Integral) and not isinstance(self.min_area, bool)
        if not (whole and self.min_area >= 0):
            raise UsageError(f"expected a least area of 0 pixels or more, found {self.min_area!r}")


def _check_share(what: str, share: object) -> None:
    # Not "share < 0 or": whatever is compared with NaN is false.
    if not (_is_number(share) and 0.0 <= share <= 1.0):  # type: ignore[operator]
        raise UsageError(f"expected {what} in [0, 1], found {share!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def choose(names: Sequence[str], wanted: Wanted) -> tuple[int, ...]:
    """Find the ids of the classes that a user names.

    Args:
        names: Name of each class id.
        wanted: Names (upper and lower case are the same unless that makes a difference), ids, or
            ids as text; one of them or several. A name that several classes have means all of
            them; with its id appended, as `distinct_names` spells it, one.

    Returns:
        Each id once, in the order given.

    Raises:
        UsageError: A class is unknown. The message lists names that look alike.

    Examples:
        >>> choose(["wall", "sky", "tree"], ["Tree", 0, "1"])
        (2, 0, 1)
    """
    one = isinstance(wanted, str) or not isinstance(wanted, Iterable)
    several: Iterable[str | int] = [wanted] if one else wanted  # type: ignore[list-item,assignment]
    return tuple(dict.fromkeys(i for each in several for i in _ids(names, each)))


def distinct_names(names: Sequence[str]) -> list[str]:
    """Return names that differ: where several classes share one, each gets its id appended.

    Examples:
        >>> distinct_names(["screen", "wall", "screen"])
        ['screen (0)', 'wall', 'screen (2)']
    """
    count = Counter(names)
    distinct = [f"{name} ({i})" if count[name] > 1 else name for i, name in enumerate(names)]
    if len(set(distinct)) < len(distinct):
        # A name that looks like another one with its id. With ids everywhere nothing collides.
        distinct = [f"{name} ({i})" for i, name in enumerate(names)]
    return distinct


def _ids(names: Sequence[str], wanted: str | int) -> list[int]:
    if isinstance(wanted, str):
        found = _ids_of_name(names, wanted)
        if found:
            return found
        class_id = int(wanted) if wanted.strip().isdecimal() else -1
    else:
        try:
            class_id = index(wanted)  # NumPy's integers too
        except TypeError:
            raise UsageError(
                f"expected class names or ids, found {type(wanted).__name__} {wanted!r}"
            ) from None
    if not 0 <= class_id < len(names):
        raise UsageError(_unknown(names, wanted))
    return [class_id]


def _ids_of_name(names: Sequence[str], wanted: str) -> list[int]:
    for spell in (str, _plain):
        for known in (names, distinct_names(names)):
            found = [i for i, name in enumerate(known) if spell(name) == spell(wanted)]
            if found:
                return found
    return []


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _unknown(names: Sequence[str], wanted: str | int) -> str:
    expected = f"expected class names or ids from 0 to {len(names) - 1}, found {wanted!r}"
    if not isinstance(wanted, str):
        return expected
    from difflib import get_close_matches  # here: only errors need it

    spelled = {_plain(name): name for name in reversed(distinct_names(names))}
    alike = get_close_matches(_plain(wanted), spelled, n=_SUGGESTIONS)
    # Parts of names: "lamp" for "street lamp", which is too far away letter by letter.
    word = _plain(wanted)
    alike += [plain for plain in spelled if word and word in plain.split() and plain not in alike]
    if not alike:
        return expected
    quoted = ", ".join(repr(printable(spelled[each])) for each in alike[:_SUGGESTIONS])
    return f"{expected}: did you mean {quoted}?"
