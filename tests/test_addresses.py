"""A release gets the address of its repository: ``.ci/set_address.py``."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://host.example/owner/name"


@pytest.fixture
def set_address() -> ModuleType:
    path = ROOT / ".ci" / "set_address.py"
    spec = importlib.util.spec_from_file_location("set_address", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](docs/a.md)", f"[a]({ADDRESS}/blob/v1/docs/a.md)"),
        ("[a](docs/a.md#part)", f"[a]({ADDRESS}/blob/v1/docs/a.md#part)"),
        ("![A\nb](docs/a.jpg)", f"![A\nb]({ADDRESS}/raw/v1/docs/a.jpg)"),
        ("[a](https://other.example/a)", "[a](https://other.example/a)"),
        ("[a](#part)", "[a](#part)"),
    ],
)
def test_relative_links_become_absolute(set_address: ModuleType, text: str, expected: str) -> None:
    assert set_address.with_absolute_links(text, ADDRESS, "v1") == expected


def test_the_readme_keeps_no_relative_link(set_address: ModuleType) -> None:
    text = set_address.with_absolute_links((ROOT / "README.md").read_text("utf-8"), ADDRESS, "v1")
    assert text.count(f"{ADDRESS}/raw/v1/") == 2
    assert "](docs/" not in text


def test_the_project_gets_its_addresses_once(set_address: ModuleType) -> None:
    text = set_address.with_urls((ROOT / "pyproject.toml").read_text("utf-8"), ADDRESS)
    assert f'\n[project.urls]\nRepository = "{ADDRESS}"\n' in text
    with pytest.raises(SystemExit, match=r"expected a pyproject\.toml without"):
        set_address.with_urls(text, ADDRESS)
