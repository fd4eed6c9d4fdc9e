"""``--coco`` of ``ppms infer``: one file of the whole run, checked before and closed after it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..errors import UsageError
from ..files import check_folder
from ..metadata import RGB

if TYPE_CHECKING:
    from ..runtime.batch import CocoFile, PlannedSource
    from ..runtime.drawing.style import Style
    from ..runtime.results.annotations.coco import CocoForm


def check_coco(
    coco: str | None, form: str, *, overwrite: bool, resume: bool
) -> "tuple[Path, CocoForm] | None":
    """Make sure, before any work, that the file can be written.

    Args:
        coco: The file, if one is wanted.
        form: One of `annotations.coco.COCO_FORMS`.
        overwrite: Replace what exists.
        resume: Whether sources that are done are left out of the run.

    Returns:
        The file and the form; None where none is wanted.

    Raises:
        UsageError: It cannot, or the form is unknown or there is no file for it.
    """
    from ..runtime.batch.coco_file import check_path
    from ..runtime.results.annotations.coco import check_form

    check_form(form)
    if coco is None:
        if form != "rle":
            raise UsageError("--coco-form is that of a COCO file: give --coco FILE too")
        return None
    path = check_path(coco)
    if resume:
        raise UsageError(
            "--coco is about every image of a run, and --resume leaves some out: give --overwrite"
        )
    check_folder(path.parent)
    for each in [path, path.with_suffix("")] if form == "panoptic" else [path]:
        if os.path.lexists(each) and not overwrite:
            raise UsageError(f"{each} exists", parameter="overwrite")
    folder = path.with_suffix("")
    if form == "panoptic" and folder.is_dir():
        strange = [name for name in os.listdir(folder) if not name.endswith(".png")]  # noqa: PTH208
        if strange:
            raise UsageError(
                f"expected only PNG files in {folder}, which the result replaces, found "
                f"{strange[0]!r}"
            )
    return path, cast("CocoForm", form)


def check_apart(path: Path, plans: "Sequence[PlannedSource]") -> None:
    """Make sure that no other result of a run, and no source, has the same file.

    Raises:
        UsageError: One has.
    """
    place = os.path.realpath(path)
    others = {
        os.path.realpath(each)
        for plan in plans
        for each in (*plan.outputs.values(), plan.source.path)
        if each is not None
    }
    if place in others:
        raise UsageError(f"{path} is a file of the run already: name another for --coco")


@contextmanager
def open_coco(
    wanted: "tuple[Path, CocoForm] | None",
    names: tuple[str, ...],
    palette_rgb: tuple[RGB, ...],
    style: "Style",
) -> "Iterator[CocoFile | None]":
    """Open the file that is wanted, if one is; it is in place after the block, if it holds images.

    Args:
        wanted: What `check_coco` returned.
        names: Name of each class id.
        palette_rgb: Colour of each class id.
        style: What is listed, and how polygons are.

    Raises:
        OutputError: It cannot be written.
    """
    if wanted is None:
        yield None
        return
    from ..runtime.batch import CocoFile

    path, form = wanted
    with CocoFile(path, names, palette_rgb, form, style) as coco:
        yield coco
        if coco.images == 0:
            coco.abort()
