"""Proof that the new end gives the labels of the old one, and what it saves."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ...agreement import LabelAgreement, clearly_wrong, smooth_logits
from ...errors import ExportError, ModelError, ParityError
from ...types import SizeHW
from .ends import NCHW, NHWC, End
from .head import LABELS, SCORES, SIZES
from .source import Source, opened
from .surgery import old_end, old_end_inputs

TIE: Final = 1e-5
"""Difference of two scores, as a share of the range of all, that rounding decides.

Or as a share of the largest one where that is more: what rounds are the scores themselves.
"""

TIE_FLOAT16: Final = 2e-3
"""The same where the network enlarges its scores in float16."""

MIN_EQUAL_LABELS: Final = 0.999
"""Least share of equal labels of the whole files."""

_TIMED_HW: Final = (512, 512)
_DYNAMIC_HW: Final = ((256, 320), (128, 192))
_ODD_HW: Final = (131, 197)
_MOST_PRESENT: Final = 15
_TURNS: Final = 5


@dataclass(frozen=True)
class Observed:
    """What a network computes for one input.

    Attributes:
        image: The input.
        input_hw: Its height and width.
        tensors: Inputs of its end, and its labels, by name.
        grid_hw: Height and width of the coarse scores.
        sizes_hw: What each enlargement makes of them.
        channels: Of the scores.
    """

    image: NDArray[Any]
    input_hw: SizeHW
    tensors: Mapping[str, NDArray[Any]]
    grid_hw: SizeHW
    sizes_hw: tuple[SizeHW, ...]
    channels: int


@dataclass(frozen=True)
class Proof:
    """Agreement and speed of the two ends.

    Attributes:
        equal_labels: Share of equal labels of the whole files over all inputs, in [0, 1].
        images: How many inputs there were.
        timed_hw: Height and width of the input that the times are of.
        classes_present: How many classes were to be seen in it.
        old_end_ms: Time of the network's own end on drawn scores of these classes.
        new_end_ms: Time of the new one.
        old_own_ms: Time of the network's own end on its own scores of a drawn picture.
        new_own_ms: Time of the new one.
        old_ms: Time of the whole network to class ids, on that picture.
        new_ms: Time of the grafted one.
    """

    equal_labels: float
    images: int
    timed_hw: SizeHW
    classes_present: int
    old_end_ms: float
    new_end_ms: float
    old_own_ms: float
    new_own_ms: float
    old_ms: float
    new_ms: float


def observe(source: Source, end: End) -> list[Observed]:
    """Run a network on images of several sizes, where it takes them.

    Raises:
        ExportError: It cannot be run.
    """
    fixed_hw = source.image.fixed_hw
    if fixed_hw is not None:
        return [observe_one(source, end, source.image.example(fixed_hw))]
    found = [observe_one(source, end, source.image.example(size_hw)) for size_hw in _DYNAMIC_HW]
    with suppress(ModelError):  # not every network takes any size
        found.append(observe_one(source, end, source.image.example(_ODD_HW)))
    return found


def observe_one(source: Source, end: End, image: NDArray[Any]) -> Observed:
    """Run a network on one image."""
    names = [*old_end_inputs(source, end), *(each.enlarged for each in end.resizes)]
    names = [name for name in dict.fromkeys(names) if name != source.image.name]
    arrays = dict(zip(names, source.run(names, image), strict=True))
    coarse = arrays[end.coarse]
    layout = end.resizes[0].layout
    if coarse.ndim != 4:
        raise ExportError(f"expected coarse scores of four axes, found {coarse.shape}")
    sizes = tuple(_hw(arrays[each.enlarged], each.layout) for each in end.resizes)
    for resize in end.resizes:
        del arrays[resize.enlarged]
    arrays = {**arrays, source.image.name: image}
    input_hw = _hw(image, NHWC if source.image.is_nhwc else NCHW)
    channels = coarse.shape[layout[1]]
    return Observed(image, input_hw, arrays, _hw(coarse, layout), sizes, channels)


def prove(
    source: Source, end: End, head: ModelProto, model: ModelProto, observed: list[Observed]
) -> Proof:
    """Compare the ends on the same scores, and the files on the same images.

    Of the ends a label may differ only where two scores are equal but for rounding; of the files,
    whose operators ONNX Runtime may combine in different ways, one in a thousand.

    Args:
        source: The network.
        end: Its end.
        head: The new end.
        model: The network with it.
        observed: What the network computes for some images.

    Raises:
        ParityError: They differ by more.
        ExportError: ONNX Runtime cannot run one of them.
    """
    ends = _Ends(source, end, head, observed[0])
    for number, each in enumerate(observed):
        ends.compare(each, each.tensors[end.coarse])
        ends.compare(each, ends.drawn(each, number))
    first, second = opened(source.model, source.path.name), opened(model, "the grafted file")
    output = source.output
    agreement = LabelAgreement()
    for each in observed:
        feeds = {source.image.name: each.image}
        expected, found = (
            np.asarray(session.run([output], feeds)[0]) for session in (first, second)
        )
        if expected.shape != found.shape or expected.dtype != found.dtype:
            raise ParityError(
                f"expected {expected.dtype} of {expected.shape} from the grafted file, found "
                f"{found.dtype} of {found.shape}"
            )
        agreement.update(expected, found)
    if not agreement.equal >= MIN_EQUAL_LABELS:
        raise ParityError(
            f"expected at least {MIN_EQUAL_LABELS:.1%} of the labels unchanged by the graft, "
            f"found {agreement.equal:.3%}"
        )
    timed_hw = source.image.fixed_hw or _TIMED_HW
    timed = observe_one(source, end, source.image.picture(timed_hw))
    feeds = {source.image.name: timed.image}
    old_ms, new_ms = _timed(
        [lambda: first.run([output], feeds), lambda: second.run([output], feeds)], turns=2
    )
    old_drawn_ms, new_drawn_ms = ends.timed(timed, ends.drawn(timed, 0))
    old_own_ms, new_own_ms = ends.timed(timed, timed.tensors[end.coarse])
    return Proof(
        equal_labels=agreement.equal,
        images=agreement.images,
        timed_hw=timed_hw,
        classes_present=min(_MOST_PRESENT, timed.channels),
        old_end_ms=old_drawn_ms,
        new_end_ms=new_drawn_ms,
        old_own_ms=old_own_ms,
        new_own_ms=new_own_ms,
        old_ms=old_ms,
        new_ms=new_ms,
    )


class _Ends:
    """Both ends, to be run on the same scores."""

    def __init__(self, source: Source, end: End, head: ModelProto, like: Observed) -> None:
        self._end = end
        takes = old_end_inputs(source, end)
        self._takes = takes
        self._old = opened(
            old_end(source, end, {name: like.tensors[name].dtype for name in takes}),
            "the file's own end",
        )
        self._new = opened(head, "the new end")
        self._dynamic = {each.name for each in self._new.inference.get_inputs()} - {SCORES}

    def drawn(self, like: Observed, seed: int) -> NDArray[Any]:
        """Draw coarse scores of several classes, as a network may give them."""
        coarse = like.tensors[self._end.coarse]
        layout = self._end.resizes[0].layout
        present = min(_MOST_PRESENT, like.channels, like.grid_hw[0] * like.grid_hw[1])
        planes = smooth_logits(present, like.grid_hw, like.channels, seed)
        if self._end.threshold is not None:  # on either side of it
            planes = (planes - np.median(planes)) + self._end.threshold
        planes = np.broadcast_to(planes, (coarse.shape[layout[0]], *planes.shape[1:]))
        order = [layout.index(axis) for axis in range(4)]
        return np.ascontiguousarray(planes.transpose(order).astype(coarse.dtype))

    def old_labels(self, like: Observed, scores: NDArray[Any]) -> Any:
        return self._old.run([self._end.labels], self._old_feeds(like, scores))

    def new_labels(self, like: Observed, scores: NDArray[Any]) -> NDArray[Any]:
        planes = scores.astype(np.float32).transpose(self._end.resizes[0].layout)
        feeds: dict[str, NDArray[Any]] = {SCORES: np.ascontiguousarray(planes)}
        for number, size_hw in enumerate(like.sizes_hw):
            if SIZES.format(number) in self._dynamic:
                feeds[SIZES.format(number)] = np.array(size_hw)
        return self._new.run([LABELS], feeds)[0]

    def timed(self, like: Observed, scores: NDArray[Any]) -> tuple[float, ...]:
        """Return the times of the old end and of the new one, in milliseconds."""
        return _timed(
            [lambda: self.old_labels(like, scores), lambda: self.new_labels(like, scores)]
        )

    def compare(self, like: Observed, scores: NDArray[Any]) -> None:
        """Raise `ParityError` where a label is not that of the largest score."""
        (full,) = self._old.run([self._end.full], self._old_feeds(like, scores))
        planes = full.transpose(self._end.resizes[-1].layout).astype(np.float32)
        found = self.new_labels(like, scores)
        if found.shape[2:] != planes.shape[2:]:
            raise ParityError(
                f"expected labels of {planes.shape[2:]} from the new end, found {found.shape[2:]}"
            )
        if self._end.threshold is not None:
            background = np.full_like(planes, self._end.threshold)
            planes = np.concatenate([background, planes], 1)
        best = planes.max(1, keepdims=True)
        scale = max(float(np.ptp(planes)), float(np.abs(planes).max()))
        tie = TIE_FLOAT16 if full.dtype == np.float16 else TIE
        margin = max(scale * tie, float(np.finfo(full.dtype).tiny))
        wrong = clearly_wrong(found, planes, best, margin)
        if not wrong == 0:
            raise ParityError(
                f"expected the labels of the file's own end, found {wrong:.3%} others at "
                f"{planes.shape[2]}x{planes.shape[3]} pixels"
            )

    def _old_feeds(self, like: Observed, scores: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {name: like.tensors[name] for name in self._takes} | {self._end.coarse: scores}


def _hw(array: NDArray[Any], layout: tuple[int, ...]) -> SizeHW:
    return array.shape[layout[2]], array.shape[layout[3]]


def _timed(works: Sequence[Callable[[], object]], turns: int = _TURNS) -> tuple[float, ...]:
    """Return the shortest time of each, in milliseconds, taken in turns."""
    times: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    for _ in range(turns):
        for work, taken in zip(works, times, strict=True):
            start = perf_counter()
            work()
            taken.append(perf_counter() - start)
    return tuple(min(taken) * 1e3 for taken in times)
