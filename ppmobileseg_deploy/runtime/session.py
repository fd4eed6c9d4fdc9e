"""An open segmentation model: what goes in, what comes out, where it runs."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import ModelError, UsageError
from ..metadata import ModelMetadata
from .contract import LABELS_PER_CELL, Classes, Contract, MetadataWarning, read_contract
from .engine import Engine
from .execution import Execution, device_of
from .image_input import size_hw_of
from .starting import Starter, first_line

__all__ = ["MetadataWarning", "Model", "Session", "open_session"]

Model: TypeAlias = str | Path | bytes | ort.InferenceSession
"""What can be opened: a file's path, its content, or a session that is open already."""

_HANDED_IN: Final = "the session"
_OPENERS: Final = 3
"""From here to whoever makes an OrtSegmenter, as warnings count."""


@dataclass(frozen=True, eq=False)
class Session:
    """An open model. `run` may be called from several threads.

    It can be pickled, and used after a fork: ONNX Runtime is then started again on the file.

    Attributes:
        contract: What goes in and what comes out.
        engine: Starts ONNX Runtime's session.
        source: File name, or what else to call it in messages.
        device: A key of `execution.PROVIDERS`, or the name of an execution provider.
    """

    contract: Contract
    engine: Engine
    source: str
    device: str

    @property
    def inference(self) -> ort.InferenceSession:
        """ONNX Runtime's session.

        Raises:
            ModelError: It has to be started again, and the file is gone or has changed.
            UsageError: It was handed in, and this is another process.
        """
        return self.engine.inference

    @property
    def metadata(self) -> ModelMetadata:
        """What the file says about itself, or the defaults."""
        return self.contract.metadata

    @property
    def input_name(self) -> str:
        """Name of the one input."""
        return self.contract.input_name

    @property
    def output(self) -> str:
        """``"labels"`` or ``"logits"``: what the one output holds."""
        return self.contract.output

    @property
    def model_file(self) -> str:
        """Name of the model's file, empty where it came as content or as an open session."""
        starter = self.engine.starter
        if starter is None or starter.version is None:
            return ""
        return Path(str(starter.content)).name

    @property
    def pinnable(self) -> bool:
        """Whether a session for one size is faster than this one."""
        return bool(self.contract.free_dimensions)

    def pinned(self, size_hw: tuple[int, int]) -> "Session":
        """Open the same file for one image of one size at a time, which is faster.

        Args:
            size_hw: Height and width of the input.

        Returns:
            A session whose results are the same but for the rounding of float32. It is this
            one unless `pinnable`.

        Raises:
            ModelError: The file is gone or has changed since.
        """
        starter = self.engine.starter
        if not self.pinnable or starter is None:
            return self
        # Most files let the batch vary too, which is the third name then.
        lengths = dict(zip(self.contract.free_dimensions, (*size_hw, 1), strict=False))
        contract = replace(
            self.contract, static_size_hw=size_hw, free_dimensions=(), stackable=False
        )
        engine = Engine(starter, lengths, starter.start(lengths))
        return replace(self, contract=contract, engine=engine)

    def run(self, tensor: NDArray[Any], labels_per_cell: int | None = None) -> NDArray[Any]:
        """Compute the output for one input.

        Args:
            tensor: (batch, 3, height, width) float32, or (batch, height, width, 3) uint8 if the
                contract says ``takes_bytes``, as `Preprocessing` makes it.
            labels_per_cell: Labels along each side of a cell of the logits; None for one label
                a pixel. Only if the contract says ``finer_labels``.

        Returns:
            (batch, height, width) class ids, any integer type, or (batch, classes, height,
            width) float32 logits, as `output` says. With ``labels_per_cell``, height and width
            are those of the tensor times it, divided by the stride and rounded up.

        Raises:
            ModelError: The model fails on this input or answers in another shape, or has to be
                opened again, which fails.
            UsageError: The session was handed in, and this is another process.
        """
        feeds: dict[str, NDArray[Any]] = {self.input_name: tensor}
        batch = len(tensor)
        height, width = size_hw_of(tensor.shape, self.contract.takes_bytes)
        if labels_per_cell is not None:
            feeds[LABELS_PER_CELL] = np.array(labels_per_cell, np.int64)
            height, width = (
                -(-side * labels_per_cell // self.metadata.stride) for side in (height, width)
            )
        inference = self.inference
        try:
            (found,) = inference.run(None, feeds)
        except Exception as error:  # the errors' classes differ between releases
            raise ModelError(f"{self.source} failed: {first_line(error)}") from error
        values: NDArray[Any] = np.asarray(found)
        if self.output == "logits":
            expected: tuple[int, ...] = (batch, self.metadata.num_classes, height, width)
            if values.shape == expected:
                return values
        else:
            expected = (batch, 1, height, width)
            if values.shape in (expected, (batch, height, width)):
                return values.reshape(batch, height, width)
        raise ModelError(
            f"{self.source}: expected {self.output} of shape {expected}, found {values.shape}"
        )


def open_session(
    model: Model, execution: Execution | None = None, classes: Classes | None = None
) -> Session:
    """Open an ONNX file and check that it is a segmentation model.

    Args:
        model: Path of the file, its content, or a session that is open already.
        execution: Where and how to run; None for the CPU. It means nothing to an open session.
        classes: Names and colours in place of the file's.

    Raises:
        DeviceError: The provider does not start.
        ModelError: The file cannot be read, or its input or output is not as expected.
        UsageError: The model is nothing of all that, or the names or colours do not fit it.

    Warns:
        MetadataWarning: The file carries no metadata; those of the official ADE20K models are
            assumed.
    """
    execution, classes = execution or Execution(), classes or Classes()
    if isinstance(model, ort.InferenceSession):
        if execution != Execution():
            raise UsageError(
                "expected no device, threads, sess_options or providers with an "
                "InferenceSession, which has its own, found some"
            )
        contract = read_contract(model, _HANDED_IN, classes, stacklevel=_OPENERS)
        # Nothing is known of its file, so that it cannot be opened for one size.
        contract = replace(contract, free_dimensions=())
        device = device_of(model.get_providers()[0])
        return Session(contract, Engine(None, inference=model), _HANDED_IN, device)
    if not isinstance(model, str | Path | bytes):
        raise UsageError(
            f"expected a model file's path, its content as bytes, or an InferenceSession, found "
            f"{type(model).__name__}"
        )
    starter = Starter.of(model, execution)
    inference = starter.start()
    contract = read_contract(inference, starter.source, classes, stacklevel=_OPENERS)
    if execution.sess_options is not None:
        # Options of the user's are not changed, and cannot be copied.
        contract = replace(contract, free_dimensions=())
    return Session(
        contract, Engine(starter, inference=inference), starter.source, execution.device
    )
