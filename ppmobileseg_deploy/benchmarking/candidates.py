"""What is measured: models, each with so many threads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..runtime.inference.execution import Execution
from ..runtime.inference.model_interface import ModelInterface
from ..runtime.inference.preprocessing import Preprocessing
from ..runtime.inference.session import open_session


@dataclass(frozen=True)
class Candidate:
    """One model with one number of threads.

    Attributes:
        model: ONNX file.
        threads: Threads of the network, None for as many as the process may use.
        interface: What the file takes and gives.
    """

    model: Path
    threads: int | None
    interface: ModelInterface

    @property
    def preprocess(self) -> Preprocessing:
        """From an image to the network's input, by the file's own rule."""
        interface = self.interface
        return Preprocessing.from_metadata(
            interface.metadata,
            static_size_hw=interface.static_size_hw,
            takes_bytes=interface.takes_bytes,
        )

    def network_hw(self, image_hw: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the network's input for images of a size."""
        return self.preprocess.network_hw(image_hw)[1]

    def lengths(self, network_hw: tuple[int, int]) -> dict[str, int]:
        """Return the length of each named dimension for one image of a size at a time."""
        return dict(zip(self.interface.free_dimensions, (*network_hw, 1), strict=False))


def candidates(models: Iterable[Path], threads: Sequence[int | None] = (None,)) -> list[Candidate]:
    """Pair models with numbers of threads: all models with the first number, then the next.

    Args:
        models: ONNX files.
        threads: Numbers of threads.

    Raises:
        ModelError: A file cannot be loaded, or is no segmentation model.
        UsageError: A number of threads makes no sense; there are none, or a model or a number
            was given twice.

    Warns:
        MetadataWarning: A file carries no metadata.
    """
    files = list(models)
    for given, what in ((files, "model"), (list(threads), "number of threads")):
        if not given or len(set(given)) < len(given):
            found = " ".join(map(str, given)) or "none"
            raise UsageError(f"expected each {what} once, found {found}")
    for count in threads:
        Execution.of(threads=count)
    interfaces = {model: open_session(model).interface for model in files}
    return [Candidate(model, count, interfaces[model]) for count in threads for model in files]
