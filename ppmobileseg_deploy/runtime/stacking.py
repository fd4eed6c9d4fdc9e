"""Images of one size through the network together."""

from collections.abc import Iterable

from .pipeline import Pipeline, Prepared
from .postprocessing import SizeHW
from .result import SegmentationResult
from .sessions import Sessions


def segment_in_stacks(
    pipeline: Pipeline, sessions: Sessions, images: Iterable[Prepared], most: int
) -> list[SegmentationResult]:
    """Segment images, those alike together.

    Args:
        pipeline: What is done before and after the network.
        sessions: Run the network.
        images: Taken one by one, so that never more than a stack of each size waits.
        most: Most images in a stack, where the model takes more than one.

    Returns:
        Their results, in the same order.

    Raises:
        ModelError: The model fails.
    """
    if not sessions.dynamic.contract.stackable:
        most = 1
    results: dict[int, SegmentationResult] = {}
    waiting: dict[tuple[SizeHW, int | None], dict[int, Prepared]] = {}

    def run(padded_hw: SizeHW, stack: dict[int, Prepared]) -> None:
        # Sessions that are pinned to a size take one image at a time.
        session = sessions.for_size(padded_hw) if len(stack) == 1 else sessions.dynamic
        found = pipeline.segment(session, list(stack.values()))
        results.update(zip(stack, found, strict=True))

    for number, image in enumerate(images):
        alike = image.network.padded_hw, image.labels_per_cell
        stack = waiting.setdefault(alike, {})
        stack[number] = image
        if len(stack) == most:
            run(alike[0], waiting.pop(alike))
    for (padded_hw, _), stack in waiting.items():
        run(padded_hw, stack)
    return [result for _, result in sorted(results.items())]
