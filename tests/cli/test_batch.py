"""``ppms batch``, from a folder to tables, and what is said when it cannot be done."""

from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the extra cluster is not installed: NOT RUN")

import pyarrow.dataset as ds

MODEL = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"


@pytest.fixture
def batch(desk, in_process):
    """Run the command with arguments, in this process."""
    from ppmobileseg_deploy.cli.ppms import main

    return lambda *arguments: in_process("ppms", main)("batch", *arguments)


def test_a_folder_becomes_a_table(batch, picture):
    for number in range(3):
        picture(f"in/{number}.png")
    Path("in/bad.jpg").write_bytes(b"")
    done = batch("in", "out", "-m", MODEL, "--rows-per-file", "2", "--workers", "1")
    assert done.code == 0
    assert "4 images in " in done.stdout
    assert "; 1 with an error; wrote 2 files in out\n" in done.stdout
    assert ds.dataset("out", format="parquet").to_table().num_rows == 4
    assert batch("verify", "out").stdout == "4 images, each with one row; 1 with an error\n"
    again = batch("in", "out", "-m", MODEL)
    assert (again.code, again.stderr) == (
        2,
        "error: there is a batch in out: --resume goes on with it\n",
    )
    Path("out/part-00001.parquet").unlink()
    broken = batch("verify", "out")
    assert (broken.code, broken.stderr.splitlines()[0]) == (
        1,
        "error: part-00001.parquet is missing",
    )
    resumed = batch("in", "out", "-m", MODEL, "--resume")
    assert "note: 1 of 2 files done before" in resumed.stderr
    assert batch("verify", "out").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing", "out"), "no such file or folder: missing"),
        (("in", "out", "--engine", "dask"), "expected an engine of local, ray, found 'dask'"),
        (("in", "out", "--format", "csv"), "expected a format of parquet, webdataset, found csv"),
        (("in", "out", "--workers", "0"), "workers, found 0"),
        (("in", "out", "--rows-per-file", "0"), "expected at least 1 row in a file, found 0"),
        (("verify", "out"), "found no plan"),
        (("https://host/a.jpg", "out"), "ppms infer fetches images from the web"),
    ],
)
def test_wrong_use(batch, picture, arguments, message):
    picture("in/a.png")
    done = batch(*arguments, "-m", MODEL)
    assert done.code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path("out").exists()
