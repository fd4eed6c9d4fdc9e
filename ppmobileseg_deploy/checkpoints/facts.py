"""What a checkpoint says about itself besides its weights: classes, colours and normalisation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from ..class_names import BACKGROUND
from ..metadata import MAX_NUMBER, MIN_STD, RGB
from ..palettes import distinct_palette
from ..quoting import brief, printable, shortened
from .formats import FLOATS, FileText, PickledArray, StoredTensor
from .recipes import MAX_NAME, Recipe, Three
from .training_configs import MAX_BYTES, ConfigError, recipe_of_text

_CHANNELS: Final = 3

_Fact = TypeVar("_Fact")


@dataclass(frozen=True)
class Facts:
    """What was found, each None where the file says nothing or nothing usable.

    Attributes:
        class_names: Name of each class id.
        palette_rgb: Colour of each class id, (red, green, blue) in [0, 255].
        mean: Subtracted from pixel values in [0, 255], in the order of the network's channels.
        std: What the difference is divided by, likewise.
        channel_order: Order of the network's channels, ``"rgb"`` or ``"bgr"``.
        training: What the configuration of its training says.
        notes: What the file says and why it is not used.
    """

    class_names: tuple[str, ...] | None = None
    palette_rgb: tuple[RGB, ...] | None = None
    mean: Three | None = None
    std: Three | None = None
    channel_order: str | None = None
    training: Recipe | None = None
    notes: tuple[str, ...] = ()


def read_facts(
    loaded: object, statistics: Mapping[str, StoredTensor], num_classes: int, file_name: str
) -> Facts:
    """Look where mmengine, mmcv and those who follow them write such things.

    Args:
        loaded: What the file holds.
        statistics: What its weights call ``data_preprocessor.mean`` and ``data_preprocessor.std``,
            by ``"mean"`` and ``"std"``.
        num_classes: Number of classes of the network's head.
        file_name: How notes call the file.

    Raises:
        FormatError: An array is not where the file says.
    """
    top = _mapping(loaded)
    meta = _mapping(top.get("meta"))
    about_classes = (_mapping(meta.get("dataset_meta")), meta, top)
    about_input = (
        statistics,
        *(_mapping(each.get("data_preprocessor")) for each in (meta, top)),
        *(_mapping(each.get("img_norm_cfg")) for each in (meta, top)),
    )
    notes: list[str] = []

    def usable(what: str, found: object, parse: Callable[[Any], _Fact]) -> _Fact | None:
        if found is None:
            return None
        try:
            return parse(found)
        except ValueError as error:
            notes.append(f"the {what} in {file_name} are not used: {error}")
            return None

    # A head of one class tells it from the background, which is named as well.
    count = max(num_classes, 2)
    names = _first(about_classes, "classes", "CLASSES")
    palette = _first(about_classes, "palette", "PALETTE")
    if num_classes == 1:
        names = _with_background(names, BACKGROUND)
        palette = _with_background(palette, distinct_palette(1)[0])
    mean, std = _first(about_input, "mean"), _first(about_input, "std")
    training = None
    try:
        training = _training(_first((meta,), "cfg", "config"), file_name)
    except ConfigError as error:
        notes.append(f"the training configuration in {file_name} {error}")
    normalisation = usable("mean and std", None if mean is std is None else (mean, std), _normal)
    return Facts(
        class_names=usable("class names", names, lambda found: _names(found, count)),
        palette_rgb=usable("colours", palette, lambda found: _palette(found, count)),
        mean=normalisation and normalisation[0],
        std=normalisation and normalisation[1],
        channel_order=_channel_order(about_input),
        training=training,
        notes=tuple(notes),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first(places: Sequence[Mapping[str, Any]], *keys: str) -> object:
    found = (place.get(key) for place in places for key in keys)
    return next((value for value in found if value is not None), None)


def _with_background(found: object, background: object) -> object:
    alone = isinstance(found, list | tuple) and len(found) == 1
    return (background, found[0]) if alone else found  # type: ignore[index]


def _names(found: object, count: int) -> tuple[str, ...]:
    if not isinstance(found, list | tuple):
        raise ValueError(f"expected {count} texts, found something else")
    if len(found) != count:
        raise ValueError(f"expected {count}, found {len(found)}")
    for name in found:
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
            shown = shortened(name) if isinstance(name, str) else "something else"
            raise ValueError(f"expected texts of 1 to {MAX_NAME} characters, found {shown!r}")
    return tuple(map(printable, found))


def _palette(found: object, count: int) -> tuple[RGB, ...]:
    rows: Any = found
    array = found.stored if isinstance(found, PickledArray) else found
    if isinstance(array, StoredTensor):
        if array.shape != (count, _CHANNELS) or array.span != count * _CHANNELS:
            raise ValueError(f"expected {count} of three numbers, found {brief(array.shape)}")
        rows = array.read().tolist()
    if not isinstance(rows, list | tuple) or len(rows) != count:
        size = len(rows) if isinstance(rows, list | tuple) else "something else"
        raise ValueError(f"expected {count}, found {size}")
    return tuple(map(_color, rows))


def _color(row: object) -> RGB:
    match row:
        case [int(red), int(green), int(blue)]:
            if 0 <= min(red, green, blue) <= max(red, green, blue) <= 255:
                return int(red), int(green), int(blue)
    raise ValueError("expected colours of three whole numbers in [0, 255]")


def _normal(found: tuple[object, object]) -> tuple[Three, Three]:
    mean, std = map(_three, found)
    if min(std) < MIN_STD:
        raise ValueError(f"expected standard deviations above 0, found {brief(std)}")
    return mean, std


def _three(found: object) -> Three:
    numbers: Any = found
    array = found.stored if isinstance(found, PickledArray) else found
    if isinstance(array, StoredTensor):
        small = sum(side > 1 for side in array.shape) <= 1 and array.span <= _CHANNELS
        numbers = array.read().ravel().tolist() if small and array.dtype in FLOATS else None
    # Negated, because whatever is compared with NaN is false.
    if (
        not isinstance(numbers, list | tuple)
        or len(numbers) not in (1, _CHANNELS)
        or not all(isinstance(each, int | float) and abs(each) <= MAX_NUMBER for each in numbers)
    ):
        raise ValueError("expected three finite numbers each, or one")
    one, two, three = map(float, numbers * (_CHANNELS // len(numbers)))
    return one, two, three


def _training(found: object, file_name: str) -> Recipe | None:
    if isinstance(found, FileText):
        if found.content.size > MAX_BYTES:
            raise ConfigError(f"has more than {MAX_BYTES} bytes")
        found = found.read()
    if not isinstance(found, str):
        return None
    recipe = recipe_of_text(found)
    notes = (f"the training configuration in {file_name}: {note}" for note in recipe.notes)
    return replace(recipe, notes=tuple(notes))


def _channel_order(places: Sequence[Mapping[str, Any]]) -> str | None:
    for place in places:
        # Images are read as BGR. mmseg 0.x calls the first key to_rgb.
        for key, order in (("bgr_to_rgb", "rgb"), ("to_rgb", "rgb"), ("rgb_to_bgr", "bgr")):
            if place.get(key) is True:
                return order
        if place.get("bgr_to_rgb") is False or place.get("to_rgb") is False:
            return "bgr"
    return None
