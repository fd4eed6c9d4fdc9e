"""Files and folders become a list of images: each once, in a natural order."""

from pathlib import Path

import pytest

from ppmobileseg_deploy.runtime.sources import find_sources


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Make files (empty) below an own current folder."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str) -> None:
        for name in names:
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


def _paths(found):
    return [source.path.as_posix() for source in found.sources]


def _relative(found):
    return [source.relative.as_posix() for source in found.sources]


def _errors(found):
    return [str(error) for error in found.errors]


def test_a_named_file_is_taken_whatever_its_suffix(tree):
    tree("picture.dat", "noise")
    found = find_sources(["picture.dat", Path("noise")])
    assert _paths(found) == ["picture.dat", "noise"]
    assert not found.errors


def test_a_folder_gives_its_images_in_natural_order(tree):
    tree("in/frame10.png", "in/frame2.png", "in/Frame1.JPG", "in/b.webp", "in/0.tiff")
    assert _paths(find_sources(["in"])) == [
        "in/0.tiff",
        "in/b.webp",
        "in/Frame1.JPG",
        "in/frame2.png",
        "in/frame10.png",
    ]


def test_digits_of_other_scripts_do_not_break_the_order(tree):
    tree("in/a²3.png", "in/a\u0663.png", "in/a.png")
    assert len(find_sources(["in"]).sources) == 3


def test_a_folder_gives_only_visible_image_files_of_its_own(tree):
    tree("in/a.png", "in/notes.txt", "in/._a.png", "in/deeper/b.png", "in/folder.png/c.txt")
    assert _paths(find_sources(["in"])) == ["in/a.png"]


@pytest.mark.parametrize(
    "result",
    ["a_overlay.jpg", "a_overlay.png", "a_color.png", "a_labels.png", "a.jpg_overlay.jpg"],
)
def test_results_of_an_earlier_run_are_no_new_images(tree, result):
    tree("in/a.jpg", f"in/{result}")
    found = find_sources(["in"])
    assert _paths(found) == ["in/a.jpg"]
    assert found.skipped == (Path("in", result),)


@pytest.mark.parametrize("name", ["b_overlay.png", "_overlay.png", "aoverlay.png", "a_mask.png"])
def test_what_only_resembles_a_result_is_an_image(tree, name):
    tree("in/a.png", f"in/{name}")
    found = find_sources(["in"])
    assert len(found.sources) == 2
    assert not found.skipped


def test_an_earlier_result_can_be_named(tree):
    tree("in/a.png", "in/a_overlay.png")
    found = find_sources(["in", "in/a_overlay.png"])
    assert _paths(found) == ["in/a.png", "in/a_overlay.png"]
    assert not found.skipped


def test_an_image_named_twice_comes_once(tree):
    tree("in/a.png", "in/b.png")
    found = find_sources(["in/b.png", "in", "./in/../in/a.png"])
    assert _paths(found) == ["in/b.png", "in/a.png"]


def test_bad_sources_are_listed_and_stop_nothing(tree):
    tree("a.png", "end2end.onnx", "texts/readme.txt")
    found = find_sources(["missing.png", "a.png", "texts", "end2end.onnx"])
    assert _paths(found) == ["a.png"]
    missing, empty, model = _errors(found)
    assert missing == "no such file or folder: missing.png"
    assert "no images or videos in folder texts" in empty
    assert "end2end.onnx" in model
    assert "-m" in model


def test_a_broken_link_is_missing(tree):
    Path("gone.png").symlink_to("nowhere.png")
    assert _errors(find_sources(["gone.png"])) == ["no such file or folder: gone.png"]


def test_a_folder_that_cannot_be_listed_is_an_error(tree, monkeypatch):
    tree("in/a.png")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert _errors(find_sources(["in"])) == ["cannot list folder in: Permission denied"]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param(["x"], ["a.png", "b.png"], id="one folder: flat"),
        pytest.param(["x", "z"], ["x/a.png", "x/b.png", "z/c.png"], id="folders: by name"),
        pytest.param(["x", "y/a.png"], ["x/a.png", "x/b.png", "y/a.png"], id="equal names"),
        pytest.param(["x/b.png", "z/c.png"], ["b.png", "c.png"], id="files: flat"),
        pytest.param(["x/a.png", "y/A.png"], ["x/a.png", "y/A.png"], id="equal but for case"),
        pytest.param(["p/x", "q/x"], ["p/x/a.png", "q/x/a.png"], id="folders of equal names"),
        pytest.param(["a.png", "p/x/a.png"], ["HERE/a.png", "x/a.png"], id="different depths"),
    ],
)
def test_relative_paths_tell_images_apart(tree, tmp_path, sources, expected):
    tree("x/a.png", "x/b.png", "y/a.png", "y/A.png", "z/c.png", "p/x/a.png", "q/x/a.png", "a.png")
    expected = [name.replace("HERE", tmp_path.name) for name in expected]
    assert _relative(find_sources(sources)) == expected


def test_the_current_folder_has_a_name_too(tree, tmp_path):
    tree("a.png", "x/a.png")
    assert _relative(find_sources([".", "x"])) == [f"{tmp_path.name}/a.png", "x/a.png"]
