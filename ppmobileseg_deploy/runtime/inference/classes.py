"""Names, colours and threshold of the classes that the user gives, in place of the file's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...class_names import BACKGROUND, choose_palette
from ...errors import UsageError
from ...metadata import MAX_CLASSES, RGB, ModelMetadata, checked_threshold
from ...palettes import distinct_palette
from ...quoting import brief


@dataclass(frozen=True)
class Classes:
    """Names, colours and threshold of the classes, in place of those in the model file.

    Attributes:
        names: Name of each class id; None for those of the file. For a head of one class there may
            be one name, before which the background's is put.
        palette_rgb: Colour of each class id, or of the classes of these names; None for those of
            the file.
        threshold: Of a head of one class, the probability above which a pixel is of it; None for
            that of the file, or else `DEFAULT_THRESHOLD`.

    Raises:
        UsageError: The names or the colours have another type, or the threshold is not between 0
            and 1.
    """

    names: Sequence[str] | None = None
    palette_rgb: Sequence[RGB] | Mapping[str, RGB] | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None:
            checked_threshold(self.threshold)
        if self.names is not None:
            _check_names(self.names)
        if self.palette_rgb is not None:
            _check_palette(self.palette_rgb)

    def applied(self, metadata: ModelMetadata, *, count_known: bool) -> ModelMetadata:
        """Return metadata with these names, colours and threshold.

        Args:
            metadata: The file's, or the defaults.
            count_known: Whether the number of classes is the file's, and not assumed.

        Raises:
            UsageError: The number of classes differs, a colour is not one, or there is a
                threshold and the model has several classes.
        """
        if self.threshold is not None:
            if metadata.threshold is None:
                raise UsageError(
                    "expected a head of one class with a threshold, found one of "
                    f"{metadata.num_classes}, of which the most probable one wins"
                )
            metadata = replace(metadata, threshold=float(self.threshold))
        if self.names is not None:
            names = tuple(self.names)
            if len(names) == 1 and metadata.threshold is not None:
                names = (BACKGROUND, *names)
            if len(names) != metadata.num_classes:
                if count_known:
                    raise UsageError(
                        f"expected {metadata.num_classes} class names, found {len(names)}"
                    )
                metadata = replace(metadata, palette_rgb=distinct_palette(len(names)))
            metadata = replace(metadata, class_names=names)
        wanted = self.palette_rgb
        if wanted is not None:
            if metadata.threshold is not None and isinstance(wanted, Sequence):
                # One colour goes with one name: the background's colour is put before it.
                wanted = [*metadata.palette_rgb[:1], *wanted] if len(wanted) == 1 else wanted
            palette = choose_palette(metadata.class_names, metadata.palette_rgb, wanted)
            metadata = replace(metadata, palette_rgb=palette)
        return metadata


def _check_names(names: object) -> None:
    # A Sequence: a generator would be used up by this check, and an array has no truth value.
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise UsageError(f"expected a list of at least one class name, found {brief(names)}")
    if len(names) > MAX_CLASSES:
        raise UsageError(f"expected at most {MAX_CLASSES} class names, found {len(names)}")
    for class_id, name in enumerate(names):
        if not isinstance(name, str):
            raise UsageError(
                f"expected class names of text, found {brief(name)} as number {class_id}"
            )


def _check_palette(palette_rgb: object) -> None:
    if isinstance(palette_rgb, Mapping):
        for name in palette_rgb:
            if not isinstance(name, str):
                raise UsageError(f"expected colours by class name, found {brief(name)} as a name")
        if palette_rgb:
            return
    elif isinstance(palette_rgb, Sequence | np.ndarray) and not isinstance(palette_rgb, str):
        return
    raise UsageError(
        f"expected a list of colours, or colours by class name, found {brief(palette_rgb)}"
    )
