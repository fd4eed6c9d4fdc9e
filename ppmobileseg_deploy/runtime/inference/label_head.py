"""Label head: labels and confidence at any size from coarse logits, exactly, in bounded memory.

The heads are small ONNX files of this package, which `exporters.label_head` makes. They run in
sessions of their own on the CPU, beside the network's. So the whole network can run on another
device, images of different sizes can share one run of it, large images are labelled in bands, and
tiles are blended without logits of the image's size.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError
from ...types import Labels, Logits, label_type
from .dense_labels import are_single, dense_best, dense_labels, is_dense
from .execution import Execution
from .ort_session import LazySession, SessionFactory, first_line
from .sampling import Sampling
from .scores import LOGITS, MOST, Scores

_FOLDER: Final = Path(__file__).with_name("heads")
MIN_CLASSES: Final = 17
"""`model.cell.MIN_CLASSES`: what the heads rank at least."""

_UINT8_CLASSES: Final = 256
_NOWHERE: Final = np.float32(100 * -MOST)
_MOST_VALUES: Final = 320 << 20
"""Logits, as many as pixels times classes, up to which an image is labelled in one piece: 1.3 GB
if every class were in question at every pixel. A 1080p image of 150 classes is one piece."""

_BAND_VALUES: Final = 150 << 20
"""Logits of one band of a larger image: a million pixels, for 150 classes."""

_CACHED_VALUES: Final = 1 << 20
"""Logits of the rows whose confidence is computed at once, so that they stay in the cache."""


class LabelHead:
    """Computes labels and confidence from coarse logits. May be used by several threads.

    Args:
        num_classes: How many classes the logits are of.
        scores: What the logits mean; they may also be probabilities.
        threads: Threads within an operator; None for as many as this process may use.
    """

    def __init__(
        self, num_classes: int, scores: Scores = LOGITS, threads: int | None = None
    ) -> None:
        self._num_classes = num_classes
        self._scores = scores
        self._threads = threads
        self._sessions: dict[str, LazySession] = {}

    def with_threads(self, threads: int) -> "LabelHead":
        """Return a head that does the same on so many threads."""
        return LabelHead(self._num_classes, self._scores, threads)

    def labels(self, logits: Logits, rows: Sampling, columns: Sampling) -> Labels:
        """Interpolate along both axes and take the best class; of equal ones the lowest.

        Args:
            logits: (classes, h, w) float32, as `scores.finite` leaves them.
            rows: From grid rows to the rows of the label map.
            columns: From grid columns to its columns.

        Returns:
            (height, width) class ids: uint8, or uint16 above 256 classes.

        Raises:
            ModelError: ONNX Runtime fails.
        """
        height, width = len(rows.points), len(columns.points)
        kind = label_type(self._num_classes)
        if is_dense(rows, columns):
            return dense_labels(logits, rows, columns, kind)
        missing = MIN_CLASSES - len(logits)
        if missing > 0:
            logits = np.pad(logits, ((0, missing), (0, 0), (0, 0)), constant_values=_NOWHERE)
        band = _rows_at_once(height, width * len(logits))
        if band == height:
            return self._label_band(logits, rows, columns).astype(kind, copy=False)
        labels: Labels = np.empty((height, width), kind)
        for first in range(0, height, band):
            part, points = rows.part(first, first + band)
            labels[first : first + band] = self._label_band(logits[:, points], part, columns)
        return labels

    def confidence(
        self, logits: Logits, rows: Sampling, columns: Sampling, labels: Labels
    ) -> Logits:
        """Return the probability of each pixel's class.

        Of logits it is the softmax over all classes.

        Args:
            logits: As for `labels`.
            rows: As for `labels`.
            columns: As for `labels`.
            labels: (height, width) the result of `labels` for the same arguments.

        Returns:
            (height, width) float32 in [0, 1].

        Raises:
            ModelError: ONNX Runtime fails.
        """
        background = np.float32(self._scores.background)
        if self._scores.are_probabilities(logits):
            best = self._interpolated("maximum", logits, rows, columns)
            np.subtract(best, background, out=best, where=(labels == 0) & bool(background))
            return np.clip(best, 0, 1, out=best)
        if not background:
            return self._interpolated("confidence", logits, rows, columns)
        # One-class head: without the shift of the threshold, the larger logit is more probable.
        logits = logits.copy()
        logits[0] -= background
        more_probable = self.labels(logits, rows, columns)
        confidence = self._interpolated("confidence", logits, rows, columns)
        return np.where(labels == more_probable, confidence, 1 - confidence)

    def _interpolated(
        self, head: str, logits: Logits, rows: Sampling, columns: Sampling
    ) -> Logits:
        if are_single(rows, columns):
            return dense_best(logits, rows, columns, softmax=head == "confidence")
        height, width = len(rows.points), len(columns.points)
        confidence = np.empty((height, width), np.float32)
        down, across = rows.cells, columns.cells
        feeds: dict[str, NDArray[Any]] = {
            "logits": np.ascontiguousarray(logits.transpose(1, 2, 0)),
            "column_corners": across.corners,
            "column_weights": across.weights,
        }
        at_once = max(1, _CACHED_VALUES // (width * len(logits)))
        for cell, corners in enumerate(down.corners):
            begin, end = np.searchsorted(down.cell, (cell, cell + 1))
            for first in range(begin, end, at_once):
                last = min(first + at_once, end)
                some = down.weights[cell, first - begin : last - begin]
                tiles = _run(
                    self._session(head), {**feeds, "row_corners": corners, "row_weights": some}
                )
                lines = tiles.reshape(len(some), -1)
                place = across.cell * across.weights.shape[1] + across.pixel
                confidence[first:last] = np.take(lines, place, axis=1)
        return confidence

    def _label_band(self, logits: Logits, rows: Sampling, columns: Sampling) -> NDArray[Any]:
        feeds: dict[str, NDArray[Any]] = {"logits": np.ascontiguousarray(logits[None])}
        for axis, sampling in (("row", rows), ("column", columns)):
            feeds |= {f"{axis}_{name}": each for name, each in sampling.cells.arrays.items()}
        head = "labels_uint8" if self._num_classes <= _UINT8_CLASSES else "labels_int32"
        labels: NDArray[Any] = _run(self._session(head), feeds)[0, 0]
        return labels

    def _session(self, head: str) -> LazySession:
        session = self._sessions.get(head)
        if session is None:
            content = (_FOLDER / f"{head}.onnx").read_bytes()
            session = LazySession(
                SessionFactory(content, head, None, Execution(threads=self._threads))
            )
            # Two threads may both create one; either can be kept.
            self._sessions[head] = session
        return session


def _run(session: LazySession, feeds: dict[str, NDArray[Any]]) -> NDArray[Any]:
    try:
        (found,) = session.inference.run(None, feeds)
    except Exception as error:  # the errors' classes differ between releases
        raise ModelError(f"the label head failed: {first_line(error)}") from error
    array: NDArray[Any] = found
    return array


def _rows_at_once(height: int, values_per_row: int) -> int:
    """Return the number of rows in a band."""
    if height * values_per_row <= _MOST_VALUES:
        return height
    return max(1, _BAND_VALUES // values_per_row)
