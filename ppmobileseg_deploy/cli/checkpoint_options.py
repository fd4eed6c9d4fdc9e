"""Options about checkpoints that several commands have."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import typer

from ..errors import UsageError
from ..quoting import brief
from .console import parse_size_hw, print_note

if TYPE_CHECKING:
    from ..checkpoints import Description

NETWORK: Final = "About the network"
"""Heading of these options, where options have headings."""

Weights = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Which of several sets of weights in the checkpoint to take, such as ema, model or "
        "teacher. Without it: the averaged one.",
        rich_help_panel=NETWORK,
    ),
]
Mean = Annotated[
    str | None,
    typer.Option(
        metavar="R,G,B",
        help="What is subtracted from pixel values from 0 to 255. Without it, as below: what "
        "--config says, or --recipe, or the checkpoint, or mmsegmentation's for ADE20K, here "
        "123.675,116.28,103.53.",
        rich_help_panel=NETWORK,
    ),
]
Std = Annotated[
    str | None,
    typer.Option(
        metavar="R,G,B",
        help="What the differences are divided by; for ADE20K 58.395,57.12,57.375.",
        rich_help_panel=NETWORK,
    ),
]
ChannelOrder = Annotated[
    str | None,
    typer.Option(
        metavar="rgb|bgr",
        help="Order of the channels that the network was trained on; for ADE20K rgb.",
        rich_help_panel=NETWORK,
    ),
]
ShortSide = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Images are scaled, keeping their ratio, until the short side is N or the long side "
        "its own limit; for ADE20K 512.",
        rich_help_panel=NETWORK,
    ),
]
LongSide = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Limit of the long side; for ADE20K 2048.", rich_help_panel=NETWORK
    ),
]
NoResize = Annotated[
    bool,
    typer.Option(
        "--no-resize",
        help="Images stay as large as they are, up to 8192 pixels a side.",
        rich_help_panel=NETWORK,
    ),
]
Stretch = Annotated[
    str | None,
    typer.Option(
        metavar="HxW",
        help="Images are stretched to this size, whatever their ratio.",
        rich_help_panel=NETWORK,
    ),
]
SizeMultiple = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Height and width are filled up to a multiple of this; for ADE20K 32.",
        rich_help_panel=NETWORK,
    ),
]
ResizeRule = Annotated[
    str | None,
    typer.Option(
        metavar="mmseg|paddleseg",
        help="Whose arithmetic resizes. mmseg pads up to the multiple; paddleseg stretches up to "
        "it, rounds half to even, and resizes floats. For ADE20K mmseg.",
        rich_help_panel=NETWORK,
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME",
        help="A known set of all these numbers: ade20k, ade20k-paddleseg, cityscapes, "
        "cityscapes-paddleseg (without a framework's name they are mmsegmentation's).",
        rich_help_panel=NETWORK,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Take these numbers, and names of classes, from a configuration of training: of "
        "mmsegmentation (.py, which is read and not run) or PaddleSeg (.yml, or its deploy.yaml).",
        rich_help_panel=NETWORK,
    ),
]


@dataclass(frozen=True)
class About:
    """What was given about a network on the command line, as it was written."""

    mean: str | None = None
    std: str | None = None
    channel_order: str | None = None
    short_side: int | None = None
    long_side: int | None = None
    no_resize: bool = False
    stretch: str | None = None
    size_multiple: int | None = None
    resize_rule: str | None = None
    recipe: str | None = None
    config: Path | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The options that were given."""
        given = (
            each.name for each in fields(self) if getattr(self, each.name) not in (None, False)
        )
        return tuple(f"--{name.replace('_', '-')}" for name in given)

    def description(self, names: str | None = None, palette: str | None = None) -> "Description":
        """Read it.

        Args:
            names: ``--names``.
            palette: ``--palette``.

        Raises:
            UsageError: A value makes no sense.
        """
        from ..checkpoints import Description

        return Description(
            names=names,
            palette=palette,
            mean_rgb=_three("--mean", self.mean),
            std_rgb=_three("--std", self.std),
            channel_order=self.channel_order,  # type: ignore[arg-type]  # checked by Description
            short_side=self.short_side,
            long_side=self.long_side,
            no_resize=self.no_resize,
            stretched_hw=None if self.stretch is None else parse_size_hw(self.stretch),
            size_multiple=self.size_multiple,
            resize_rule=self.resize_rule,  # type: ignore[arg-type]  # likewise
            recipe=self.recipe,
            config=self.config,
        )


def note_other_input(models: "Mapping[str, _Normalised]", remedy: str = "") -> None:
    """Print a note if models see the same picture in different numbers.

    Args:
        models: Of each, its mean and standard deviation. Not the order of the channels: a file
            that takes pixels says theirs.
        remedy: What can be done about it.
    """
    seen: dict[tuple[tuple[float, ...], tuple[float, ...]], str] = {}
    for name, normalised in models.items():
        seen.setdefault((normalised.mean_rgb, normalised.std_rgb), name)
    if len(seen) > 1:
        ((mean, std), first), ((other_mean, other_std), second) = list(seen.items())[:2]
        print_note(
            f"{first} and {second} are normalised by other numbers, mean {_joined(mean)} and std "
            f"{_joined(std)} against {_joined(other_mean)} and {_joined(other_std)}"
            + (f": {remedy}" if remedy else "")
        )


class _Normalised(Protocol):
    @property
    def mean_rgb(self) -> tuple[float, float, float]: ...

    @property
    def std_rgb(self) -> tuple[float, float, float]: ...


def _joined(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _three(option: str, text: str | None) -> tuple[float, float, float] | None:
    """Read three numbers, or one that stands for three."""
    if text is None:
        return None
    try:
        numbers = [float(each) for each in text.split(",")]
        red, green, blue = numbers * 3 if len(numbers) == 1 else numbers
    except ValueError:
        raise UsageError(
            f"expected three numbers for {option}, such as 127.5,127.5,127.5, found {brief(text)}"
        ) from None
    return red, green, blue
