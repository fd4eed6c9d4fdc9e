"""Shards: the sources of a run divided among machines that know nothing of each other."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from ...errors import UsageError
from ...quoting import brief

MAX_SHARDS: Final = 1_000_000

_SHARD: Final = re.compile(r"([0-9]{1,7})/([0-9]{1,7})")


@dataclass(frozen=True)
class Shard:
    """One of equal parts of a run's sources; which source is in which follows from its name.

    Attributes:
        number: Which part, from 1 on.
        count: How many parts there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read a shard as it is given on the command line.

        Args:
            text: ``"3/64"``: the third of 64.

        Raises:
            UsageError: The text is anything else.
        """
        match = _SHARD.fullmatch(text.strip())
        number, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= number <= count <= MAX_SHARDS:
            raise UsageError(
                f"expected a shard from 1/N to N/N, such as 3/64, with N up to {MAX_SHARDS}, "
                f"found {brief(text)}"
            )
        return cls(number, count)

    def holds(self, name: str) -> bool:
        """Return whether a source of this name is in this part, and so in none of the others.

        Args:
            name: What identifies the source, the same on every machine.
        """
        # Not Python's own hash, which differs from process to process. Names that are no valid
        # text, as Linux allows, have surrogates.
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1
