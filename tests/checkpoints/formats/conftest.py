"""Opening files of all formats, and archives that were tampered with."""

import zipfile
from contextlib import contextmanager

import pytest

from ppmobileseg_deploy.checkpoints.formats import Source, read_any


@pytest.fixture
def opened():
    """``with opened(path) as found:`` -> what a file holds, as long as the file is open."""

    @contextmanager
    def open_file(path):
        with Source.open(path) as source:
            yield read_any(source)

    return open_file


@pytest.fixture
def edit_archive():
    """``edit_archive(path, change)``: replace each part by ``change(name, content)``.

    Parts for which that is None are left out.
    """

    def edit(path, change):
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                changed = change(name, content)
                if changed is not None:
                    archive.writestr(name, changed)

    return edit
