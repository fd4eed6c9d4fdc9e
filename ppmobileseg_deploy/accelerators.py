"""Which nodes of a graph an accelerator leaves to the CPU, by published lists of operators."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

_TABLES: Final = Path(__file__).with_name("accelerators.json")
_FOLDED: Final = "Constant"  # becomes a stored tensor before anything runs
_EXPANDED: Final = {"HardSwish": {"HardSigmoid", "Mul"}}
"""Operators that ONNX Runtime puts together from others where a provider has none of its own."""


@dataclass(frozen=True)
class Placement:
    """How far an accelerator takes a graph.

    The lists say which operators there are, not under which conditions: some providers want
    constant inputs, fixed shapes or certain types. A node that is counted here stays on the CPU;
    of the others the provider has the last word. What computes shapes may stay there, too.

    Attributes:
        accelerator: Such as ``"CoreML"``.
        what: Which software on it.
        source: Where its list of operators is from, with the version.
        part: ``"file"``, or ``"network"``: what the logits depend on, which is all that the
            runtime of this package gives to a device.
        nodes: How many nodes there are, without constants.
        on_cpu: Nodes that are not on the list, by operator, the most frequent first.
    """

    accelerator: str
    what: str
    source: str
    part: str
    nodes: int
    on_cpu: Mapping[str, int]


def placements(operators: Iterable[str], part: str) -> tuple[Placement, ...]:
    """Tell for every known accelerator which nodes it leaves to the CPU.

    Args:
        operators: Operator of each node, those of other domains than the standard one with it in
            front.
        part: What these nodes are, see `Placement`.
    """
    counts = Counter(each for each in operators if each != _FOLDED)
    return tuple(
        Placement(
            accelerator=name,
            what=table["what"],
            source=table["source"],
            part=part,
            nodes=counts.total(),
            on_cpu={
                operator: count
                for operator, count in counts.most_common()
                if not _takes(table["operators"], operator)
            },
        )
        for name, table in _tables().items()
    )


def _takes(known: Sequence[str], operator: str) -> bool:
    return operator in known or _EXPANDED.get(operator, {operator}) <= set(known)


@cache
def _tables() -> Mapping[str, Any]:
    tables: Mapping[str, Any] = json.loads(_TABLES.read_text("utf-8"))
    return tables
