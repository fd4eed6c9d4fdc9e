"""What configurations of training say about preparing images: read, and never run.

A configuration may come from a stranger, within a checkpoint or beside it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from ...dependencies import lacking_for_yaml
from ...errors import UsageError
from ..recipes import Recipe
from . import mmsegmentation, paddleseg
from .python_config import PythonConfig
from .reading import MAX_BYTES, ConfigError, read_values

__all__ = ["MAX_BYTES", "ConfigError", "read_config", "recipe_of_text"]

_PYTHON: Final = (".py",)
_YAML: Final = (".yml", ".yaml")


def read_config(path: str | Path) -> Recipe:
    """Read a configuration of mmsegmentation (``.py``) or PaddleSeg (``.yml``, ``.yaml``).

    Args:
        path: The file. What it builds on is read from where it says, see
            `reading.read_values`.

    Returns:
        What it says.

    Raises:
        UsageError: It cannot be read, or says nothing of use; or PyYAML is missing, which reads
            those of PaddleSeg.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        if suffix in _PYTHON:
            values, notes = read_values(path, PythonConfig, _PYTHON)
            recipe = mmsegmentation.recipe_of(values, complete=not notes)
        elif suffix in _YAML:
            if (lacking := lacking_for_yaml()) is not None:
                raise UsageError(f"reading {path.name} needs {lacking}")
            from .yaml_config import YamlConfig

            values, notes = read_values(path, YamlConfig, _YAML)
            recipe = paddleseg.recipe_of(values)
        else:
            raise UsageError(
                "expected a configuration of mmsegmentation (.py) or PaddleSeg (.yml), found "
                f"{path}"
            )
    except ConfigError as error:
        raise UsageError(f"{path.name} {error}") from None
    if recipe.mean is None and recipe.resizing is None:
        raise UsageError(
            f"{path.name} says nothing of how images are prepared: expected a test_pipeline and a "
            "data_preprocessor of mmsegmentation, or a val_dataset of PaddleSeg with transforms"
        )
    said = (f"{path.name}: {note}" for note in recipe.notes)
    return replace(recipe, notes=(*notes, *said))


def recipe_of_text(text: str) -> Recipe:
    """Read a configuration of mmsegmentation that a checkpoint holds. No file is opened.

    Args:
        text: As mmengine and mmcv keep it, with all that it builds on.

    Raises:
        ConfigError: It cannot be read.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(f"has more than {MAX_BYTES} characters")
    config = PythonConfig(text)
    return mmsegmentation.recipe_of(config.merged([]), complete=not config.bases)
