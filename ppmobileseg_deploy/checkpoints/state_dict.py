"""State dict of the network, found among all that a checkpoint holds.

Frameworks wrap them in dicts of many names, and put prefixes before their names. So they are
known by structure: a dict at any place, or the part of one whose names begin alike, that has the
names of the network's weights.
"""

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from ..errors import CheckpointError, UsageError
from ..quoting import brief, shortened
from .formats import PickledArray, Placeholder, StoredTensor
from .paddle_names import openmmlab_key

_PREFERRED: Final = (
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
_SWAPPED: Final = ("state_dict", "ema_state_dict")
_AVERAGED: Final = "ema"
_TOP: Final = "top"  # what weights are called that lie in no dict and have no prefix

_MAX_DEPTH: Final = 16
_MAX_PREFIX: Final = 200  # characters
_MAX_NETWORKS: Final = 1000
_MAX_PREFIXES: Final = 32  # of one dict
_NAMES_SHOWN: Final = 10

_NETWORK: Final = re.compile(r"(?:^|\.)(?=(?:backbone|decode_head)\.)")

_TRAINING_ONLY: Final = re.compile(
    r"data_preprocessor\.|auxiliary_head\.|decode_head\.loss_decode\.|(?:steps|n_averaged)$"
)
"""Tensors that inference does not need: the input's mean and standard deviation, heads and
losses of training, counters of weight averaging."""
_STATISTICS: Final = "data_preprocessor."


@dataclass(frozen=True)
class FoundWeights:
    """One set of weights of a network.

    Attributes:
        path: Names of the dicts in which they lie, from the outermost.
        prefix: What the names of all of them begin with, with a dot at the end, or nothing.
        weights: The weights by open-mmlab's names, without the prefix and without leftovers of
            training.
        statistics: What the file calls ``data_preprocessor.mean`` and the like, by the last part
            of the name.
        left_out: Names of tensors beside the network that no part of it or of training has.
        doubled: Two names in the file that mean one weight, or none.
    """

    path: tuple[str, ...]
    prefix: str
    weights: Mapping[str, StoredTensor] = field(repr=False)
    statistics: Mapping[str, StoredTensor] = field(default_factory=dict, repr=False)
    left_out: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Path and parts of the prefix."""
        return (*self.path, *self.prefix.split(".")[:-1])

    @property
    def name(self) -> str:
        """Name of these weights where there are several sets."""
        return ".".join(self.parts) or _TOP

    @property
    def is_averaged(self) -> bool:
        """Whether its name says that the weights are an average over training."""
        return any(_AVERAGED in _words_of(part) for part in self.parts if part not in _SWAPPED)


def find_weights(
    loaded: object,
    networks: Collection[Collection[str]],
    file_name: str,
    wanted: str | None = None,
) -> tuple[FoundWeights, tuple[str, ...]]:
    """Return the weights in a checkpoint by their names in the network.

    Leftovers of training that have no part in inference are dropped: `data_preprocessor`,
    `auxiliary_head`, losses and counters. Where several sets have all names of the network, the
    averaged one (EMA) is taken, else the one in the dict with the more usual name.

    Args:
        loaded: What the file holds.
        networks: For each network that there is, the names of its weights.
        file_name: How messages call the file.
        wanted: Name of the set to take, or a part of it that no other has, such as ``"ema"``.

    Returns:
        The weights, and notes on what else there was.

    Raises:
        CheckpointError: There are no weights, or several sets with nothing to choose between
            them.
        UsageError: No set has the wanted name, or several have.
    """
    groups = list(_groups(loaded))
    every = (found for path, tensors in groups for found in _candidates(path, tensors))
    candidates = list(islice(every, _MAX_NETWORKS + 1))
    if len(candidates) > _MAX_NETWORKS:
        raise CheckpointError(f"{file_name} holds more than {_MAX_NETWORKS} networks")
    complete = _different(each for each in candidates if _is_complete(each, networks))
    if wanted is not None and candidates:
        chosen = _named(wanted, complete or candidates, file_name)
    elif complete:
        chosen = _best(complete, file_name)
    elif candidates:
        names = frozenset[str]().union(*networks)
        chosen = max(candidates, key=lambda each: sum(key in names for key in each.weights))
    elif groups:
        path, tensors = max(groups, key=lambda group: len(group[1]))
        chosen = FoundWeights(path, "", tensors)
    else:
        raise CheckpointError(f"{file_name} holds no weights, but {_describe(loaded)}")
    if chosen.doubled:
        raise CheckpointError(
            f"{file_name} names one weight twice: {' and '.join(map(shortened, chosen.doubled))}"
        )
    return chosen, tuple(_notes(chosen, complete, file_name))


def _groups(loaded: object) -> Iterator[tuple[tuple[str, ...], dict[str, StoredTensor]]]:
    """Yield the dicts that hold tensors, and their places, the outermost first."""
    seen: set[int] = set()
    waiting: deque[tuple[tuple[str, ...], object]] = deque([((), loaded)])
    while waiting:
        path, each = waiting.popleft()
        if id(each) in seen or len(path) > _MAX_DEPTH:
            continue
        seen.add(id(each))
        if isinstance(each, Mapping):
            if tensors := {key: t for key, value in each.items() if (t := _tensor(value))}:
                yield path, tensors
            waiting.extend(((*path, key), value) for key, value in each.items() if _holds(value))
        if isinstance(each, Placeholder):
            if module := dict(_module_weights(each, "", seen)):
                yield path, module
            else:
                waiting.append((path, each.state))
        elif isinstance(each, Sequence) and not isinstance(each, str):
            waiting.extend(
                ((*path, str(index)), value) for index, value in enumerate(each) if _holds(value)
            )


def _module_weights(
    module: Placeholder, prefix: str, seen: set[int]
) -> Iterator[tuple[str, StoredTensor]]:
    """Yield what `state_dict()` of a pickled network would hold, whatever its class."""
    state = module.state
    if not isinstance(state, Mapping) or "_modules" not in state or len(prefix) > _MAX_PREFIX:
        return
    for kind in ("_parameters", "_buffers"):
        for name, value in _entries(state.get(kind)):
            if tensor := _tensor(value):
                yield prefix + name, tensor
    for name, part in _entries(state.get("_modules")):
        # No part twice: a few that hold one another would be without end.
        if isinstance(part, Placeholder) and id(part) not in seen:
            seen.add(id(part))
            yield from _module_weights(part, f"{prefix}{name}.", seen)


def _entries(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _holds(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and not _tensor(value)


def _tensor(value: object) -> StoredTensor | None:
    match value:
        case StoredTensor() as tensor:
            return tensor
        case (PickledArray() as array) | (str(), PickledArray() as array):
            return array.stored  # PaddleSeg's; some are pairs of name and array
    return None


def _candidates(
    path: tuple[str, ...], tensors: Mapping[str, StoredTensor]
) -> Iterator[FoundWeights]:
    """Yield a set of weights for each prefix under which a dict has a backbone or a head."""
    prefix_of = {key: key[: match.end()] for key in tensors if (match := _NETWORK.search(key))}
    inside: dict[str, dict[str, StoredTensor]] = {each: {} for each in prefix_of.values()}
    if len(inside) > _MAX_PREFIXES:
        return
    longest_first = sorted(inside, key=len, reverse=True)
    outside: dict[str, StoredTensor] = {}
    for key, tensor in tensors.items():
        prefix = prefix_of.get(key)
        if prefix is None:
            prefix = next(filter(key.startswith, longest_first), None)
        if prefix is None:
            outside[key] = tensor
        else:
            inside[prefix][key.removeprefix(prefix)] = tensor
    for prefix, part in inside.items():
        yield _candidate(path, prefix, part, outside)


def _candidate(
    path: tuple[str, ...],
    prefix: str,
    inside: Mapping[str, StoredTensor],
    outside: Mapping[str, StoredTensor],
) -> FoundWeights:
    source_of: dict[str, str] = {}
    doubled: tuple[str, ...] = ()
    for key in inside:
        if not _TRAINING_ONLY.match(key):
            other = source_of.setdefault(openmmlab_key(key), key)
            doubled = doubled or (() if other == key else (other, key))
    return FoundWeights(
        path=path,
        prefix=prefix,
        weights={name: inside[key] for name, key in source_of.items()},
        statistics={
            key.removeprefix(_STATISTICS): tensor
            for key, tensor in {**outside, **inside}.items()
            if key.startswith(_STATISTICS)
        },
        left_out=tuple(key for key in outside if not _TRAINING_ONLY.match(key)),
        doubled=doubled,
    )


def _is_complete(found: FoundWeights, networks: Collection[Collection[str]]) -> bool:
    return any(
        len(names) <= len(found.weights) and all(name in found.weights for name in names)
        for names in networks
    )


def _different(found: Iterable[FoundWeights]) -> list[FoundWeights]:
    """Drop sets whose tensors are the very ones of another under other names."""
    return list(
        {frozenset(each.weights.items()): each for each in reversed(list(found))}.values()
    )[::-1]


def _best(complete: Sequence[FoundWeights], file_name: str) -> FoundWeights:
    ranks = [_rank(found) for found in complete]
    if ranks.count(min(ranks)) > 1:
        raise CheckpointError(
            f"{file_name} holds {len(complete)} networks, expected one: choose by --weights "
            f"among {_names(complete)}"
        )
    return complete[ranks.index(min(ranks))]


def _rank(found: FoundWeights) -> tuple[bool, int]:
    places = [_PREFERRED.index(part) for part in found.path if part in _PREFERRED]
    return not found.is_averaged, min(places, default=len(_PREFERRED))


def _named(wanted: str, found: Sequence[FoundWeights], file_name: str) -> FoundWeights:
    # The whole name, then a part of it, then a word of a part.
    for matches in (
        [each for each in found if each.name == wanted],
        [each for each in found if wanted in each.parts],
        [each for each in found if wanted in _words(each, found)],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise UsageError(
                f"expected the name of one set of weights in {file_name}, found {brief(wanted)}, "
                f"which is part of {_names(matches)}"
            )
    raise UsageError(
        f"expected one of {_names(found)} for the weights of {file_name}, found {brief(wanted)}"
    )


def _words_of(part: str) -> list[str]:
    return re.split("[_-]", part.lower())


def _words(found: FoundWeights, others: Sequence[FoundWeights]) -> set[str]:
    words = {word for part in found.parts for word in _words_of(part)}
    if _is_swapped(found, others):
        return words | {_AVERAGED}
    return words - {_AVERAGED} if _SWAPPED[1] in found.parts else words


def _is_swapped(found: FoundWeights, others: Sequence[FoundWeights]) -> bool:
    """Whether these are mmengine's averaged weights, which lie in "state_dict"."""
    beside = (*found.path[:-1], _SWAPPED[1])
    return found.path[-1:] == _SWAPPED[:1] and any(each.path == beside for each in others)


def _notes(
    chosen: FoundWeights, complete: Sequence[FoundWeights], file_name: str
) -> Iterator[str]:
    if len(complete) > 1:
        averaged = chosen.is_averaged or _is_swapped(chosen, complete)
        yield (
            f"{file_name} holds {len(complete)} sets of weights ({_names(complete)}): took "
            f"{shortened(chosen.name)}{', the averaged one' * averaged}; --weights NAME takes "
            "another"
        )
    if chosen.left_out:
        more = len(chosen.left_out) - _NAMES_SHOWN
        yield (
            f"{file_name} holds tensors beside the network, which were left out: "
            + ", ".join(map(shortened, chosen.left_out[:_NAMES_SHOWN]))
            + (f" and {more} more" if more > 0 else "")
        )


def _names(found: Sequence[FoundWeights]) -> str:
    names = ", ".join(shortened(each.name) for each in found[:_NAMES_SHOWN])
    return names + (" and others" if len(found) > _NAMES_SHOWN else "")


def _describe(loaded: object) -> str:
    if isinstance(loaded, StoredTensor | PickledArray):
        return "a single tensor, without a name"
    if not isinstance(loaded, Mapping) or isinstance(loaded, Placeholder):
        kind = loaded.kind if isinstance(loaded, Placeholder) else type(loaded).__name__
        return f"an object of type {shortened(kind)}"
    names = ", ".join(map(brief, list(loaded)[:_NAMES_SHOWN])) or "(none)"
    return f"the entries {names}"
