"""Whatever a user names becomes a list of sources: each once, in a natural order."""

from pathlib import Path

import pytest

from ppmobileseg_deploy.runtime.sources import find_sources


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
    assert _paths(find_sources(["in"])) == ["in/a.png", "in/a²3.png", "in/a\u0663.png"]


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
    assert sorted(_paths(found)) == sorted(["in/a.png", f"in/{name}"])
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
    assert model == "expected an image, found the model end2end.onnx"
    assert [error.parameter for error in found.errors] == [None, "recursive", "model"]
    (deeper,) = find_sources(["texts"], recursive=True).errors
    assert deeper.parameter is None


def test_an_empty_text_is_not_the_current_folder(tree):
    tree("a.png")
    assert _errors(find_sources([""])) == [
        "expected a path, an address or a camera, found an empty text"
    ]


def test_a_broken_link_is_missing(tree):
    Path("gone.png").symlink_to("nowhere.png")
    assert _errors(find_sources(["gone.png"])) == ["no such file or folder: gone.png"]


@pytest.mark.parametrize("location", ["in", "in/*", "in/**/*.png", "in/*/*.png"])
def test_a_link_that_cannot_be_followed_stops_nothing(tree, location):
    tree("in/a.png", "in/x/b.png")
    Path("in/bad.png").symlink_to("x" * 300)  # is_file raises "File name too long"
    found = find_sources([location])
    assert _paths(found)
    assert not _errors(found)


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
        pytest.param(["y/a.png", "y/A.png"], ["a.png", "A.png"], id="side by side, case differs"),
        pytest.param(
            ["w/caf\u00e9.png", "w/cafe\u0301.png"],
            ["caf\u00e9.png", "cafe\u0301.png"],
            id="side by side, accents differ",
        ),
        pytest.param(
            ["y/a.png", "y/A.png", "x/a.png"],
            ["y/a.png", "y/A.png", "x/a.png"],
            id="case differs, and another folder",
        ),
        pytest.param(["p/x", "q/x"], ["p/x/a.png", "q/x/a.png"], id="folders of equal names"),
        pytest.param(["a.png", "p/x/a.png"], ["HERE/a.png", "x/a.png"], id="different depths"),
    ],
)
def test_relative_paths_tell_images_apart(tree, tmp_path, sources, expected):
    tree("x/a.png", "x/b.png", "y/a.png", "y/A.png", "z/c.png", "p/x/a.png", "q/x/a.png", "a.png")
    tree("w/caf\u00e9.png", "w/cafe\u0301.png")
    expected = [name.replace("HERE", tmp_path.name) for name in expected]
    assert _relative(find_sources(sources)) == expected


def test_the_current_folder_has_a_name_too(tree, tmp_path):
    tree("a.png", "x/a.png")
    assert _relative(find_sources([".", "x"])) == [f"{tmp_path.name}/a.png", "x/a.png"]


def _kinds(found):
    return [(source.location, source.kind) for source in found.sources]


def test_videos_are_told_by_their_suffix(tree):
    tree("in/a.MP4", "in/b.gif", "in/c.png", "in/d.webm", "in/e.txt", "f.mov")
    found = find_sources(["in", "f.mov"])
    assert _kinds(found) == [
        ("in/a.MP4", "video"),
        ("in/b.gif", "image"),
        ("in/c.png", "image"),
        ("in/d.webm", "video"),
        ("f.mov", "video"),
    ]
    assert [source.is_video for source in found.sources] == [True, False, False, True, True]


def test_a_folder_is_searched_deeper_when_asked_to(tree):
    tree("in/b.png", "in/x10/a.png", "in/x2/a.png", "in/x2/y/c.mp4", "in/.git/d.png", "in/.e.png")
    found = find_sources(["in"], recursive=True)
    assert _paths(found) == ["in/b.png", "in/x2/a.png", "in/x2/y/c.mp4", "in/x10/a.png"]
    assert _relative(found) == ["b.png", "x2/a.png", "x2/y/c.mp4", "x10/a.png"]


def test_folders_that_differ_only_in_case_keep_their_place(tree):
    tree("in/x/a.png", "in/X/a.png", "in/X/b.png")
    assert _relative(find_sources(["in"], recursive=True)) == ["X/a.png", "X/b.png", "x/a.png"]


def test_structures_of_several_folders_stay_apart(tree):
    tree("p/in/x/a.png", "q/in/x/a.png", "r/b.png")
    assert _relative(find_sources(["p/in", "q/in", "r/b.png"], recursive=True)) == [
        "p/in/x/a.png",
        "q/in/x/a.png",
        f"{Path.cwd().name}/r/b.png",
    ]


def test_links_that_lead_back_up_end(tree):
    tree("in/x/a.png", "elsewhere/b.png")
    Path("in/x/up").symlink_to(Path("in").absolute())
    Path("in/linked").symlink_to(Path("elsewhere").absolute())
    assert _paths(find_sources(["in"], recursive=True)) == ["in/linked/b.png", "in/x/a.png"]
    assert _paths(find_sources(["in/**/*.png"])) == ["in/linked/b.png", "in/x/a.png"]


def test_the_output_folder_is_not_searched(tree):
    tree("in/a.png", "in/out/a_overlay.png", "in/out/x/b_overlay.png", "in/other/c.png")
    found = find_sources(["in"], recursive=True, output=Path("in/../in/out"))
    assert _paths(found) == ["in/a.png", "in/other/c.png"]


def test_an_output_folder_can_be_named_itself(tree):
    tree("in/a.png")
    assert _paths(find_sources(["in"], recursive=True, output=Path("in"))) == ["in/a.png"]


def test_results_of_videos_are_no_new_sources(tree):
    tree("in/a.mp4", "in/a_overlay.mp4", "in/a_labels/000001.png", "in/b.png", "in/b_labels/c.png")
    found = find_sources(["in"], recursive=True)
    assert _paths(found) == ["in/a.mp4", "in/b.png", "in/b_labels/c.png"]
    assert found.skipped == (Path("in/a_overlay.mp4"), Path("in/a_labels"))


def test_a_folder_below_that_cannot_be_listed_stops_nothing(tree, monkeypatch):
    tree("in/a.png", "in/closed/b.png")
    listed = Path.iterdir

    def refuse(self):
        if self.name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = find_sources(["in"], recursive=True)
    assert _paths(found) == ["in/a.png"]
    assert _errors(found) == ["cannot list folder in/closed: Permission denied"]


@pytest.mark.parametrize(
    "name", ["a[1].png", "what?.png", "50%d.png", "0", "https:/x.png", "b*.mp4"]
)
def test_what_exists_is_meant(tree, name):
    tree(name, "a1.png", "501.png")
    assert _paths(find_sources([name])) == [name]


@pytest.mark.parametrize(("location", "index"), [("0", 0), ("12", 12), ("/dev/video7", 7)])
def test_a_number_is_a_camera(tree, location, index):
    (source,) = find_sources([location]).sources
    assert (source.kind, source.camera, source.path) == ("camera", index, None)
    assert (source.location, str(source.relative)) == (f"camera {index}", f"camera{index}.mp4")


def test_addresses_keep_their_secrets():
    address = "https://me:secret@example.org:8443/a%20b/street%21.jpg?token=hidden#part"
    (source,) = find_sources([address]).sources
    assert (source.kind, source.address) == ("web", address)
    assert source.location == "https://example.org:8443/a%20b/street%21.jpg?..."
    assert str(source.relative) == "street_.jpg"
    assert "secret" not in repr(source)
    assert "hidden" not in repr(source)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://example.org", "example.org"),
        ("http://example.org/..%2f..%2fetc", "etc"),
        ("http://example.org/x/..", "example.org"),
        ("http://example.org/.hidden.png", "hidden.png"),
        ("http://example.org/" + "a" * 300 + ".jpeg", "a" * 95 + ".jpeg"),
        ("http://example.org/a%0ab%1b.png", "a_b_.png"),
    ],
)
def test_names_of_addresses_are_harmless(address, name):
    (source,) = find_sources([address]).sources
    assert str(source.relative) == name


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///etc/passwd", "found file://"),
        ("ftp://example.org/a.png", "found ftp://"),
        ("rtsp://camera/stream", "found rtsp://"),
        ("http:///a.png", "without a host"),
        ("http://[::1/a.png", "with a fault: Invalid IPv6 URL"),
        ("http://me:secret@host:99999/a.png", "with a fault: Port out of range"),
    ],
)
def test_other_addresses_are_refused(address, said):
    (error,) = _errors(find_sources([address]))
    assert said in error
    assert "secret" not in error


def test_names_of_what_is_no_file_never_collide(tree):
    tree("camera0.mp4", "A.JPG")
    locations = ["camera0.mp4", "0", "A.JPG", "http://x/a.jpg", "http://y/a.jpg", "http://x/a.jpg"]
    assert _relative(find_sources(locations)) == [
        "camera0.mp4",
        "camera0-2.mp4",
        "A.JPG",
        "a-2.jpg",
        "a-3.jpg",
    ]


def test_an_error_knows_its_location_without_secrets(tree):
    tree("in/notes.doc")
    Path("list.txt").write_text("gone.png\n")
    locations = ["none.png", "in", "list.txt", "ftp://me:secret@host/a.png?key=1", "http://[::1/a"]
    found = find_sources(locations)
    assert [error.location for error in found.errors] == [
        "none.png",
        "in",
        "gone.png",
        "ftp://host/a.png?...",
        "http://...",
    ]


def test_a_file_that_was_named_is_told_from_one_that_was_found(tree):
    tree("a.png", "b.png", "in/c.png")
    Path("list.txt").write_text("b.png\n")
    found = find_sources(["a.png", "list.txt", "in", "*.png"])
    assert [(source.path.as_posix(), source.named) for source in found.sources] == [
        ("a.png", True),
        ("b.png", False),
        ("in/c.png", False),
    ]
