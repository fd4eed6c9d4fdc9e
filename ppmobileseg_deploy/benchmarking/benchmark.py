"""All measurements of ``ppms-bench``, one after the other."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..agreement.synthetic import drawn_picture, require_possible
from ..errors import UsageError
from ..runtime.images.files import read_image, write_image
from .candidates import Candidate, candidates
from .conditions import BusyWarning, Conditions, find_conditions
from .networks import NetworkRow, measure_networks, require_openvino
from .timing import Progress
from .whole import WholeRow, measure_whole

if TYPE_CHECKING:  # which imports PyTorch
    from .head import HeadRow

Report: TypeAlias = Callable[[int, int, str], object]
"""Takes how much is done, how much there is to do, and of what."""


@dataclass(frozen=True)
class Benchmark:
    """What ``ppms-bench`` shows.

    Attributes:
        conditions: The machine and the programs.
        picture: Name of the image, or what else it was.
        picture_hw: Its height and width.
        turns: How often each of the things compared had its turn.
        whole: From file to file, at least one row.
        networks: The network alone in several engines; empty where that was not asked for.
        heads: The upsampling alone; empty where that was not asked for.
    """

    conditions: Conditions
    picture: str
    picture_hw: tuple[int, int]
    turns: int
    whole: Sequence[WholeRow]
    networks: Sequence[NetworkRow] = ()
    heads: "Sequence[HeadRow]" = ()

    def speedup(self, row: WholeRow) -> float:
        """Return how many times as fast as the first row a row of ``whole`` is."""
        return self.whole[0].latency.total_ms.median / row.latency.total_ms.median

    def short_name(self, model: str) -> str:
        """Return a model's file name; its path where several files have this name."""
        name = Path(model).name
        paths = {row.model for row in self.whole if Path(row.model).name == name}
        return name if len(paths) == 1 else model

    def heads_by_kind(self) -> "list[list[HeadRow]]":
        """Return the rows of ``heads``, those of one grid and one number of threads together."""
        kinds: dict[object, list[HeadRow]] = {}
        for row in self.heads:
            key = row.stride, row.grid_hw, row.num_classes, row.threads
            kinds.setdefault(key, []).append(row)
        return list(kinds.values())


def measure(
    models: Sequence[Path],
    image: Path | None = None,
    *,
    size_hw: tuple[int, int] = (512, 512),
    threads: Sequence[int | None] = (None,),
    classes_present: Sequence[int] = (),
    openvino: Sequence[str] = (),
    turns: int = 20,
    on_progress: Report | None = None,
) -> Benchmark:
    """Measure models side by side, see `measure_whole`, `measure_networks` and `measure_head`.

    Args:
        models: ONNX files.
        image: Image file; None for a synthetic picture.
        size_hw: Height and width of the synthetic picture.
        threads: Numbers of threads to compare, None among them for as many as there are cores.
        classes_present: Also measure the upsampling alone, with so many classes in the picture.
            Needs the packages of the extra ``export``.
        openvino: Also measure the network alone, in ONNX Runtime and in OpenVINO, which computes
            in these: ``"fp32"``, ``"bf16"``.
        turns: How often each of the things compared has its turn, at least 1.
        on_progress: Called after each turn.

    Raises:
        DeviceError: OpenVINO does not compute in a precision on this processor.
        ImageError: The image cannot be read.
        ModelError: A model cannot be loaded, or fails.
        UsageError: Arguments that make no sense, or a package that is missing.

    Warns:
        BusyWarning: So much else runs on this machine that times mean little, or there are more
            threads than cores.
        MetadataWarning: A file carries no metadata.

    Examples:
        >>> found = measure([Path("end2end.onnx")], Path("street.jpg"), turns=3)
        >>> found.whole[0].latency.total_ms.samples
        3
    """
    if openvino:
        require_openvino(openvino)
    conditions = find_conditions()
    if conditions.busy:
        warnings.warn(
            f"this machine is busy (load {conditions.load:.1f} on {conditions.machine_cores} "
            "cores): do not trust the figures",
            BusyWarning,
            stacklevel=2,
        )
    runners = candidates(models, threads)
    most = max((count for count in threads if count is not None), default=0)
    if most > conditions.cores:
        warnings.warn(
            f"{most} threads on {conditions.cores} cores take turns: do not expect them to be "
            "faster",
            BusyWarning,
            stacklevel=2,
        )
    with tempfile.TemporaryDirectory() as folder:
        file = image
        if file is None:
            file = Path(folder) / "picture.jpg"
            write_image(file, drawn_picture(size_hw))
        picture_bgr = read_image(file)
        picture_hw = picture_bgr.shape[0], picture_bgr.shape[1]
        # One for all models whose heads are alike. Now, so that mistakes show at once.
        heads = dict.fromkeys(_Head.of(each, picture_hw) for each in runners if classes_present)
        for head in heads:
            require_possible(classes_present, head.grid_hw, head.num_classes)
        whole = measure_whole(runners, file, turns, on_progress=_named("images", on_progress))
    networks = []
    if openvino:
        networks = measure_networks(
            runners,
            picture_bgr,
            turns,
            precisions=openvino,
            on_progress=_named("networks", on_progress),
        )
    upsampling = _named("upsampling", on_progress)
    return Benchmark(
        conditions=conditions,
        picture="synthetic picture" if image is None else image.name,
        picture_hw=picture_hw,
        turns=turns,
        whole=whole,
        networks=networks,
        heads=[row for head in heads for row in head.measure(classes_present, turns, upsampling)],
    )


@dataclass(frozen=True)
class _Head:
    """What tells one model's upsampling from another's."""

    stride: int
    grid_hw: tuple[int, int]
    num_classes: int
    threads: int | None

    @classmethod
    def of(cls, runner: Candidate, picture_hw: tuple[int, int]) -> "_Head":
        metadata = runner.interface.metadata
        if metadata.stride < 1:
            raise UsageError(
                f"timing the upsampling alone expects models that tell their stride, "
                f"{runner.model} does not"
            )
        height, width = (-(-side // metadata.stride) for side in runner.network_hw(picture_hw))
        return cls(metadata.stride, (height, width), metadata.num_classes, runner.threads)

    def measure(
        self, classes_present: Sequence[int], turns: int, on_progress: Progress | None
    ) -> "list[HeadRow]":
        from .head import measure_head

        return measure_head(
            turns,
            self.stride,
            self.grid_hw,
            classes_present,
            num_classes=self.num_classes,
            threads=self.threads,
            on_progress=on_progress,
        )


def _named(what: str, on_progress: Report | None) -> Progress | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(done, total, what)
