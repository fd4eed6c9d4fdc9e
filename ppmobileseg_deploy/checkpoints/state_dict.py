"""Finding the network's weights among all that a checkpoint holds."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from ..errors import CheckpointError

_WRAPPERS = (
    # Averaged weights are the better ones where a file keeps both...
    "state_dict_ema",
    "model_ema",
    "ema_model",
    "ema",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    # ...except in mmengine's files: there the averaged ones have been swapped into
    # "state_dict", and "ema_state_dict" holds those that training goes on with.
    "ema_state_dict",
)
_MAX_DEPTH = 3

_PREFIX = re.compile(r"(?:(?:module|model|ema_model|model_ema|ema|_orig_mod)\.)*")

_TRAINING_ONLY = re.compile(
    r"data_preprocessor\.|auxiliary_head\.|decode_head\.loss_decode\.|(?:steps|n_averaged)$"
)
"""What training leaves behind: the input's mean and standard deviation, heads and losses that
inference does not run, counters of weight averaging."""

Weight = TypeVar("Weight")


def find_weights(
    loaded: object, as_weight: Callable[[object], Weight | None], file_name: str
) -> dict[str, Weight]:
    """Return the weights in a checkpoint by their names in the network.

    They may lie at the top or under a name such as ``state_dict``, ``model`` or ``ema``, or
    nested (``ema`` -> ``module``), and their names may carry prefixes such as ``module.``. Of
    two sets of weights the averaged one (EMA) is taken. Leftovers of training that have no part
    in inference are dropped: `data_preprocessor`, `auxiliary_head`, losses and counters.

    Args:
        loaded: What the file holds.
        as_weight: Returns an entry's weight, or None if the entry is something else.
        file_name: How messages call the file.

    Returns:
        Name to weight, in the file's order.

    Raises:
        CheckpointError: There are no weights, or two sets with nothing to choose between them.
    """
    candidates = [found for found in _search(loaded, as_weight, _MAX_DEPTH) if found]
    if not candidates:
        raise CheckpointError(f"{file_name} holds no weights, but {_describe(loaded)}")
    chosen = next(filter(_network_prefixes, candidates), candidates[0])
    stripped = _strip_prefix(chosen, file_name)
    return {key: weight for key, weight in stripped.items() if not _TRAINING_ONLY.match(key)}


def _search(
    loaded: object, as_weight: Callable[[object], Weight | None], depth: int
) -> Iterator[dict[str, Weight]]:
    """Yield the sets of weights in a file, best first."""
    if not isinstance(loaded, Mapping):
        return
    if depth > 0:
        for name in _WRAPPERS:
            yield from _search(loaded.get(name), as_weight, depth - 1)
    weights = ((key, as_weight(value)) for key, value in loaded.items() if isinstance(key, str))
    yield {key: weight for key, weight in weights if weight is not None}


def _strip_prefix(weights: dict[str, Weight], file_name: str) -> dict[str, Weight]:
    """Drop the prefix under which the network lies; what lies elsewhere keeps its name."""
    networks = _network_prefixes(weights)
    averaged = [prefix for prefix in networks if "ema" in prefix]
    if len(networks) > 1 and len(averaged) != 1:
        raise CheckpointError(
            f"{file_name} holds {len(networks)} networks, expected one: their weights are named "
            + " and ".join(f"{prefix}backbone..." for prefix in networks)
        )
    if not networks:
        return weights
    chosen = (averaged or networks)[0]
    stripped = {}
    for key, weight in weights.items():
        prefix = _prefix(key)
        if prefix == chosen:
            stripped[key[len(chosen) :]] = weight
        elif prefix not in networks:
            stripped[key] = weight
    return stripped


def _network_prefixes(weights: Iterable[str]) -> list[str]:
    """Return the prefixes under which there is a backbone or a head."""
    found = {
        prefix: None
        for key in weights
        if key[len(prefix := _prefix(key)) :].startswith(("backbone.", "decode_head."))
    }
    return list(found)


def _prefix(key: str) -> str:
    match = _PREFIX.match(key)
    return match[0] if match else ""


def _describe(loaded: object) -> str:
    if not isinstance(loaded, Mapping):
        return f"an object of type {type(loaded).__name__}"
    return f"the entries {', '.join(map(repr, list(loaded)[:10])) or '(none)'}"
