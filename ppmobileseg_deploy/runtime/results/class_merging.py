"""Merging of classes: a model's 150 classes become a user's five."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from ...errors import UsageError
from ...metadata import RGB
from ...quoting import brief
from ...small_files import read_small
from ...types import Labels
from ..drawing.style import choose
from .segmentation import Segmentation

REST: Final = "*"
"""Stands for all classes that are named nowhere else."""

_MOST_BYTES: Final = 1 << 20
_SHOWN: Final = 3

AnySegmentation = TypeVar("AnySegmentation", bound=Segmentation)


@dataclass(frozen=True)
class ClassMerging:
    """Which classes become which.

    Attributes:
        names: Name of each new class id.
        palette_rgb: Colour of each new class id.
        new_ids: New class id of each class id of the model.
    """

    names: tuple[str, ...]
    palette_rgb: tuple[RGB, ...]
    new_ids: tuple[int, ...]

    @classmethod
    def of(
        cls, merged: Mapping[str, Any], names: Sequence[str], palette_rgb: Sequence[RGB]
    ) -> "ClassMerging":
        """Merge the classes of a model.

        Args:
            merged: New names, in the order of the new ids, and what becomes each: the name or id
                of a class, or a list of these; ``"*"`` is all that is named nowhere else. Or an
                object with these as ``"classes"`` and a colour as ``"color_rgb"``; by default the
                new class has the colour of the first one in it.
            names: Name of each class id of the model.
            palette_rgb: Colour of each class id of the model.

        Raises:
            UsageError: A class is unknown, is in two new ones or in none, or a new one is empty.
        """
        parts = {name: _part(name, value) for name, value in merged.items()}
        new_ids: dict[int, int] = {}
        first: list[int | None] = []
        rest: list[int] = []
        for new_id, (name, (wanted, _)) in enumerate(parts.items()):
            known = [each for each in wanted if each != REST]
            if len(known) < len(wanted):
                rest.append(new_id)
            ids = choose(names, known)
            for class_id in ids:
                if new_ids.setdefault(class_id, new_id) != new_id:
                    other = list(parts)[new_ids[class_id]]
                    raise UsageError(
                        f"expected each class in one merged class, found {names[class_id]!r} in "
                        f"{other!r} and in {name!r}"
                    )
            first.append(ids[0] if ids else None)
        left = [class_id for class_id in range(len(names)) if class_id not in new_ids]
        if len(rest) > 1:
            raise UsageError(f"expected {REST!r} in one merged class, found it in {len(rest)}")
        if left and not rest:
            shown = ", ".join(brief(names[class_id]) for class_id in left[:_SHOWN])
            more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
            raise UsageError(
                f"expected every class in a merged class, found none for {shown}{more}: "
                f'give them to one, or all that is left as "{REST}"'
            )
        if rest:
            new_ids |= dict.fromkeys(left, rest[0])
        colors = []
        for new_id, (name, (_, color)) in enumerate(parts.items()):
            source = first[new_id] if first[new_id] is not None else next(iter(left), None)
            if source is None:
                raise UsageError(f"expected classes in the merged class {name!r}, found none")
            colors.append(color or palette_rgb[source])
        return cls(tuple(parts), tuple(colors), tuple(new_ids[each] for each in range(len(names))))

    @classmethod
    def read(
        cls, path: str | Path, names: Sequence[str], palette_rgb: Sequence[RGB]
    ) -> "ClassMerging":
        """Read which classes become which from a JSON file.

        Args:
            path: The file, with an object as `of` takes it.
            names: Name of each class id of the model.
            palette_rgb: Colour of each class id of the model.

        Raises:
            UsageError: The file cannot be read or is malformed, or as for `of`.
        """
        try:
            content = read_small(Path(path), _MOST_BYTES)[: _MOST_BYTES + 1]
            merged = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
        except OSError as error:
            raise UsageError(
                f"cannot read merged classes from {path}: {error.strerror or error}"
            ) from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"expected JSON in {path}: {error}") from error
        if not isinstance(merged, dict) or not merged:
            raise UsageError(
                f'expected {{"new name": ["class", ...], ...}} in {path}, found {brief(merged)}'
            )
        try:
            return cls.of(merged, names, palette_rgb)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error

    @classmethod
    def coming_from(
        cls,
        given: "str | Path | Mapping[str, Any] | ClassMerging",
        names: Sequence[str],
        palette_rgb: Sequence[RGB],
    ) -> "ClassMerging":
        """Return the merging that a user gives in any form: a file, as for `read`, or as for `of`.

        Raises:
            UsageError: As for `read` and `of`, or it is of another number of classes.
        """
        if isinstance(given, ClassMerging):
            given._check_classes(len(names))
            return given
        if isinstance(given, Mapping):
            return cls.of(given, names, palette_rgb)
        return cls.read(given, names, palette_rgb)

    def labels(self, labels: Labels) -> Labels:
        """Return the new class ids of labels, as a new array of the same type."""
        # A label has room for any class id of the model.
        return np.take(np.array(self.new_ids, labels.dtype), labels)

    def apply(self, segmentation: AnySegmentation) -> AnySegmentation:
        """Return a segmentation with the new classes.

        Its labels are those of the model, merged: no class gains by the sum of its parts. A
        confidence stays that of the model's class.

        Raises:
            UsageError: The segmentation has another number of classes.
        """
        self._check_classes(len(segmentation.names))
        return replace(
            segmentation,
            labels=self.labels(segmentation.labels),
            names=self.names,
            palette_rgb=self.palette_rgb,
        )

    def _check_classes(self, count: int) -> None:
        if count != len(self.new_ids):
            raise UsageError(
                f"expected {len(self.new_ids)} classes to merge, found a model of {count}"
            )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name comes twice in one object")
    return content


def _part(name: str, value: Any) -> tuple[list[str | int], RGB | None]:
    color = None
    if isinstance(value, Mapping):
        given = value.get("color_rgb")
        if given is not None:
            color = _color(name, given)
        unknown = set(value) - {"classes", "color_rgb"}
        if unknown or "classes" not in value:
            raise UsageError(
                f"expected classes and color_rgb for the merged class {name!r}, found "
                f"{', '.join(map(brief, value)) or 'nothing'}"
            )
        value = value["classes"]
    wanted = [value] if isinstance(value, str | int) else value
    is_list = isinstance(wanted, Sequence)
    if not is_list or any(isinstance(w, bool) or not isinstance(w, str | int) for w in wanted):
        raise UsageError(
            f"expected names or ids of classes for the merged class {name!r}, found {brief(value)}"
        )
    if not wanted:
        raise UsageError(f"expected classes in the merged class {name!r}, found none")
    return list(wanted), color


def _color(name: str, given: Any) -> RGB:
    is_rgb = isinstance(given, Sequence) and len(given) == 3
    if not is_rgb or not all(type(each) is int and 0 <= each <= 255 for each in given):
        raise UsageError(
            f"expected [red, green, blue] with values in [0, 255] for the merged class {name!r}, "
            f"found {brief(given)}"
        )
    red, green, blue = given
    return red, green, blue
