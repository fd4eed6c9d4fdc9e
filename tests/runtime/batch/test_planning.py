"""Every result has a file of its own."""

from pathlib import Path

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.batch import plan_outputs
from ppmobileseg_deploy.runtime.results.kinds import KINDS

ALL = ("overlay", "color", "labels")


@pytest.fixture
def plan(make_source, tmp_path, monkeypatch):
    """Plan the results of sources, given by name or as (name, place below the output)."""
    monkeypatch.chdir(tmp_path)

    def plan(sources, kinds, output=None):
        made = [make_source(*([each] if isinstance(each, str) else each)) for each in sources]
        plans = plan_outputs(made, kinds, None if output is None else Path(output))
        assert [plan.source for plan in plans] == made
        assert all(tuple(plan.outputs) == tuple(kinds) for plan in plans)
        return [path.as_posix() for plan in plans for path in plan.outputs.values()]

    return plan


@pytest.mark.parametrize(
    ("sources", "kinds", "output", "expected"),
    [
        pytest.param(
            ["a.png"],
            KINDS,
            None,
            "a_overlay.png a_color.png a_labels.png a_indexed.png a_json.json a_rle.json "
            "a_legend.png a_cutout.png a_polygons.json a_labelme.json a_label-studio.json "
            "a_geojson.geojson",
            id="beside a PNG",
        ),
        pytest.param(
            ["x/../b.JPEG"],
            ("overlay", "color", "labels", "indexed", "legend"),
            None,
            "x/../b_overlay.jpg x/../b_color.png x/../b_labels.png x/../b_indexed.png "
            "x/../b_legend.jpg",
            id="beside a JPEG",
        ),
        pytest.param(
            ["x/a.mp4"],
            KINDS,
            None,
            "x/a_overlay.mp4 x/a_color.mp4 x/a_labels x/a_indexed x/a_json.jsonl x/a_rle.jsonl "
            "x/a_legend.mp4 x/a_cutout.mp4 x/a_polygons.jsonl x/a_labelme.jsonl "
            "x/a_label-studio.jsonl x/a_geojson.jsonl",
            id="beside a video",
        ),
        pytest.param(["x/a.png"], ["color"], "out", "out/a_color.png", id="into a folder"),
        pytest.param(
            [("in/x/a.png", "x/a.png"), ("in/a.png", "a.png")],
            ["color"],
            "out",
            "out/x/a_color.png out/a_color.png",
            id="the folders' structure is kept",
        ),
        pytest.param(
            [("https://example.org/a.jpg", "example.org/a.jpg")],
            ["overlay"],
            None,
            "a_overlay.jpg",
            id="from the web into the current folder",
        ),
        pytest.param(
            [("https://example.org/a.jpg", "a.jpg")],
            ["overlay"],
            "out",
            "out/a_overlay.jpg",
            id="from the web into a folder",
        ),
        pytest.param(
            ["https://example.org/x/a.jpg", "https://example.org/y/a.jpg"],
            ["color"],
            None,
            "a.jpg_color.png a.jpg-2_color.png",
            id="equal names from the web",
        ),
        pytest.param(
            ["a.png", "a.jpg", "a.mp4"],
            ["color"],
            "out",
            "out/a.png_color.png out/a.jpg_color.png out/a.mp4_color.mp4",
            id="equal but for the suffix",
        ),
        pytest.param(
            ["a.png", "A.png"],
            ["color"],
            None,
            "a.png_color.png A.png-2_color.png",
            id="equal but for the case",
        ),
        pytest.param(
            ["caf\u00e9.png", "cafe\u0301.png"],
            ["color"],
            None,
            "caf\u00e9.png_color.png cafe\u0301.png-2_color.png",
            id="equal but for how the accent is written",
        ),
        pytest.param(
            [("x/a.png", "x/a.png"), ("y/a.png", "y/a.png")],
            ["labels"],
            "out",
            "out/x/a_labels.png out/y/a_labels.png",
            id="equal names in two folders",
        ),
        pytest.param(
            ["a.jpg", "x/a.png"],
            ["color"],
            None,
            "a_color.png x/a_color.png",
            id="equal but for the suffix, each beside its image",
        ),
        pytest.param(
            ["c.jpg", "c_overlay.jpg"],
            ["overlay"],
            None,
            "c.jpg_overlay.jpg c_overlay_overlay.jpg",
            id="a result would overwrite another image",
        ),
        pytest.param(
            ["c.jpg", "c_overlay.jpg"],
            ["overlay"],
            "link",
            "link/c.jpg_overlay.jpg link/c_overlay_overlay.jpg",
            id="a result would overwrite another image, through a link",
        ),
        pytest.param(
            ["d.png", "d_labels.png", "d.png_labels.png"],
            ["labels"],
            None,
            "d.png-2_labels.png d_labels_labels.png d.png_labels_labels.png",
            id="twice",
        ),
        pytest.param(
            ["a.mp4", "a_labels/000001.png"],
            ["labels"],
            None,
            "a.mp4_labels a_labels/000001_labels.png",
            id="a folder of results would replace one of sources",
        ),
        pytest.param(
            [("in/a.mp4", "a.mp4"), ("in/a_labels/x/b.png", "a_labels/x/b.png")],
            ["labels"],
            "out",
            "out/a.mp4_labels out/a_labels/x/b_labels.png",
            id="a folder of results would replace one of other results",
        ),
        pytest.param(["a.png"], ["overlay"], "out.JPG", "out.JPG", id="one file"),
        pytest.param(["a.png"], ["labels"], "x/out.png", "x/out.png", id="one file of labels"),
        pytest.param(["a.png"], ["rle"], "out.json", "out.json", id="one file of JSON"),
        pytest.param(["a.mp4"], ["legend"], "out.mp4", "out.mp4", id="one video"),
        pytest.param(["a.mp4"], ["json"], "out.jsonl", "out.jsonl", id="one file of lines"),
        pytest.param(["a.mp4"], ["labels"], "out", "out/a_labels", id="a folder in a folder"),
        pytest.param(
            ["a.png"], ["color"], "folder.png", "folder.png/a_color.png", id="folder.png is one"
        ),
    ],
)
def test_every_result_has_its_own_file(plan, sources, kinds, output, expected):
    Path("folder.png").mkdir()
    Path("link").symlink_to(".")
    assert plan(sources, kinds, output) == expected.split()


@pytest.mark.parametrize(
    ("sources", "kinds", "output", "message"),
    [
        (["a.png", "b.png"], ["overlay"], "out.png", "holds one result, found 2 images"),
        (["a.png"], ["overlay", "labels"], "out.png", r"2 kinds of result \(overlay, labels\)"),
        (["a.png"], ["labels"], "out.jpg", r"expected \.png for labels, which are exact"),
        (["a.png"], ["indexed"], "out.tif", r"expected \.png for indexed, which are exact"),
        (["a.png"], ["json"], "out.png", r"expected \.json for json, found out\.png"),
        (["a.png"], ["overlay"], "out.gif", r"expected \.bmp .* found out\.gif"),
        (["a.png"], ["overlay"], "out.mp4", r"expected \.bmp .* found out\.mp4"),
        (["a.mp4"], ["overlay"], "out.png", r"expected \.mp4 for the overlay of a video"),
        (["a.mp4"], ["overlay"], "out.avi", r"expected \.mp4 for the overlay of a video"),
        (["a.mp4"], ["json"], "out.json", r"expected \.jsonl for the json of a video"),
        (["a.mp4"], ["labels"], "out.png", "expected a folder for the labels of a video"),
        (["a.png"], ["overlay"], "x/../a.png", "overwrite its own image"),
        (["a.png"], ["overlay"], "link.png", "overwrite its own image"),
        (["a.png"], ["overlay"], "plain", "expected a folder or an image file"),
    ],
)
def test_an_output_that_cannot_be_meant_is_refused(plan, sources, kinds, output, message):
    for name in ("plain", "a.png"):
        Path(name).touch()
    Path("x").mkdir()
    Path("link.png").symlink_to("a.png")
    with pytest.raises(UsageError, match=message):
        plan(sources, kinds, output)


@pytest.mark.parametrize("letter", ["x", "\u00e4", "\U0001f600"])
def test_long_names_are_shortened_and_stay_apart(plan, letter):
    length = 250 // len(letter.encode())
    sources = [letter * (length - 1) + end + ".png" for end in "ab"]
    outputs = plan(sources, ["overlay", "color"])
    assert len({*outputs}) == 4
    for path in map(Path, outputs):
        assert path.name.startswith(letter * 20)
        path.touch()  # the system takes it
        Path(f".{path.name}.unfinished").touch()


def test_a_name_that_just_fits_is_kept(plan):
    name = "x" * (240 - len("_overlay.png"))
    assert plan([name + ".png"], ["overlay"]) == [name + "_overlay.png"]
