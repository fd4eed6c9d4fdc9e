"""``ppms batch``: millions of images, on this machine or a cluster."""

from typing import Annotated, Final

import typer

from ..errors import UsageError
from ..quoting import brief
from ..runtime.images.headers import MAX_PIXELS
from .command import Command
from .console import Version, new_app, plural, print_error, print_note, stdout
from .extras import require_cluster_extra
from .infer_options import MaxPixels, Model
from .progress import progress

VERIFY: Final = "verify"

_ENGINES: Final = ("local", "ray")
_SHOWN: Final = 20

app = new_app()


@app.command("batch", cls=Command)
def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder with those in it, a pattern in quotes, a text file with one path a "
            "line, or a Parquet file with a column bytes or path; here or on another file system "
            "such as s3://bucket/folder. Or the word verify.",
            show_default=False,
        ),
    ],
    dest: Annotated[
        str,
        typer.Argument(metavar="DEST", help="Folder of the results.", show_default=False),
    ],
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="local: processes of this machine. ray: the cluster of $RAY_ADDRESS, or a Ray on "
            "this machine.",
        ),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Files of results that are made at a time. Without it: one for each core; of Ray "
            "as many as the cluster has room for.",
        ),
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="CPU threads of each worker.")] = 1,
    rows_per_file: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Images in each file of results. Without it: 2000, or fewer, so that all workers "
            "have something to do.",
        ),
    ] = None,
    format: Annotated[  # noqa: A002  the option's name
        str | None,
        typer.Option(
            metavar="NAME",
            help="parquet, or webdataset for tars. Without it: parquet.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an earlier run: make what is missing.")
    ] = False,
    model: Model = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    _version: Version = False,
) -> int:
    """Segment any number of images into tables of label maps.

    DEST gets files of 2000 rows: path, height, width, labels_png, areas, model_sha256, error. A
    bad image is a row with an error. A file appears whole or not at all, and --resume makes those
    that are missing, with the same images as before.

    ppms batch verify DEST reads all results and checks that every image has exactly one row.
    """
    require_cluster_extra("ppms batch", ray=engine == "ray")
    if source == VERIFY:
        return _verify(dest)
    if engine not in _ENGINES:
        raise UsageError(f"expected an engine of {', '.join(_ENGINES)}, found {brief(engine)}")
    return _run(
        source,
        dest,
        engine,
        workers,
        threads,
        rows_per_file,
        format,
        model,
        max_pixels,
        resume=resume,
    )


def _run(
    source: str,
    dest: str,
    engine: str,
    workers: int | None,
    threads: int,
    rows_per_file: int | None,
    file_format: str | None,
    model: str | None,
    max_pixels: int,
    *,
    resume: bool,
) -> int:
    from ..cluster import local, on_ray
    from ..cluster.batch import plan_batch, run_batch
    from ..runtime.inference.find_model import find_model
    from ..runtime.inference.threads import usable_cores
    from ..runtime.inference.workers import share_cores

    share_cores(None, workers=workers, threads=threads)  # which refuses what makes no sense
    content = find_model(model).read_bytes()
    if engine == "ray":
        on_ray.check_address()  # before there is a plan
    plan = plan_batch(
        source,
        dest,
        content,
        resume=resume,
        workers=workers or usable_cores(),
        rows_per_file=rows_per_file,
        file_format=file_format,
        max_pixels=max_pixels,
    )
    ours = engine == "local"
    usual = max(1, usable_cores() // threads) if ours else on_ray.AT_A_TIME
    with progress() as show:

        def tell(done: int, total: int, rate: float) -> None:
            if show is not None:
                show(done, total, f"{rate:.1f} images/s")

        report = run_batch(
            plan,
            content,
            local.make_files if ours else on_ray.make_files,
            workers=workers or usual,
            threads=threads,
            progress=tell,
        )
    if report.earlier:
        print_note(f"{report.earlier} of {plural(plan.files, 'file')} done before")
    for failure in report.failures[:_SHOWN]:
        print_error(failure)
    if len(report.failures) > _SHOWN:
        print_error(f"and {len(report.failures) - _SHOWN} more like these")
    rate = report.counts.rows / report.seconds if report.seconds else 0.0
    stdout.print(
        f"{plural(report.counts.rows, 'image')} in {report.seconds:.1f} s, {rate:.1f} a second; "
        f"{report.counts.errors} with an error; wrote {plural(report.made, 'file')} in {dest}",
        markup=False,
        soft_wrap=True,
    )
    if report.failures:
        print_note("--resume makes the files that are missing")
    return 1 if report.failures else 0


def _verify(dest: str) -> int:
    from ..cluster.verifying import verify_batch

    found = verify_batch(dest)
    for fault in found.faults[:_SHOWN]:
        print_error(fault)
    if len(found.faults) > _SHOWN:
        print_error(f"and {len(found.faults) - _SHOWN} more like these")
    if found.faults:
        return 1
    stdout.print(
        f"{plural(found.images, 'image')}, each with one row; {found.counts.errors} with an error"
    )
    return 0
