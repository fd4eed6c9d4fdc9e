"""What ``ppms-eval`` prints and writes."""

import math
import platform
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..evaluation import Evaluation, ModelScore
from ..quoting import printable
from ..version import VERSION
from .console import plural

_NOTED_SHARE: Final = 0.01
_ONLY_FOUND: Final = (
    "mIoU counts a class that is only found as 0, as mmsegmentation does: best compare models on "
    "the same classes"
)


def print_report(evaluation: Evaluation, console: Console) -> None:
    """Print the means, the agreement between models, and a line for every class."""
    only_found = sum(_only_found(evaluation, each) for each in range(len(evaluation.names)))
    counted = sum(_defined(evaluation, each) for each in range(len(evaluation.names)))
    more = f", {only_found} more only found" if only_found else ""
    console.print(
        f"{plural(evaluation.images, 'image')}; {counted - only_found} of "
        f"{len(evaluation.names)} classes in the labels{more}; all figures but ms in percent"
    )
    if only_found:
        console.print(_ONLY_FOUND, style="dim")
    if evaluation.ignored_share > _NOTED_SHARE:
        console.print(
            f"{_percent(evaluation.ignored_share)} % of the pixels do not count: their labels are "
            f"{evaluation.coding.uncounted}",
            style="dim",
        )
    if evaluation.beyond_share:
        console.print(
            f"{_percent(evaluation.beyond_share)} % of the pixels have labels that are no class "
            "of the model: they count against what is found there",
            style="dim",
        )
    tables = [_models(evaluation), _classes(evaluation)]
    if len(evaluation.scores) > 1:
        tables.insert(1, _agreement(evaluation))
    for table in tables:
        console.print()
        console.print(table)


def _models(evaluation: Evaluation) -> Table:
    """One line a model; with several, they get numbers that the other tables refer to."""
    several = len(evaluation.scores) > 1
    table = _new_table()
    if several:
        table.add_column("")
    table.add_column("model", overflow="fold")
    for column in ("mIoU", "mean acc", "pixel acc", "ms"):
        table.add_column(column, justify="right", no_wrap=True)
    for number, (name, score) in enumerate(evaluation.scores.items(), start=1):
        confusion = score.confusion
        table.add_row(
            *((str(number),) if several else ()),
            Text(printable(_short_name(evaluation, name))),
            _percent(confusion.miou),
            _percent(confusion.mean_accuracy),
            _percent(confusion.pixel_accuracy),
            f"{score.latency_ms:.1f}",
        )
    return table


def _agreement(evaluation: Evaluation) -> Table:
    table = _new_table()
    numbers = range(1, len(evaluation.scores) + 1)
    table.add_column("equal labels")
    for number in numbers:
        table.add_column(str(number), justify="right")
    for number, shares in zip(numbers, evaluation.agreement, strict=True):
        table.add_row(str(number), *(_percent(share, digits=3) for share in shares))
    return table


def _classes(evaluation: Evaluation) -> Table:
    """IoU and accuracy of one model, or the IoU of several."""
    scores = [score.confusion for score in evaluation.scores.values()]
    several = len(scores) > 1
    table = _new_table()
    table.add_column("IoU of class" if several else "class")
    table.add_column("share", justify="right")
    columns = [str(number) for number in range(1, len(scores) + 1)] if several else ["IoU", "acc"]
    for column in columns:
        table.add_column(column, justify="right")
    for class_id, name in enumerate(evaluation.names):
        if not _defined(evaluation, class_id):
            continue
        figures = (
            [confusion.iou for confusion in scores]
            if several
            else [scores[0].iou, scores[0].class_accuracy]
        )
        cells = (_percent(figure[class_id]) for figure in figures)
        shown = Text(printable(name))
        if _only_found(evaluation, class_id):
            shown.append(" (only found)", style="dim")
        table.add_row(shown, _percent(scores[0].class_share[class_id]), *cells)
    return table


def _short_name(evaluation: Evaluation, model: str) -> str:
    """A model's file name; its path where several files have this name."""
    name = Path(model).name
    return name if sum(Path(each).name == name for each in evaluation.scores) == 1 else model


def _new_table() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold")


def _defined(evaluation: Evaluation, class_id: int) -> bool:
    return any(
        not math.isnan(score.confusion.iou[class_id]) for score in evaluation.scores.values()
    )


def _only_found(evaluation: Evaluation, class_id: int) -> bool:
    """Whether some model finds a class that no label names."""
    return any(score.confusion.only_found[class_id] for score in evaluation.scores.values())


def _percent(share: float, digits: int = 2) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.{digits}f}"


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return all figures as plain data; a figure that is not defined is None."""
    return {
        "images": evaluation.images,
        "pixels": evaluation.pixels,
        "ignored_share": evaluation.ignored_share,
        "beyond_share": evaluation.beyond_share,
        "names": list(evaluation.names),
        "models": {name: _figures(score) for name, score in evaluation.scores.items()},
        "agreement": evaluation.agreement.tolist(),
        "versions": {
            "ppmobileseg_deploy": VERSION,
            "onnxruntime": ort.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def _figures(score: ModelScore) -> dict[str, Any]:
    confusion = score.confusion
    return {
        "miou": _number(confusion.miou),
        "mean_accuracy": _number(confusion.mean_accuracy),
        "pixel_accuracy": _number(confusion.pixel_accuracy),
        "latency_ms": score.latency_ms,
        "iou": [_number(value) for value in confusion.iou],
        "class_accuracy": [_number(value) for value in confusion.class_accuracy],
        "class_share": [_number(value) for value in confusion.class_share],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
