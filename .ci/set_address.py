"""Put the address of the repository into what a package index shows.

``python .ci/set_address.py https://host/owner/name v0.1.0`` adds project URLs to pyproject.toml
and makes the README's relative links and pictures absolute, those of that tag. It changes both
files in place: for releases only.
"""

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_RELATIVE = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)")


def with_urls(pyproject: str, address: str) -> str:
    """Return pyproject.toml with the table ``project.urls``."""
    if "[project.urls]" in pyproject:
        raise SystemExit("expected a pyproject.toml without [project.urls], found one")
    urls = {
        "Repository": address,
        "Documentation": f"{address}/tree/HEAD/docs",
        "Changelog": f"{address}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{address}/issues",
    }
    lines = "".join(f'{name} = "{url}"\n' for name, url in urls.items())
    return pyproject.replace("[project.scripts]", f"[project.urls]\n{lines}\n[project.scripts]", 1)


def with_absolute_links(readme: str, address: str, tag: str) -> str:
    """Return the README with links into the repository as it is at that tag; pictures as files."""

    def absolute(found: re.Match[str]) -> str:
        mark, text, path = found.groups()
        return f"{mark}[{text}]({address}/{'raw' if mark else 'blob'}/{tag}/{path})"

    return _RELATIVE.sub(absolute, readme)


def main() -> None:
    """Change both files in place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("tag")
    given = parser.parse_args()
    address = given.address.rstrip("/")
    pyproject, readme = ROOT / "pyproject.toml", ROOT / "README.md"
    pyproject.write_text(with_urls(pyproject.read_text("utf-8"), address), "utf-8")
    readme.write_text(with_absolute_links(readme.read_text("utf-8"), address, given.tag), "utf-8")


if __name__ == "__main__":
    main()
