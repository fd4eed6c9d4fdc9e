from pathlib import Path

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.evaluation import find_ade20k, find_cityscapes, find_labelled_images


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(root: Path, pairs) -> list[tuple[str, str]]:
    return [
        (pair.image.relative_to(root).as_posix(), pair.labels.relative_to(root).as_posix())
        for pair in pairs
    ]


def test_files_of_one_name_and_place_belong_together(tmp_path):
    touch(tmp_path, "i/b.jpg", "i/a.png", "i/x/a.webp", "i/.hidden.jpg", "i/notes.txt")
    touch(tmp_path, "l/a.png", "l/b.png", "l/x/a.png", "l/unused.png")
    assert names(tmp_path, find_labelled_images(tmp_path / "i", tmp_path / "l")) == [
        ("i/a.png", "l/a.png"),
        ("i/b.jpg", "l/b.png"),
        ("i/x/a.webp", "l/x/a.png"),
    ]


def test_labels_that_a_run_wrote_belong_to_their_images(tmp_path):
    touch(tmp_path, "i/a.jpg", "i/x/b.png", "i/c.jpg", "i/c_labels.jpg")
    touch(tmp_path, "l/a_labels.png", "l/a_overlay.png", "l/x/b_labels.png")
    touch(tmp_path, "l/c.png", "l/c_labels.png")
    assert names(tmp_path, find_labelled_images(tmp_path / "i", tmp_path / "l")) == [
        ("i/a.jpg", "l/a_labels.png"),
        ("i/c.jpg", "l/c.png"),
        ("i/c_labels.jpg", "l/c_labels.png"),
        ("i/x/b.png", "l/x/b_labels.png"),
    ]


def test_results_beside_their_images_are_labels_and_no_images(tmp_path):
    touch(tmp_path, "a.png", "a_labels.png", "a_overlay.png", "x/b.jpg", "x/b_labels.png")
    touch(tmp_path, "x/b_overlay.jpg")
    assert names(tmp_path, find_labelled_images(tmp_path, tmp_path)) == [
        ("a.png", "a_labels.png"),
        ("x/b.jpg", "x/b_labels.png"),
    ]


def test_ade20k_is_found_from_its_root(tmp_path):
    touch(tmp_path, "images/validation/1.jpg", "annotations/validation/1.png")
    touch(tmp_path, "images/training/2.jpg")
    assert names(tmp_path, find_ade20k(tmp_path)) == [
        ("images/validation/1.jpg", "annotations/validation/1.png")
    ]


def test_cityscapes_is_found_from_its_root(tmp_path):
    touch(tmp_path, "leftImg8bit/val/ulm/ulm_0_leftImg8bit.png")
    touch(
        tmp_path,
        "gtFine/val/ulm/ulm_0_gtFine_labelTrainIds.png",
        "gtFine/val/ulm/ulm_0_gtFine_labelIds.png",
        "gtFine/val/ulm/ulm_0_gtFine_color.png",
    )
    assert names(tmp_path, find_cityscapes(tmp_path)) == [
        (
            "leftImg8bit/val/ulm/ulm_0_leftImg8bit.png",
            "gtFine/val/ulm/ulm_0_gtFine_labelTrainIds.png",
        )
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("l/a.png",), "expected a folder of images, found none at"),
        (("i/a.txt", "l/a.png"), "expected images ("),
        (("i/a.jpg",), "expected a folder of label images"),
        (("i/a.jpg", "l/a.jpg"), "expected label images (.png .tif .tiff)"),
        (
            ("i/a.jpg", "i/b.jpg", "i/c.jpg", "i/d.jpg", "i/e.jpg", "l/e.png"),
            "for each of 5 images, found none for 4 of them: a.jpg, b.jpg, c.jpg, ...",
        ),
        (("i/a.jpg", "i/a.png", "l/a.png"), "expected one file of each name"),
    ],
)
def test_folders_that_do_not_fit_are_refused(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(UsageError) as raised:
        find_labelled_images(tmp_path / "i", tmp_path / "l")
    assert message in str(raised.value)


@pytest.mark.parametrize("files", [(), ("ulm/ulm_0_gtFine_labelIds.png",)])
def test_cityscapes_without_training_ids_names_the_ending(tmp_path, files):
    touch(tmp_path, "leftImg8bit/val/ulm/ulm_0_leftImg8bit.png")
    (tmp_path / "gtFine/val").mkdir(parents=True)
    touch(tmp_path, *(f"gtFine/val/{name}" for name in files))
    with pytest.raises(UsageError, match=r"expected labels \*_gtFine_labelTrainIds\.png in"):
        find_cityscapes(tmp_path)


def test_labels_may_be_tiff_files_where_none_is_a_png(tmp_path):
    touch(tmp_path, "i/a.jpg", "l/a.tif")
    assert find_labelled_images(tmp_path / "i", tmp_path / "l")[0].labels.name == "a.tif"
    touch(tmp_path, "l/a.png")
    assert find_labelled_images(tmp_path / "i", tmp_path / "l")[0].labels.name == "a.png"
