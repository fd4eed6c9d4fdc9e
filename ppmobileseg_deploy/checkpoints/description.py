"""What its owner says about a network besides its weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ..errors import UsageError
from ..metadata import MAX_NUMBER, MAX_SIDE, MIN_STD, ResizeRule
from ..quoting import brief
from .recipes import RECIPES, ChannelOrder, Three


@dataclass(frozen=True)
class Description:
    """What its owner says about a network, in place of what the checkpoint says.

    What is said here one by one counts more than the configuration, and that more than the recipe.

    Attributes:
        names: File with the class names, or ``"ade20k"`` or ``"cityscapes"``, see
            `class_names.read_names`.
        palette: File with the colours, likewise, see `class_names.read_palette`.
        mean_rgb: Subtracted from red, green and blue in [0, 255].
        std_rgb: What the differences are divided by.
        channel_order: Order of the channels that the network was trained on, ``"rgb"`` or
            ``"bgr"``.
        short_side: Images are scaled, keeping their ratio, so that the short side is at most this
            ...
        long_side: ... and the long side at most this (pixels).
        no_resize: Images stay as large as they are.
        stretched_hw: Images are stretched to this height and width, whatever their ratio.
        size_multiple: Height and width are filled up to a multiple of this.
        resize_rule: Whose arithmetic resizes, ``"mmseg"`` or ``"paddleseg"``, see
            `ModelMetadata.resize_rule`.
        recipe: Name of a known set of all these numbers, see `recipes.RECIPES`.
        config: A configuration of training that says them: of mmsegmentation (``.py``), which is
            not run, or PaddleSeg (``.yml``).

    Raises:
        UsageError: The numbers are not three, not finite, or no standard deviations; sizes are
            none, or exclude each other; or there is no such order, rule or recipe.
    """

    names: str | Path | None = None
    palette: str | Path | None = None
    mean_rgb: Three | None = None
    std_rgb: Three | None = None
    channel_order: ChannelOrder | None = None
    short_side: int | None = None
    long_side: int | None = None
    no_resize: bool = False
    stretched_hw: tuple[int, int] | None = None
    size_multiple: int | None = None
    resize_rule: ResizeRule | None = None
    recipe: str | None = None
    config: str | Path | None = None

    def __post_init__(self) -> None:
        _check_numbers("means", self.mean_rgb, -MAX_NUMBER)
        _check_numbers("standard deviations", self.std_rgb, MIN_STD)
        _check_choice("channel order", self.channel_order, get_args(ChannelOrder))
        _check_choice("resize rule", self.resize_rule, get_args(ResizeRule))
        _check_choice("recipe", self.recipe, tuple(RECIPES))
        for name in ("short_side", "long_side", "size_multiple"):
            _check_side(name.replace("_", " "), getattr(self, name))
        ways = {
            "--no-resize": self.no_resize,
            "--stretch": self.stretched_hw is not None,
            "--short-side and --long-side": (self.short_side or self.long_side) is not None,
        }
        given = [option for option, is_given in ways.items() if is_given]
        if len(given) > 1:
            raise UsageError(f"expected one of {', '.join(ways)}, found {', '.join(given)}")
        if self.stretched_hw is not None:
            if not isinstance(self.stretched_hw, tuple | list) or len(self.stretched_hw) != 2:
                raise UsageError(
                    f"expected a height and a width, found {brief(self.stretched_hw)}"
                )
            for side in self.stretched_hw:
                _check_side("height and width", side)


def _check_choice(what: str, found: object, choices: tuple[str, ...]) -> None:
    if found is not None and found not in choices:
        raise UsageError(
            f"expected {what} to be one of {', '.join(choices)}, found {brief(found)}"
        )


def _check_side(what: str, found: object) -> None:
    if found is not None and (type(found) is not int or not 1 <= found <= MAX_SIDE):
        raise UsageError(f"expected a {what} of 1 to {MAX_SIDE} pixels, found {brief(found)}")


def _check_numbers(what: str, numbers: object, least: float) -> None:
    if numbers is None:
        return
    # Negated, because whatever is compared with NaN is false.
    if (
        not isinstance(numbers, tuple | list)
        or len(numbers) != 3
        or not all(isinstance(each, int | float) for each in numbers)
        or not all(least <= each <= MAX_NUMBER for each in numbers)
    ):
        raise UsageError(
            f"expected three {what} from {least:g} to {MAX_NUMBER:g}, found {brief(numbers)}"
        )
