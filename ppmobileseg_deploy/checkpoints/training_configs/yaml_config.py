"""Configurations of PaddleSeg, which are YAML: read by the safe loader, within bounds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from .merging import Merging
from .reading import ConfigError

_BASE: Final = "_base_"
_INHERITED: Final = "_inherited_"
_MAX_NODES: Final = 50_000
_MAX_SCALAR: Final = 10_000
_MERGE: Final = "tag:yaml.org,2002:merge"


class YamlConfig:
    """One file.

    Args:
        text: Its content.

    Attributes:
        bases: Paths of the files that it builds on, as it names them.

    Raises:
        ConfigError: It is no YAML, asks for objects of Python, or is too large.
    """

    def __init__(self, text: str) -> None:
        found = _read(text)
        if not isinstance(found, dict):
            raise ConfigError("is no configuration: expected names and values")
        named = found.pop(_BASE, [])
        bases = named if isinstance(named, list) else [named]
        if not all(isinstance(base, str) for base in bases):
            raise ConfigError(f"is no configuration: expected paths for {_BASE}")
        self.bases = tuple(bases)
        self._values: dict[str, object] = found

    def merged(self, bases: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """Return the values on top of what the bases say, as PaddleSeg puts it together.

        Args:
            bases: What the files in `bases` say. The first counts more than the second.

        Raises:
            ConfigError: It is nested too deeply.
        """
        merging = Merging(alone=(_INHERITED, False))
        found = self._values
        for base in bases:
            found = merging.merged(found, base)
        return found


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # it has no types
    """Bounds what a text can grow to: a few lines of it can stand for any number of values."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise ConfigError(f"is no configuration: it has more than {_MAX_NODES} values")
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> Any:
        node = super().compose_scalar_node(anchor)
        if len(node.value) > _MAX_SCALAR:
            raise ConfigError("is no configuration: it has a value of endless length")
        return node

    def flatten_mapping(self, node: Any) -> None:
        # Early versions of the library copy what "<<" names, again and again.
        if any(key.tag == _MERGE for key, _ in node.value):
            line = node.start_mark.line + 1
            raise ConfigError(f"takes values over by <<, line {line}: expected them written out")
        super().flatten_mapping(node)


def _read(text: str) -> Any:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except ConfigError:
        raise
    except yaml.constructor.ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"holds more than plain values, see line {line}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"is no YAML, see line {line}") from None
    except Exception:  # the library raises whatever a malformed number or date breaks
        raise ConfigError("is no YAML, or is damaged") from None
