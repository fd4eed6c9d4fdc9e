"""Names and colours for the classes of a checkpoint."""

import json
from pathlib import Path
from typing import Final

from .. import ade20k
from ..errors import UsageError
from ..palettes import distinct_palette, numbered_names

RGB = tuple[int, int, int]

_MAX_BYTES: Final = 1 << 20


def default_classes(num_classes: int) -> tuple[tuple[str, ...], tuple[RGB, ...]]:
    """Return ADE20K's names and colours for 150 classes, else numbered names.

    Args:
        num_classes: Number of classes of the checkpoint.
    """
    if num_classes == len(ade20k.NAMES):
        return ade20k.NAMES, ade20k.PALETTE_RGB
    return numbered_names(num_classes), distinct_palette(num_classes)


def read_classes(path: Path, num_classes: int) -> tuple[tuple[str, ...], tuple[RGB, ...]]:
    """Read names, and colours where the file gives them.

    Args:
        path: A text file with one name a line; or a JSON file with a list of names, or an
            object that maps each name to its colour ``[red, green, blue]``. The order is that
            of the class ids.
        num_classes: Number of classes of the checkpoint.

    Returns:
        Names and colours, one of each per class.

    Raises:
        UsageError: The file cannot be read, is malformed, or names another number of classes.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"expected class names in {path}, found more than {_MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read class names from {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"expected UTF-8 text in {path}: {error}") from error

    palette: tuple[RGB, ...] | None = None
    if path.suffix.lower() == ".json":
        names, palette = _parse_json(text, path)
    else:
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(names) != num_classes:
        raise UsageError(
            f"expected {num_classes} class names for this checkpoint, found {len(names)} in {path}"
        )
    return names, palette or distinct_palette(num_classes)


def _parse_json(text: str, path: Path) -> tuple[tuple[str, ...], tuple[RGB, ...] | None]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UsageError(f"expected JSON in {path}: {error}") from error
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return tuple(content), None
    if isinstance(content, dict) and all(_is_rgb(color) for color in content.values()):
        return tuple(content), tuple((r, g, b) for r, g, b in content.values())
    raise UsageError(
        f"expected a list of names, or name: [red, green, blue] with values in [0, 255], in {path}"
    )


def _is_rgb(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len("rgb")
        and all(type(channel) is int and 0 <= channel <= 255 for channel in value)
    )
