"""Datasets of labelled images: pairs of folders, ADE20K's layout, Cityscapes' layout."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import UsageError
from ..files import kind_of
from ..runtime.images.files import READABLE_SUFFIXES
from ..runtime.sources.folders import without_results

_LABEL_SUFFIX: Final = ".png"
_OTHER_LABEL_SUFFIXES: Final = (".tif", ".tiff")

# What Cityscapes appends to the name that an image and its labels share.
_IMAGE_ENDING: Final = "_leftImg8bit"
_FINE_ENDING: Final = "_gtFine_labelTrainIds"
_LABEL_ENDINGS: Final = (_FINE_ENDING, "_gtCoarse_labelTrainIds")
_RESULT_ENDING: Final = "_labels"
_NAMES_SHOWN: Final = 3


@dataclass(frozen=True)
class LabelledImage:
    """An image and the file with its true labels.

    Attributes:
        image: The image file.
        labels: The PNG or TIFF file of class ids.
    """

    image: Path
    labels: Path


def find_labelled_images(images: Path, labels: Path) -> tuple[LabelledImage, ...]:
    """Pair the files of two folders, and of the folders below them, by their names.

    ``NAME.jpg`` belongs to ``NAME.png`` in the same place below the other folder, or else to
    ``NAME_labels.png``, which a segmentation run writes. Cityscapes' endings ``_leftImg8bit`` and
    ``_gtFine_labelTrainIds`` are not part of the name. Where both folders are the same, results
    of such a run are no images.

    Args:
        images: Folder of images.
        labels: Folder of PNG files, or of TIFF files if there is none.

    Returns:
        The pairs in the order of their names. Labels without an image are left out.

    Raises:
        UsageError: A folder is missing, holds nothing of use, or an image has no labels.
    """
    image_files = find_images(images)
    if kind_of(labels) == "folder" and images.samefile(labels):
        image_files = _without_results(image_files)
    label_files = _by_name(labels, _label_files(labels))
    pairs, missing = [], []
    for name, path in _by_name(images, image_files).items():
        found = label_files.get(name)
        if found is None or found == path:  # such as a photograph beside its labels
            found = label_files.get(name.with_name(name.name + _RESULT_ENDING))
        if found is None:
            missing.append(path)
        else:
            pairs.append(LabelledImage(path, found))
    if missing:
        shown = ", ".join(path.name for path in missing[:_NAMES_SHOWN])
        more = ", ..." if len(missing) > _NAMES_SHOWN else ""
        raise UsageError(
            f"expected labels in {labels} for each of {len(image_files)} images, "
            f"found none for {len(missing)} of them: {shown}{more}"
        )
    return tuple(pairs)


def find_images(folder: Path) -> list[Path]:
    """Find the images of a folder and of the folders below it, in the order of their names.

    Args:
        folder: The folder.

    Raises:
        UsageError: It is missing, or holds no image.
    """
    return _files(folder, READABLE_SUFFIXES, "images")


def find_ade20k(root: Path) -> tuple[LabelledImage, ...]:
    """Find the validation set of ADE20K.

    Its annotations call class 0 "other": read them with ``reduce_zero_label``.

    Args:
        root: The folder that holds ``images/validation`` and ``annotations/validation``, such as
            ``ADEChallengeData2016``.

    Raises:
        UsageError: A folder is missing or a file has no partner.
    """
    return find_labelled_images(root / "images/validation", root / "annotations/validation")


def find_cityscapes(root: Path) -> tuple[LabelledImage, ...]:
    """Find the validation set of Cityscapes, with its 19 training classes.

    Args:
        root: The folder that holds ``leftImg8bit/val`` and ``gtFine/val``; the files
            ``*_gtFine_labelTrainIds.png`` are made by Cityscapes' own scripts.

    Raises:
        UsageError: A folder or the files of training ids are missing, or a file has no partner.
    """
    labels = root / "gtFine/val"
    # Other pictures beside them hold other ids, or colours, and would be taken for labels.
    if kind_of(labels) == "folder" and not any(labels.rglob(f"*{_FINE_ENDING}{_LABEL_SUFFIX}")):
        raise UsageError(
            f"expected labels *{_FINE_ENDING}{_LABEL_SUFFIX} in {labels}, found none: "
            "csCreateTrainIdLabelImgs of the package cityscapesscripts makes them"
        )
    return find_labelled_images(root / "leftImg8bit/val", labels)


def _files(folder: Path, suffixes: Iterable[str], what: str) -> list[Path]:
    if kind_of(folder) != "folder":
        raise UsageError(f"expected a folder of {what}, found none at {folder}")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )
    if not files:
        raise UsageError(f"expected {what} ({' '.join(sorted(suffixes))}) in {folder}, found none")
    return files


def _without_results(files: Iterable[Path]) -> list[Path]:
    folders: dict[Path, list[Path]] = {}
    for path in files:
        folders.setdefault(path.parent, []).append(path)
    return sorted(path for beside in folders.values() for path in without_results(beside)[0])


def _label_files(folder: Path) -> list[Path]:
    files = _files(folder, {_LABEL_SUFFIX, *_OTHER_LABEL_SUFFIXES}, "label images")
    files = [path for path in files if path.suffix.lower() == _LABEL_SUFFIX] or files
    # Cityscapes keeps other pictures of the same scene beside them.
    return [path for path in files if path.stem.endswith(_LABEL_ENDINGS)] or files


def _by_name(folder: Path, files: Iterable[Path]) -> dict[Path, Path]:
    named: dict[Path, Path] = {}
    for path in files:
        stem = path.stem
        for ending in (_IMAGE_ENDING, *_LABEL_ENDINGS):
            stem = stem.removesuffix(ending)
        name = path.relative_to(folder).with_name(stem)
        if name in named:
            raise UsageError(f"expected one file of each name, found {named[name]} and {path}")
        named[name] = path
    return named
