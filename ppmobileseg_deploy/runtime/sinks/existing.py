"""What to do with results that exist already."""

from collections.abc import Sequence

from .planning import PlannedSource


def settle_existing(
    plans: Sequence[PlannedSource], *, overwrite: bool = False, resume: bool = False
) -> list[PlannedSource]:
    """Decide, before any work, about results that exist.

    Also removes the temporary files that runs which were killed left in the folders of the
    results.

    Args:
        plans: What is to be written, from `plan_outputs`.
        overwrite: Replace what exists.
        resume: Leave out what is complete and do only what is missing.

    Returns:
        The plans with what is left to do; with ``resume``, sources that have all their results
        are not among them.

    Raises:
        UsageError: There are existing results and neither option was given, both options were
            given, or a result would replace a source of the run or something that is no result.
    """
    raise NotImplementedError
