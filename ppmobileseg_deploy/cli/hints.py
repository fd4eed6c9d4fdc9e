"""Hints: the option of a command that would help where the library refuses something."""

from typing import Final

from ..errors import PPMobileSegError

_HINTS: Final = {
    "force": "--force writes it all the same",
    "input_size_hw": "--input-size HxW scales it, --tile HxW cuts it up",
    "max_pixels": "--max-pixels N allows more",
    "model": "-m FILE names the model",
    "output": "-o DIR names another folder",
    "overwrite": "--overwrite replaces it",
    "recursive": "--recursive looks into the folders in it",
    "resume": "--overwrite replaces what exists, --resume does only what is missing",
}
"""By the library's parameter that an error is about, see `PPMobileSegError.parameter`."""


def with_hint(error: Exception) -> str:
    """Return an error's message, and after it the option that would help, if there is one."""
    parameter = error.parameter if isinstance(error, PPMobileSegError) else None
    hint = None if parameter is None else _HINTS.get(parameter)
    return str(error) if hint is None else f"{error}; {hint}"
