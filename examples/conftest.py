"""Models to run the examples with: `make test-ports` exports them."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--models", type=Path, help="folder of floats/ and bytes/, each a model with golden files"
    )


@pytest.fixture(scope="session")
def models(pytestconfig: pytest.Config) -> Path:
    """Folder with the forms ``floats`` and ``bytes`` (RGBA) of the demo model."""
    folder: Path | None = pytestconfig.getoption("--models")
    if folder is None:
        pytest.fail("expected --models: run `make test-ports`")
    return folder.resolve()
