"""Names and colours of classes, from tables that are built in or from files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from . import ade20k, cityscapes
from .errors import UsageError
from .files import kind_of
from .metadata import RGB
from .palettes import distinct_palette, numbered_names
from .quoting import brief
from .small_files import read_small

BUILT_IN: Final[Mapping[str, tuple[tuple[str, ...], tuple[RGB, ...]]]] = {
    "ade20k": (ade20k.NAMES, ade20k.PALETTE_RGB),
    "cityscapes": (cityscapes.NAMES, cityscapes.PALETTE_RGB),
}
"""Names and colours of the class sets that need no file."""

BACKGROUND: Final = "background"
"""What a head of one class sees where that class is not: class 0."""

_FOREGROUND: Final = "foreground"
_MAX_BYTES: Final = 1 << 20
_NAMES_SHOWN: Final = 3


def default_classes(num_classes: int) -> tuple[tuple[str, ...], tuple[RGB, ...]]:
    """Return ADE20K's names and colours for 150 classes, else numbered names.

    Args:
        num_classes: Number of classes that the checkpoint's head was trained for; for 1 there are
            background and foreground.
    """
    if num_classes == len(ade20k.NAMES):
        return ade20k.NAMES, ade20k.PALETTE_RGB
    if num_classes == 1:
        return (BACKGROUND, _FOREGROUND), distinct_palette(2)
    return numbered_names(num_classes), distinct_palette(num_classes)


def usual_palette(names: Sequence[str]) -> tuple[RGB, ...]:
    """Return the colours that classes of these names have, or else well separated ones.

    Args:
        names: Name of each class id.
    """
    for known, palette in BUILT_IN.values():
        if tuple(names) == known:
            return palette
    return distinct_palette(len(names))


def read_classes(
    source: str | Path, num_classes: int
) -> tuple[tuple[str, ...], tuple[RGB, ...] | None]:
    """Read a name for each class, and the colours where they come along.

    Args:
        source: What `read_names` takes.
        num_classes: Number of classes that the checkpoint's head was trained for. For 1 there may
            be one name, before which the background's is put, or two.

    Returns:
        Names and colours, one of each per class, or None where no colours are given.

    Raises:
        UsageError: The file cannot be read, is malformed, or names another number of classes.
    """
    names, palette = read_names(source)
    if num_classes == len(names) == 1:
        names = (BACKGROUND, *names)
        palette = palette and (distinct_palette(1)[0], *palette)
    if len(names) != max(num_classes, 2):
        expected = "1 class name, or 2," if num_classes == 1 else f"{num_classes} class names"
        raise UsageError(
            f"expected {expected} for this checkpoint, found {len(names)} in {source}"
        )
    return names, palette


def read_names(source: str | Path) -> tuple[tuple[str, ...], tuple[RGB, ...] | None]:
    """Read class names, and colours where they come along.

    Args:
        source: A text file with one name a line; or a JSON file with a list of names, or an
            object that maps each name to its colour ``[red, green, blue]``. The order is that
            of the class ids. Or, where there is no such file, ``"ade20k"`` or ``"cityscapes"``.

    Returns:
        The names, at least one, and their colours or None.

    Raises:
        UsageError: The file cannot be read or is malformed.
    """
    built_in = _built_in(source)
    if built_in is not None:
        return built_in
    path = Path(source)
    text = _read_text(path, "class names")
    if path.suffix.lower() != ".json":
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
    else:
        content = _parse_json(text, path)
        if isinstance(content, dict) and content and all(map(_is_rgb, content.values())):
            return tuple(content), tuple((r, g, b) for r, g, b in content.values())
        if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
            raise UsageError(
                f"expected a list of names, or name: [red, green, blue] with values in [0, 255], "
                f"in {path}"
            )
        names = tuple(content)
    if not names:
        raise UsageError(f"expected class names in {path}, found 0")
    return names, None


def read_palette(source: str | Path) -> tuple[RGB, ...] | dict[str, RGB]:
    """Read colours for classes.

    Args:
        source: A JSON file with a list of ``[red, green, blue]`` in the order of the class ids,
            or an object that maps names to such colours. Or, where there is no such file,
            ``"ade20k"`` or ``"cityscapes"``, which map names.

    Returns:
        One of the two, as `choose_palette` takes them.

    Raises:
        UsageError: The file cannot be read or is malformed.
    """
    built_in = _built_in(source)
    if built_in is not None:
        return dict(zip(*built_in, strict=True))
    path = Path(source)
    content = _parse_json(_read_text(path, "colours"), path)
    if isinstance(content, list) and content and all(map(_is_rgb, content)):
        return tuple((r, g, b) for r, g, b in content)
    if isinstance(content, dict) and content and all(map(_is_rgb, content.values())):
        return {name: (r, g, b) for name, (r, g, b) in content.items()}
    raise UsageError(
        f"expected a list of [red, green, blue] with values in [0, 255], or name: "
        f"[red, green, blue], in {path}"
    )


def choose_palette(
    names: Sequence[str], palette_rgb: Sequence[RGB], wanted: Sequence[RGB] | Mapping[str, RGB]
) -> tuple[RGB, ...]:
    """Give classes other colours.

    Args:
        names: Name of each class id.
        palette_rgb: Colour of each class id so far.
        wanted: A colour for each class id; or colours by class name: classes that are not named
            keep theirs, and names of other classes are left alone, so that one table serves
            several models.

    Returns:
        Colour of each class id, (red, green, blue) in [0, 255].

    Raises:
        UsageError: There is another number of colours, a colour is none, or no class has any of
            the names.
    """
    if isinstance(wanted, Mapping):
        colors = {name: _checked(rgb) for name, rgb in wanted.items()}
        if not set(wanted) & set(names):
            from difflib import get_close_matches  # here: only errors need it

            first = next(iter(wanted), "")
            close = get_close_matches(first, names, n=3)
            alike = ", ".join(map(brief, close or names[:_NAMES_SHOWN]))
            more = " and others" if len(names) > _NAMES_SHOWN else ""
            raise UsageError(
                f"expected colours for classes of this model, found only other names, such as "
                f"{brief(first)}: "
                + (f"did you mean {alike}?" if close else f"the model's classes are {alike}{more}")
            )
        return tuple(colors.get(name, rgb) for name, rgb in zip(names, palette_rgb, strict=True))
    if len(wanted) != len(names):
        raise UsageError(f"expected {len(names)} colours, one for each class, found {len(wanted)}")
    return tuple(map(_checked, wanted))


def _built_in(source: str | Path) -> tuple[tuple[str, ...], tuple[RGB, ...]] | None:
    table = BUILT_IN.get(str(source).lower())
    return None if kind_of(Path(source)) == "file" else table


def _read_text(path: Path, what: str) -> str:
    kind = kind_of(path)
    if kind is None:
        tables = ", ".join(BUILT_IN)
        raise UsageError(f"cannot read {what} from {path}: no such file (built in: {tables})")
    try:
        content = read_small(path, _MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {what} from {path}: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise UsageError(f"expected {what} in {path}, found more than {_MAX_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"expected UTF-8 text in {path}: {error}") from error


def _parse_json(text: str, path: Path) -> object:
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"expected JSON in {path}: {error}") from error
    return content


def _checked(rgb: Sequence[int]) -> RGB:
    try:
        channels = tuple(rgb)
    except TypeError:
        channels = ()
    if len(channels) != 3 or not all(c in range(256) for c in channels):
        raise UsageError(f"expected a colour of three whole numbers in [0, 255], found {rgb}")
    red, green, blue = map(int, channels)
    return red, green, blue


def _is_rgb(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(type(channel) is int and 0 <= channel <= 255 for channel in value)
    )
