"""The option ``--against``: engines that models are also run in."""

from types import MappingProxyType
from typing import Final

from ..errors import UsageError

ENGINES: Final = MappingProxyType({"openvino": "fp32", "openvino-bf16": "bf16"})
"""Name of an engine to the precision that OpenVINO computes in there."""


def parse_against(text: str | None) -> tuple[str, ...]:
    """Read which engines are asked for.

    Args:
        text: Keys of `ENGINES`, separated by commas; None for none.

    Raises:
        UsageError: It is something else, or an engine is named twice.
    """
    if text is None:
        return ()
    names = tuple(part.strip() for part in text.split(","))
    if not set(names) <= ENGINES.keys() or len(set(names)) < len(names):
        raise UsageError(
            f"expected --against {' or '.join(ENGINES)}, or both with a comma, found {text!r}"
        )
    return names
