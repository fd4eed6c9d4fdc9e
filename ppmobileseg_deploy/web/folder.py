"""A folder that any web server can show: the page, ONNX Runtime, and the model between them."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from ..errors import UsageError
from ..files import atomic_path, kind_of

INDEX: Final = "index.html"
"""The page, which is written last: a folder that has it has all the rest."""

_RUNTIME: Final = "onnxruntime"
_PAGE: Final = (".html", ".css", ".js", ".glsl", ".svg", ".jpg")


def page_folder() -> Path:
    """Return the folder of this package that has the page without a model."""
    return Path(str(files(__package__) / "page"))


def write_page(folder: Path, runtime: Mapping[str, bytes]) -> None:
    """Write the page and the runtime beneath it into the folder of a model.

    Other files in the folder stay. The example picture of a former page does, too, so that another
    one can be put in its place.

    Args:
        folder: The folder, made where there is none. ``end2end.json``, the model that it
            names, and that one's label head are put there by somebody else.
        runtime: What `runtime_files` returned.

    Raises:
        OutputError: A file could not be written.
    """
    page = {
        each.name: each.read_bytes()
        for each in page_folder().iterdir()
        if each.name.endswith(_PAGE)
    }
    if kind_of(folder / "example.jpg") == "file":
        del page["example.jpg"]
    index = page.pop(INDEX)
    contents = {f"{_RUNTIME}/{name}": content for name, content in runtime.items()}
    contents[f"{_RUNTIME}/LICENSE"] = (files(__package__) / "ONNXRUNTIME_LICENSE").read_bytes()
    for name, content in {**contents, **page, INDEX: index}.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)


def check_page(folder: Path) -> None:
    """Make sure that a folder has a page.

    Args:
        folder: What `write_page` wrote.

    Raises:
        UsageError: There is no folder, or none with a page.
    """
    kind = kind_of(folder)
    if kind != "folder":
        found = "nothing" if kind is None else f"a {kind}"
        raise UsageError(f"expected a folder, found {found} at {folder}")
    if kind_of(folder / INDEX) != "file":
        raise UsageError(
            f"expected a folder with {INDEX}, as ppms-export --web writes it, found {folder}"
        )
