"""SECURITY.md speaks of the requirements as they are."""

import importlib.metadata
import re
from pathlib import Path

TEXT = (Path(__file__).parent.parent / "SECURITY.md").read_text("utf-8")
OTHERS = ("test", "docs", "bench", "benchmarks")  # extras of developers


def _requirements() -> set[str]:
    found = set()
    for line in importlib.metadata.requires("ppmobileseg-deploy") or ():
        requirement, _, marker = line.partition(";")
        if not any(f'extra == "{name}"' in marker for name in OTHERS):
            found.add(requirement.strip())
    return found


def test_every_least_version_is_explained_and_no_other() -> None:
    table = TEXT[TEXT.index("## The least versions") :]
    assert set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == _requirements()
