"""Everything that was measured in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .conditions import Conditions
from .networks import NetworkRow
from .whole import WholeRow

if TYPE_CHECKING:  # which imports PyTorch
    from .head import HeadRow


@dataclass(frozen=True)
class Benchmark:
    """What ``ppms-bench`` shows.

    Attributes:
        conditions: The machine and the programs.
        picture: Name of the image, or what else it was.
        picture_hw: Its height and width.
        turns: How often each of the things compared had its turn.
        whole: From file to file, at least one row.
        networks: The network alone in several engines; empty where that was not asked for.
        heads: The upsampling alone; empty where that was not asked for.
    """

    conditions: Conditions
    picture: str
    picture_hw: tuple[int, int]
    turns: int
    whole: Sequence[WholeRow]
    networks: Sequence[NetworkRow] = ()
    heads: "Sequence[HeadRow]" = ()

    def speedup(self, row: WholeRow) -> float:
        """Return how many times as fast as the first row a row of ``whole`` is."""
        return self.whole[0].latency.total_ms.median / row.latency.total_ms.median

    def short_name(self, model: str) -> str:
        """Return a model's file name; its path where several files have this name."""
        name = Path(model).name
        paths = {row.model for row in self.whole if Path(row.model).name == name}
        return name if len(paths) == 1 else model

    def heads_by_kind(self) -> "list[list[HeadRow]]":
        """Return the rows of ``heads``, those of one grid and one number of threads together."""
        kinds: dict[object, list[HeadRow]] = {}
        for row in self.heads:
            key = row.stride, row.grid_hw, row.num_classes, row.threads
            kinds.setdefault(key, []).append(row)
        return list(kinds.values())
