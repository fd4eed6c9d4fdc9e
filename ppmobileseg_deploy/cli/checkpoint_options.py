"""Options about checkpoints that several commands have."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import typer

from ..errors import UsageError
from ..quoting import brief
from .console import print_note

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
        help="What is subtracted from pixel values from 0 to 255. Without it: the checkpoint's "
        "own or, where it has none, 123.675,116.28,103.53.",
        rich_help_panel=NETWORK,
    ),
]
Std = Annotated[
    str | None,
    typer.Option(
        metavar="R,G,B",
        help="What the differences are divided by. Without it: the checkpoint's own or, where it "
        "has none, 58.395,57.12,57.375.",
        rich_help_panel=NETWORK,
    ),
]
ChannelOrder = Annotated[
    str | None,
    typer.Option(
        metavar="rgb|bgr",
        help="Order of the channels that the network was trained on. Without it: the "
        "checkpoint's own or, where it says none, rgb.",
        rich_help_panel=NETWORK,
    ),
]


def described(
    mean: str | None = None,
    std: str | None = None,
    channel_order: str | None = None,
    names: str | None = None,
    palette: str | None = None,
) -> "Description":
    """Read what was given about a network on the command line.

    Args:
        mean: ``--mean``.
        std: ``--std``.
        channel_order: ``--channel-order``.
        names: ``--names``.
        palette: ``--palette``.

    Raises:
        UsageError: A value makes no sense.
    """
    from ..checkpoints import Description

    return Description(
        names=names,
        palette=palette,
        mean_rgb=_three("--mean", mean),
        std_rgb=_three("--std", std),
        channel_order=channel_order,  # type: ignore[arg-type]  # checked by Description
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
