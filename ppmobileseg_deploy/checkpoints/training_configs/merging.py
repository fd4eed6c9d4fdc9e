"""Putting one configuration on top of another."""

from collections.abc import Mapping
from typing import Final

from .reading import ConfigError

_MAX_ENTRIES: Final = 100_000
_MAX_DEPTH: Final = 100


class Merging:
    """Dicts are merged, entry by entry; whatever else stands above replaces what is below.

    Args:
        alone: An entry, and its value, that dicts have which replace what is below, too.
    """

    def __init__(self, alone: tuple[str, bool]) -> None:
        self._alone = alone
        self._left = _MAX_ENTRIES

    def merged(
        self, above: Mapping[str, object], below: object, depth: int = 0
    ) -> dict[str, object]:
        """Return a new dict.

        Args:
            above: Names and values.
            below: What counts where `above` says nothing; anything but a dict counts for none.
            depth: How many others they are part of.

        Raises:
            ConfigError: They are nested too deeply, or have too many entries together.
        """
        name, value = self._alone
        base = below if isinstance(below, dict) and above.get(name) is not value else {}
        self._left -= len(above) + len(base)  # both are copied
        if self._left < 0:
            raise ConfigError(
                f"is no configuration: it has too many entries, {_MAX_ENTRIES} at most with what "
                "it builds on"
            )
        if depth > _MAX_DEPTH:
            raise ConfigError("is no configuration: it is nested too deeply")
        found = dict(base)
        for key, each in above.items():
            if key != name:
                is_dict = isinstance(each, dict)
                found[key] = self.merged(each, base.get(key), depth + 1) if is_dict else each  # type: ignore[arg-type]
        return found
