"""A network that computes one tile after the other into the same memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .image_input import size_hw_of
from .session import Session

TileRun = Callable[[NDArray[Any]], NDArray[np.float32]]
"""From the network's input, of one image, to (classes, height, width) logits. They may be written
to, and are valid until the next call."""


def tile_run(session: Session) -> TileRun:
    """Give a function that runs a session for tiles of equal size.

    All tiles of one size are written into one array: with 150 classes and tiles of 512x512 it has
    157 MB, which take longer to get from the system than to fill.

    Args:
        session: A model that gives logits, its shapes not pinned: the memory plan of a pinned
            one takes as much again.

    Returns:
        A function for one thread. It raises `ModelError` if the model fails.

    Raises:
        UsageError: The model gives labels only, which cannot be blended.
    """
    if session.output != "logits":
        raise UsageError(
            f"expected a model that gives logits, which tiles are blended by, found one that "
            f"gives labels only ({session.source}): export it with `ppms-export CHECKPOINT "
            f"--logits`"
        )
    scores = session.contract.scores
    values = np.empty((0, 0, 0, 0), np.float32)
    planes = values

    def run(tensor: NDArray[Any]) -> NDArray[np.float32]:
        nonlocal values, planes
        shape = session.output_shape(1, size_hw_of(tensor.shape, session.contract.takes_bytes))
        if values.shape != shape:
            values = np.empty(shape, np.float32)
            planes = values[0]
        session.call.into({session.input_name: tensor}, values)
        completed = session.checked(scores.complete(values))
        return planes if completed is values else completed[0]

    return run
