"""Thousands of damaged and synthetic checkpoints: each is read, or is a `CheckpointError`.

    python tests/endurance/fuzz_checkpoints.py --count 10000 --seed 0

Files of every format are damaged as disks and networks do it, archives get other directories and
pickles, and some pickles are synthetic. Exit code 1 if there was a crash, a hang, another error,
or a file that took more time or memory than allowed; such files are kept.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

from checkpoint_damage import DEMO, damaged_checkpoint, intact_checkpoints
from fuzzing import Damaged, Try, run

LONGEST_LIST = 100_000
"""Characters of an error: one may list all weights of a network that are missing."""


def _prepare() -> Try:
    from ppmobileseg_deploy.checkpoints import load_checkpoint
    from ppmobileseg_deploy.errors import CheckpointError

    path = Path(tempfile.mkdtemp(prefix="fuzz-")) / "my.pth"
    load_checkpoint(DEMO)  # so that what is imported counts for no file

    def attempt(content: bytes) -> str:
        path.write_bytes(content)
        try:
            load_checkpoint(path)
        except CheckpointError as error:
            message = str(error)
            if len(message) > LONGEST_LIST:
                return "an error of unusual length"
            raise CheckpointError(message[:500]) from None
        return ""

    return attempt


def _damaged(seed: int) -> Damaged:
    return partial(damaged_checkpoint, intact_checkpoints(), seed)


if __name__ == "__main__":
    description = __doc__.splitlines()[0]
    sys.exit(
        run("checkpoints", description, _prepare, _damaged, count=10_000, seconds=10, memory_gb=1)
    )
