"""A batch on this machine: every image once, resumed, in both formats, and verified."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.cluster import local
from ppmobileseg_deploy.cluster.batch import MANIFEST, plan_batch, run_batch
from ppmobileseg_deploy.cluster.formats import FORMATS
from ppmobileseg_deploy.cluster.places import Place
from ppmobileseg_deploy.cluster.plan import read_plan
from ppmobileseg_deploy.cluster.verifying import verify_batch
from ppmobileseg_deploy.cluster.work import Worker
from ppmobileseg_deploy.errors import OutputError, UsageError


def in_this_process(plan, numbers, model, workers, threads):
    worker = Worker(plan, model, threads)
    return map(worker.make, numbers)


def _batch(source, out, model, *, make_files=in_this_process, **wanted):
    plan = plan_batch(str(source), str(out), model, **wanted)
    return run_batch(plan, model, make_files)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_image_has_a_row_with_the_labels_of_a_single_call(
    pictures, tmp_path, model, file_format
):
    out = tmp_path / "out"
    report = _batch(pictures, out, model, rows_per_file=4, file_format=file_format)
    assert (report.made, report.counts.rows, report.counts.errors) == (3, 11, 1)
    plan = read_plan(Place(str(out)))
    rows = [row for number in range(3) for row in FORMATS[file_format].rows(plan.place(number))]
    segmenter = OrtSegmenter(model, threads=1)
    segmenter.expect([])
    assert len({row["path"] for row in rows}) == 11
    for row in rows:
        if row["path"].endswith("bad.png"):
            assert row["error"] is not None
            continue
        labels = cv2.imdecode(np.frombuffer(row["labels_png"], np.uint8), cv2.IMREAD_UNCHANGED)
        result = segmenter(row["path"])
        np.testing.assert_array_equal(labels, result.labels)
        assert row["areas"] == list(result.areas().items())
    verified = verify_batch(str(out))
    assert (verified.images, verified.counts.errors, verified.faults) == (11, 1, ())
    assert json.loads((out / MANIFEST).read_text())["images"] == 11


def test_other_readers_see_the_results_only(pictures, tmp_path, model):
    _batch(pictures, tmp_path / "out", model, rows_per_file=4)
    assert ds.dataset(tmp_path / "out", format="parquet").to_table().num_rows == 11


def test_a_tar_has_a_description_and_labels_of_each_image(pictures, tmp_path, model):
    _batch(pictures, tmp_path / "out", model, rows_per_file=20, file_format="webdataset")
    with tarfile.open(tmp_path / "out" / "part-00000.tar") as tar:
        names = tar.getnames()
    assert names[:2] == ["000000000.json", "000000000.labels.png"]
    assert len(names) == 11 + 10  # of the bad image there is the description alone


def test_images_in_parquet(tmp_path, model, jpeg):
    contents = [jpeg(number) for number in range(30)]
    contents[7] = None
    source = tmp_path / "images.parquet"
    pq.write_table(pa.table({"bytes": pa.array(contents, pa.binary())}), source, row_group_size=7)
    report = _batch(source, tmp_path / "out", model, rows_per_file=8)
    assert (report.counts.rows, report.counts.errors) == (30, 1)
    table = ds.dataset(tmp_path / "out", format="parquet").to_table().to_pylist()
    sizes = [cv2.imdecode(np.frombuffer(each, np.uint8), 1).shape[:2] for each in contents if each]
    assert [(row["height"], row["width"]) for row in table if row["error"] is None] == sizes
    assert table[7]["path"] == f"{source}#7"
    assert verify_batch(str(tmp_path / "out")).faults == ()


def test_a_run_goes_on_where_another_one_ended(pictures, tmp_path, model):
    out = tmp_path / "out"
    _batch(pictures, out, model, rows_per_file=4)
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    (out / "part-00001.parquet").unlink()
    (pictures / "new.jpg").write_bytes(b"")  # the images stay those of the plan
    with pytest.raises(UsageError, match="--resume goes on with it"):
        _batch(pictures, out, model)
    report = _batch(pictures, out, model, resume=True)
    assert (report.earlier, report.made, report.counts.rows) == (2, 1, 4)
    assert verify_batch(str(out)).faults == ()
    kept = [path for path, stamp in stamps.items() if path.stat().st_mtime_ns == stamp]
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"rows_per_file": 5}, "expected rows_per_file 4 as in the run that is resumed, found 5"),
        ({"file_format": "webdataset"}, "expected format 'parquet'"),
        ({"max_pixels": 7}, "expected max_pixels"),
    ],
)
def test_another_run_is_not_resumed(pictures, tmp_path, model, wanted, message):
    plan_batch(str(pictures), str(tmp_path / "out"), model, rows_per_file=4)
    with pytest.raises(UsageError, match=message):
        plan_batch(str(pictures), str(tmp_path / "out"), model, resume=True, **wanted)


def test_results_of_something_else_are_not_mixed_with(pictures, tmp_path, model):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-00000.parquet").write_bytes(b"")
    with pytest.raises(UsageError, match="expected a folder without results"):
        plan_batch(str(pictures), str(tmp_path / "out"), model, resume=True)


@pytest.mark.parametrize(
    "wanted", [{"rows_per_file": 0}, {"file_format": "csv"}, {"max_pixels": 0}]
)
def test_numbers_and_names_that_make_no_sense(pictures, tmp_path, model, wanted):
    with pytest.raises(UsageError):
        plan_batch(str(pictures), str(tmp_path / "out"), model, **wanted)
    assert not (tmp_path / "out").exists()


def test_few_images_are_work_for_all_workers(pictures, tmp_path, model):
    assert plan_batch(str(pictures), str(tmp_path / "out"), model, workers=3).files == 11


def test_a_damaged_plan_is_refused(pictures, tmp_path, model):
    out = tmp_path / "out"
    plan_batch(str(pictures), str(out), model)
    plan = out / "_plan" / "plan.json"
    whole = plan.read_text()
    for damaged in (
        "",
        "[]",
        "{}",
        whole.replace('"parquet"', "7"),
        whole.replace(": 11", ": -1"),
    ):
        plan.write_text(damaged)
        with pytest.raises(UsageError, match="plan"):
            plan_batch(str(pictures), str(out), model, resume=True)


def test_what_cannot_be_written_now_is_done_by_the_next_run(
    pictures, tmp_path, model, monkeypatch
):
    write = Place.write

    def fails_once(place, content):
        if place.name == "part-00001.parquet":
            raise OutputError(f"cannot write {place}: the disk is full")
        write(place, content)

    with monkeypatch.context() as patch:
        patch.setattr(Place, "write", fails_once)
        report = _batch(pictures, tmp_path / "out", model, rows_per_file=4)
    assert len(report.failures) == 1
    assert "part-00001.parquet was not made: cannot write" in report.failures[0]
    assert not (tmp_path / "out" / MANIFEST).exists()
    assert not _batch(pictures, tmp_path / "out", model, resume=True).failures
    assert verify_batch(str(tmp_path / "out")).faults == ()


def test_a_source_that_is_gone_is_an_error_and_one_that_fails_for_now_is_not(
    pictures, tmp_path, model, monkeypatch
):
    plan = plan_batch(str(pictures), str(tmp_path / "out"), model, rows_per_file=20)
    (pictures / "deep" / "0.jpg").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("ppmobileseg_deploy.cluster.work._read", _fails)
        [failure] = run_batch(plan, model, in_this_process).failures
    assert "the network is down" in failure
    assert run_batch(plan, model, in_this_process).counts.errors == 2


def _fails(path):
    raise OSError("the network is down")


def _row_of(out, change):
    path = out / "part-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(change(table), path)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda out: (out / "part-00001.parquet").unlink(), "part-00001.parquet is missing"),
        (lambda out: (out / "part-00001.parquet").write_bytes(b"PAR1"), "cannot be read"),
        (lambda out: (out / "part-00009.parquet").write_bytes(b""), "no file of the plan"),
        (lambda out: (out / MANIFEST).unlink(), "is missing"),
        (
            lambda out: (out / MANIFEST).write_text('{"images": 1, "errors": 0}'),
            "as in the files, 11 images, 1 with an error; found 1 images, 0 with an error",
        ),
        (lambda out: _row_of(out, lambda t: t.slice(1)), "expected 4 rows, found 3"),
        (lambda out: _row_of(out, lambda t: pa.concat_tables([t, t[:1]])), "found 5"),
        (lambda out: _row_of(out, lambda t: t.take([0, 0, 2, 3])), "row 1: expected"),
        (
            lambda out: _row_of(
                out, lambda t: t.set_column(1, "height", pa.array([1] * 4, pa.int32()))
            ),
            "expected labels of 1x",
        ),
    ],
)
def test_verify_finds(pictures, tmp_path, model, damage, fault):
    out = tmp_path / "out"
    _batch(pictures, out, model, rows_per_file=4)
    damage(out)
    assert any(fault in each for each in verify_batch(str(out)).faults)


@pytest.mark.parametrize("file_format", ["parquet", "webdataset"])
def test_a_damaged_file_of_an_earlier_run_is_named(pictures, tmp_path, model, file_format):
    out = tmp_path / "out"
    _batch(pictures, out, model, rows_per_file=4, file_format=file_format)
    (damaged,) = out.glob("part-00001.*")
    damaged.write_bytes(damaged.read_bytes()[:100])
    (out / MANIFEST).unlink()
    report = _batch(pictures, out, model, resume=True)
    (failure,) = report.failures
    assert failure.startswith(f"{damaged.name} of an earlier run cannot be read: ")
    assert failure.endswith("; remove it, and --resume makes it anew")
    assert not (out / MANIFEST).exists()
    assert any(damaged.name in each for each in verify_batch(str(out)).faults)
    damaged.unlink()
    assert _batch(pictures, out, model, resume=True).failures == ()
    assert verify_batch(str(out)).faults == ()


def test_there_is_nothing_to_verify(tmp_path):
    with pytest.raises(UsageError, match="found no plan"):
        verify_batch(str(tmp_path))


def _dies(number):
    os.kill(os.getpid(), signal.SIGKILL)


def _dies_once(number):
    mark = Path(os.environ["DIED"])
    if number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return local._worker.make(number)


def test_a_worker_that_dies_is_replaced(pictures, tmp_path, model, monkeypatch):
    monkeypatch.setenv("DIED", str(tmp_path / "died"))
    monkeypatch.setattr(local, "_make", _dies_once)
    plan = plan_batch(str(pictures), str(tmp_path / "out"), model, rows_per_file=6)
    report = run_batch(plan, model, local.make_files, workers=2)
    assert (tmp_path / "died").exists()
    assert report.failures == ()
    assert verify_batch(str(tmp_path / "out")).faults == ()


def test_a_file_on_which_every_worker_dies_is_given_up(pictures, tmp_path, model, monkeypatch):
    monkeypatch.setattr(local, "_make", _dies)
    monkeypatch.setattr(local, "ATTEMPTS", 2)
    plan = plan_batch(str(pictures), str(tmp_path / "out"), model, rows_per_file=20)
    [failure] = run_batch(plan, model, local.make_files).failures
    assert "the worker died 2 times" in failure


def test_workers_end_with_a_driver_that_is_killed(pictures, tmp_path, model):
    code = (
        "import os, sys, time\n"
        "from ppmobileseg_deploy.cluster import local\n"
        "from ppmobileseg_deploy.cluster.batch import plan_batch\n"
        "if __name__ == '__main__':\n"
        "    model = open(sys.argv[3], 'rb').read()\n"
        "    plan = plan_batch(sys.argv[1], sys.argv[2], model, rows_per_file=1)\n"
        "    for done in local.make_files(plan, range(plan.files), model, 1, 1):\n"
        "        import multiprocessing\n"
        "        print(multiprocessing.active_children()[0].pid, flush=True)\n"
        "        time.sleep(60)\n"
    )
    script, copied = tmp_path / "driver.py", tmp_path / "m.onnx"
    script.write_text(code)
    copied.write_bytes(model)
    process = subprocess.Popen(
        [sys.executable, script, pictures, tmp_path / "out", copied], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        if "Z" in Path(f"/proc/{worker}/stat").read_text().split(")")[1][:3]:
            break
        time.sleep(0.05)
    assert time.monotonic() < deadline
