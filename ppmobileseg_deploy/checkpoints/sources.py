"""Who says something about a network, and who counts more than whom."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from .. import ade20k
from ..errors import UsageError
from .description import Description
from .official import OFFICIAL
from .recipes import RECIPES, Recipe, Unclear
from .training_configs import read_config

GIVEN: Final = "as given"
ASSUMED: Final = "ADE20K's, assumed"

_WORDS: Final = MappingProxyType(
    {
        "mean": ("mean", "--mean"),
        "std": ("standard deviation", "--std"),
        "channel_order": ("channel order", "--channel-order"),
        "resizing": ("size", "--short-side and --long-side, --stretch or --no-resize"),
        "size_multiple": ("size multiple", "--size-multiple"),
    }
)
"""What can be unclear: what it is called, and the options that say it."""


class Network(Protocol):
    """A network that is to be described: a checkpoint, or a file of another program.

    Attributes:
        variant: See `ModelMetadata.variant`.
        stride: Input pixels per grid point of the logits.
        num_classes: Number of classes that the head was trained for.
        file_name: Name of the file, without its folder.
        sha256: Hexadecimal SHA-256 of the file.
        official_name: Name of the official model that was asked for, or None.
        threshold: Of a head of one class, else None.
        class_names: Names of the classes where it says them, else None.
        said: What it says about itself, by where; what counts more stands first.
    """

    @property
    def variant(self) -> str: ...  # noqa: D102
    @property
    def stride(self) -> int: ...  # noqa: D102
    @property
    def num_classes(self) -> int: ...  # noqa: D102
    @property
    def file_name(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def official_name(self) -> str | None: ...  # noqa: D102
    @property
    def threshold(self) -> float | None: ...  # noqa: D102
    @property
    def class_names(self) -> tuple[str, ...] | None: ...  # noqa: D102
    @property
    def said(self) -> Mapping[str, Recipe | None]: ...  # noqa: D102


class Sources:
    """What the owner says by a configuration or a recipe, then what the network's file says.

    What none of them says is as with mmsegmentation's models for ADE20K.

    Args:
        network: The network.
        given: What its owner says.

    Attributes:
        config: What the owner's configuration says, or None.
        notes: What is said that is not taken.

    Raises:
        UsageError: The configuration cannot be read.
    """

    def __init__(self, network: Network, given: Description) -> None:
        self.config = None if given.config is None else read_config(given.config)
        self._recipes: dict[str, Recipe | None] = {
            f"from {given.config}": self.config,
            f"recipe {given.recipe}": RECIPES.get(given.recipe or ""),
            **network.said,
            _last_resort(network): RECIPES["ade20k"],
        }
        self.notes: list[str] = []
        for recipe in (self.config, *network.said.values()):
            self.notes += recipe.notes if recipe is not None else ()
        if self.config is not None and self.config.num_classes not in (
            None,
            network.num_classes,
        ):
            self.notes.append(
                f"{given.config} is of a network of {self.config.num_classes} classes, "
                f"{network.file_name} of {network.num_classes}"
            )

    def said(self, name: str, *, assumed: bool = True) -> Iterator[tuple[Any, str]]:
        """Yield what is said, what counts more first, and where it comes from.

        Args:
            name: Of what, as `Recipe` calls it.
            assumed: Whether to yield what nobody says, too.
        """
        for origin, recipe in [*self._recipes.items()][: None if assumed else -1]:
            value = getattr(recipe, name, None)
            if value is not None:
                yield value, origin

    def first(self, name: str, given: Any = None) -> tuple[Any, str]:
        """Return what counts most, and where it comes from.

        Args:
            name: Of what, as `Recipe` calls it.
            given: What the owner says of it by itself.

        Raises:
            UsageError: The owner's configuration says it in a way that is not understood.
        """
        if given is not None:
            return given, GIVEN
        for value, origin in self.said(name):
            if not isinstance(value, Unclear):
                return value, origin
            what, options = _WORDS[name]
            if self.config is not None and value is getattr(self.config, name):
                raise UsageError(
                    f"cannot take the {what} {origin}: {value.reason}; {options} says it"
                )
            self.notes.append(f"the {what} ({origin}) is not taken: {value.reason}")
        raise AssertionError(name)  # the last one says all of them


def _last_resort(network: Network) -> str:
    """Say why ADE20K's numbers are taken where nobody says any."""
    prefixes = tuple(each.sha256_prefix for each in OFFICIAL.values())
    # By whatever name it came.
    if network.official_name is not None or network.sha256.startswith(prefixes):
        return "the official checkpoint's"
    names = ade20k.NAMES
    if network.num_classes == len(names) and network.class_names in (None, names):
        return f"ADE20K's, as there are {len(names)} classes"
    return ASSUMED
