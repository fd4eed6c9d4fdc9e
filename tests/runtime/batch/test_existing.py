"""Files that exist are kept unless somebody says otherwise, and never half done twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.batch import plan_outputs, settle_existing
from ppmobileseg_deploy.runtime.batch.existing import mark_finished, mark_unfinished


@pytest.fixture
def plans(make_source, tmp_path, monkeypatch):
    """Plans for two images and a video, whose results are to be in folder ``out``."""
    monkeypatch.chdir(tmp_path)
    sources = [make_source(name) for name in ("a.jpg", "b.png", "c.mp4")]
    for source in sources:
        source.path.touch()
    Path("out").mkdir()
    return plan_outputs(sources, ["overlay", "labels"], Path("out"))


def _paths(plans):
    return [path.name for plan in plans for path in plan.outputs.values()]


@pytest.mark.parametrize("policy", [{}, {"overwrite": True}, {"resume": True}])
def test_without_earlier_results_everything_is_to_do(plans, policy):
    assert settle_existing(plans, **policy) == plans


def test_earlier_results_are_kept_and_counted(plans):
    for name in ("out/a_overlay.jpg", "out/b_labels.png"):
        Path(name).touch()
    with pytest.raises(
        UsageError,
        match=r"^out/a_overlay\.jpg and 1 more exist$",
    ) as raised:
        settle_existing(plans)
    assert raised.value.parameter == "resume"


@pytest.mark.parametrize(
    ("name", "named", "output", "existing", "is_replaced"),
    [
        ("a.jpg", True, "out", "a_overlay.jpg", True),
        ("a.jpg", False, "out", "a_overlay.jpg", False),
        ("a.jpg", True, "out/a.png", "a.png", False),
        ("a.jpg", True, "out/a_overlay.png", "a_overlay.png", True),
        ("c.mp4", True, "out", "c_overlay.mp4", False),
    ],
)
def test_one_named_image_may_replace_its_own_result(
    make_source, tmp_path, monkeypatch, name, named, output, existing, is_replaced
):
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    Path("out", existing).touch()
    plans = plan_outputs([make_source(name, named=named)], ["overlay"], Path(output))
    if is_replaced:
        assert settle_existing(plans) == plans
    else:
        with pytest.raises(UsageError, match=rf"^out/{existing} exists$") as raised:
            settle_existing(plans)
        assert raised.value.parameter == "overwrite"


def test_one_named_image_does_not_replace_a_link(make_source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("precious").touch()
    Path("a_overlay.jpg").symlink_to("precious")
    plans = plan_outputs([make_source("a.jpg", named=True)], ["overlay"])
    with pytest.raises(UsageError, match="found a link to precious"):
        settle_existing(plans)


def test_overwriting_does_everything(plans):
    Path("out/a_overlay.jpg").touch()
    assert settle_existing(plans, overwrite=True) == plans


def test_resuming_does_what_is_missing(plans):
    for name in ("a_overlay.jpg", "a_labels.png", "b_labels.png", "c_overlay.mp4"):
        (Path("out") / name).touch()
    remaining = settle_existing(plans, resume=True)
    assert [plan.source for plan in remaining] == [plans[1].source, plans[2].source]
    assert _paths(remaining) == ["b_overlay.png", "c_labels"]


def test_resuming_does_a_video_again_that_was_stopped(plans):
    video, folder = plans[2].outputs.values()
    video.touch()
    folder.mkdir()
    assert _paths(settle_existing(plans, resume=True)[2:]) == []
    for path in (video, folder):
        mark_unfinished(path)
    assert _paths(settle_existing(plans, resume=True)[2:]) == ["c_overlay.mp4", "c_labels"]
    mark_finished(video)
    assert _paths(settle_existing(plans, resume=True)[2:]) == ["c_labels"]


def test_both_policies_at_once_are_refused(plans):
    with pytest.raises(UsageError, match="expected overwrite or resume, found both"):
        settle_existing(plans, overwrite=True, resume=True)


@pytest.mark.parametrize("policy", [{"overwrite": True}, {"resume": True}])
@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda: Path("out/a_overlay.jpg").symlink_to("../b.png"), "overwrite a source"),
        (lambda: Path("out/a_overlay.jpg").hardlink_to("c.mp4"), "overwrite a source"),
        (lambda: Path("out/a_overlay.jpg").mkdir(), "expected a file .* found a folder"),
        (lambda: Path("out/c_labels").touch(), "expected a folder .* found a file"),
    ],
)
def test_what_is_no_result_is_never_replaced(plans, policy, prepare, message):
    prepare()
    with pytest.raises(UsageError, match=message):
        settle_existing(plans, **policy)


@pytest.mark.parametrize("policy", [{}, {"overwrite": True}, {"resume": True}])
@pytest.mark.parametrize("name", ["a_overlay.jpg", "c_labels"])
def test_a_link_that_leads_nowhere_is_no_place_for_a_result(plans, policy, name):
    Path("out", name).symlink_to("../outside/planted")
    with pytest.raises(UsageError, match=rf"result out/{name}, found a link to \.\./outside/pl"):
        settle_existing(plans, **policy)


@pytest.mark.parametrize("policy", [{}, {"overwrite": True}])
def test_a_link_to_some_file_is_not_written_through(plans, policy):
    Path("precious").touch()
    Path("out/a_overlay.jpg").symlink_to("../precious")
    with pytest.raises(UsageError, match=r"found a link to \.\./precious: remove the link"):
        settle_existing(plans, **policy)


def test_a_link_to_a_complete_result_is_done_when_resuming(plans):
    for name in ("store.jpg", "store.mp4"):
        Path(name).touch()
    Path("out/a_overlay.jpg").symlink_to("../store.jpg")
    Path("out/c_overlay.mp4").symlink_to("../store.mp4")
    assert _paths(settle_existing(plans, resume=True)) == [
        "a_labels.png",
        "b_overlay.png",
        "b_labels.png",
        "c_labels",
    ]
    mark_unfinished(Path("out/c_overlay.mp4"))  # it would be written again
    with pytest.raises(UsageError, match=r"c_overlay\.mp4, found a link"):
        settle_existing(plans, resume=True)


def test_the_note_of_an_unfinished_video_makes_no_file_elsewhere(plans):
    video = plans[2].outputs["overlay"]
    video.touch()
    Path("out/.c_overlay.mp4.unfinished").symlink_to("../planted")
    mark_unfinished(video)
    assert not Path("planted").exists()
    assert "c_overlay.mp4" in _paths(settle_existing(plans, resume=True))


def test_a_folder_with_other_files_is_never_replaced(plans):
    folder = Path("out/c_labels")
    folder.mkdir()
    for name in ("000000.png", "000001.png", ".DS_Store"):
        (folder / name).touch()
    assert settle_existing(plans, overwrite=True) == plans
    (folder / "notes.txt").touch()
    with pytest.raises(UsageError, match=r"only numbered PNG files in out/c_labels.*notes\.txt"):
        settle_existing(plans, overwrite=True)


_KILLED = """
import os, signal
from pathlib import Path
from ppmobileseg_deploy.files import AtomicFile
file = AtomicFile(Path("out/a_overlay.jpg"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked there")
def test_what_a_killed_run_left_is_removed(plans):
    subprocess.run([sys.executable, "-c", _KILLED])
    assert len(list(Path("out").iterdir())) == 1
    assert settle_existing(plans, resume=True) == plans
    assert list(Path("out").iterdir()) == []
