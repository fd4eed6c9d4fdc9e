"""What ``ppms-infer`` says when it is done: classes, speed, files."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..metadata import RGB
from ..quoting import printable
from .console import plural

if TYPE_CHECKING:
    from ..runtime.results.segmentation import Segmentation

_CLASSES_SHOWN: Final = 8
_LINES_SHOWN: Final = 4
_STAGES: Final = ("preprocess", "inference", "postprocess")


class Summary:
    """Adds up the results of a run without keeping their images."""

    def __init__(self) -> None:
        self._pixels: Counter[int] = Counter()
        self._names: tuple[str, ...] = ()
        self._palette_rgb: tuple[RGB, ...] = ()
        self._latency_ms: dict[str, list[float]] = {stage: [] for stage in _STAGES}
        self._images = self._frames = 0

    def add(self, result: "Segmentation", *, moving: bool) -> None:
        """Add one picture.

        Args:
            result: Its result; all results of a run come from one model.
            moving: Whether it is a frame of a video or a camera.
        """
        from ..runtime.drawing.selection import (
            Selection,  # here, so that --help need not load NumPy
        )

        self._pixels.update(dict(Selection(result.labels).present()))
        self._names, self._palette_rgb = result.names, result.palette_rgb
        for stage in _STAGES:
            self._latency_ms[stage].append(result.speed[stage])
        self._frames += moving
        self._images += not moving

    def print(self, console: Console, files: Sequence[Path], seconds: float) -> None:
        """Print the largest classes, the speed, and where the results are; nothing of nothing.

        Args:
            console: Where to print.
            files: What was written.
            seconds: How long the run took, from the first reading to the last writing.
        """
        if not self._images + self._frames:
            return
        console.print(self._class_table(colored=console.is_terminal))
        console.print()
        for line in (self._speed(seconds), *_places(files)):
            console.print(line, markup=False, soft_wrap=True)

    def _class_table(self, *, colored: bool) -> Table:
        total = self._pixels.total()
        largest = self._pixels.most_common(_CLASSES_SHOWN)
        rest = total - sum(pixels for _, pixels in largest)
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("class")
        table.add_column("pixels", justify="right", no_wrap=True)
        for class_id, pixels in largest:
            name = Text(printable(self._names[class_id]))
            if colored:
                red, green, blue = self._palette_rgb[class_id]
                name = Text.assemble(("██ ", f"rgb({red},{green},{blue})"), name)
            table.add_row(name, f"{pixels / total:.1%}")
        if rest:
            indent = "   " if colored else ""
            others = len(self._pixels) - len(largest)
            table.add_row(f"{indent}{others} more", f"{rest / total:.1%}", style="dim")
        return table

    def _speed(self, seconds: float) -> str:
        stages = ", ".join(
            f"{stage} {median(self._latency_ms[stage]):.1f} ms" for stage in _STAGES
        )
        total = self._images + self._frames
        if total == 1:
            return f"{plural(1, 'frame' if self._frames else 'image')}: {stages}"
        counts = [(self._images, "image"), (self._frames, "frame")]
        things = [plural(count, thing) for count, thing in counts if count]
        rate = f"{total / seconds:.1f} {'frames' if self._frames else 'images'}/s"
        return f"{' and '.join(things)}, {rate} with files; median: {stages}"


def _places(files: Sequence[Path]) -> Iterator[str]:
    if len(files) <= _LINES_SHOWN:
        yield from (f"wrote {printable(str(path))}" for path in files)
        return
    folders = Counter(path.parent for path in files).most_common()
    for folder, count in folders[:_LINES_SHOWN]:
        yield f"wrote {plural(count, 'file')} in {printable(str(folder))}"
    if len(folders) > _LINES_SHOWN:
        count = sum(count for _, count in folders[_LINES_SHOWN:])
        more = plural(len(folders) - _LINES_SHOWN, "more folder")
        yield f"wrote {plural(count, 'file')} in {more}"
