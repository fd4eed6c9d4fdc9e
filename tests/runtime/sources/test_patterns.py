"""Wildcards and numbers in names stand for the files that fit."""

from pathlib import Path

import pytest

from ppmobileseg_deploy.runtime.sources import find_sources


def _paths(found):
    return [source.path.as_posix() for source in found.sources]


def _relative(found):
    return [source.relative.as_posix() for source in found.sources]


def _errors(found):
    return [str(error) for error in found.errors]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.jpg", ["in/a2.jpg", "in/a10.jpg"]),
        ("in/a?.jpg", ["in/a2.jpg"]),
        ("in/a[0-9].jpg", ["in/a2.jpg"]),
        ("in/*", ["in/a2.jpg", "in/a10.jpg", "in/b.mp4"]),
        ("in/*/*.jpg", ["in/x/c.jpg"]),
        ("in/**/*.jpg", ["in/a2.jpg", "in/a10.jpg", "in/x/c.jpg", "in/x/y/d.jpg"]),
        ("in/**/y/*", ["in/x/y/d.jpg"]),
        ("in/" + 500 * "**/" + "d.jpg", ["in/x/y/d.jpg"]),
        ("in/x/**", ["in/x/c.jpg", "in/x/y/d.jpg"]),
        ("**/d.jpg", ["in/x/y/d.jpg"]),
        ("in/.*/*.jpg", ["in/.hidden/e.jpg"]),
    ],
)
def test_patterns_are_expanded(tree, pattern, expected):
    tree("in/a10.jpg", "in/a2.jpg", "in/b.mp4", "in/n.txt", "in/x/c.jpg", "in/x/y/d.jpg")
    tree("in/.hidden/e.jpg", "in/.f.jpg")
    found = find_sources([pattern])
    assert _paths(found) == expected
    assert not found.errors


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("trip [2024]/*.png", ["trip [2024]/a.png", "trip [2024]/b.png"]),
        ("trip [2024]/a.*", ["trip [2024]/a.png"]),
        ("t*/*.png", ["trip 2/c.png", "trip [2024]/a.png", "trip [2024]/b.png"]),
        ("trip [2]/*.png", ["trip 2/c.png"]),
        ("*/what?.png", ["in/what?.png"]),
        ("**/x[1].png", ["in/x[1].png", "in/y/x1.png"]),
        ("in/[[]*].png", ["in/[z].png"]),
        ("trip [2024]/f [x]/%d.png", ["trip [2024]/f [x]/7.png"]),
        ("trip [2024]/list.txt", ["trip [2024]/a.png", "trip [2024]/f [x]/7.png"]),
    ],
)
def test_what_exists_as_it_is_written_is_no_pattern(tree, pattern, expected):
    tree("trip [2024]/b.png", "trip [2024]/a.png", "trip [2024]/f [x]/7.png", "trip 2/c.png")
    tree("in/what?.png", "in/whats.png", "in/x[1].png", "in/x1.png", "in/y/x1.png", "in/[z].png")
    tree("trip [2024]/list.txt")
    Path("trip [2024]/list.txt").write_text("a.*\nf [x]/%d.png\n")
    found = find_sources([pattern])
    assert _paths(found) == expected
    assert not found.errors


def test_the_structure_is_kept_below_brackets_that_exist(tree):
    tree("trip [2024]/x/a.png", "trip [2024]/y/a.png")
    assert _relative(find_sources(["trip [2024]/*/*.png"])) == ["x/a.png", "y/a.png"]


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("trip [2025]/*.png", "trip [2025]"),
        ("in/[0-9].png", "[0-9].png"),
        ("trip [2024]/f [y]/*.png", "f [y]"),
    ],
)
def test_brackets_that_fit_nothing_are_explained(tree, pattern, part):
    tree("trip [2024]/a.png", "in/a.png")
    assert _errors(find_sources([pattern])) == [
        f"no images or videos match {pattern} (nothing is called {part}, and [...] stands for "
        "one character of those in it)"
    ]


def test_patterns_keep_the_structure_below_their_first_wildcard(tree):
    tree("in/x/a.jpg", "in/y/a.jpg")
    assert _relative(find_sources(["in/**/*.jpg"])) == ["x/a.jpg", "y/a.jpg"]


def test_patterns_leave_out_earlier_results_but_find_them_by_name(tree):
    tree("in/a.jpg", "in/a_overlay.jpg")
    assert _paths(find_sources(["in/*.jpg"])) == ["in/a.jpg"]
    assert _paths(find_sources(["in/*_overlay.jpg"])) == ["in/a_overlay.jpg"]


@pytest.mark.parametrize("pattern", ["in/**/*.png", "**/*.png"])
def test_any_folders_are_none_of_a_videos_frames(tree, pattern):
    tree("in/v.mp4", "in/v_labels/000000.png", "in/w_labels/a.png")
    found = find_sources([pattern])
    assert _paths(found) == ["in/w_labels/a.png"]
    assert found.skipped == (Path("in/v_labels"),)
    assert _paths(find_sources(["in/*_labels/*.png"])) == [
        "in/v_labels/000000.png",
        "in/w_labels/a.png",
    ]


@pytest.mark.parametrize("pattern", ["in/*.jpg", "nowhere/*.jpg", "a.png/*", "**/*.jpg"])
def test_a_pattern_that_fits_nothing_is_an_error(tree, pattern):
    tree("a.png")
    assert _errors(find_sources([pattern])) == [f"no images or videos match {pattern}"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/f%03d.png", ["in/f002.png", "in/f010.png", "in/f1000.png"]),
        ("in/f%d.png", ["in/f7.png", "in/f1000.png"]),
    ],
)
def test_sequences_come_by_number(tree, pattern, expected):
    tree("in/f010.png", "in/f002.png", "in/f1000.png", "in/f7.png", "in/fx.png", "in/f003.jpg")
    found = find_sources([pattern])
    assert _paths(found) == expected
    assert {source.kind for source in found.sources} == {"image"}


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("f%05d.png", "no file is numbered like f%05d.png"),
        ("nowhere/%d.png", "no file is numbered like nowhere/%d.png"),
        ("my%20dog.png", "no such file or folder: my%20dog.png"),
    ],
)
def test_a_sequence_without_files_is_an_error(tree, location, error):
    assert _errors(find_sources([location])) == [error]
