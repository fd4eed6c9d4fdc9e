"""Every error this package raises on purpose.

    PPMobileSegError
    ├── UsageError            what was asked for cannot be meant: exit code 2
    │   └── DeviceError       an execution provider that is not installed here
    ├── CheckpointError       a training checkpoint that cannot be read or does not fit
    │   └── DownloadError     an official checkpoint that could not be fetched whole
    ├── ExportError           the ONNX file could not be made
    │   └── ParityError       the ONNX file computes something else than PyTorch
    ├── ModelError            an ONNX file that cannot be loaded or is no segmentation model
    │   └── ModelTimeoutError a model that takes longer than it may
    ├── ImageError            an image that cannot be read or has an unusable shape or type
    └── OutputError           a result that could not be written

A message is one line that states what was expected and what was found. The commands print
it without a traceback, with the option that would help, and exit with the class's ``exit_code``.
"""

from .quoting import printable


class PPMobileSegError(Exception):
    """Base class: catch this one to catch them all.

    Args:
        message: What was expected and what was found. Line breaks and terminal codes in it, which
            names of strangers' files may hold, are escaped.
        parameter: Name of the parameter that another value could help, such as ``"recursive"``;
            None where there is none. Commands call it by their option.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, parameter: str | None = None) -> None:
        super().__init__(printable(message))
        self.parameter = parameter


class UsageError(PPMobileSegError, ValueError):
    """An argument, or a combination of arguments, that has no meaning."""

    exit_code = 2


class DeviceError(UsageError):
    """The device was asked for, and ONNX Runtime or the processor lack what it needs."""


class CheckpointError(PPMobileSegError):
    """A checkpoint is unreadable, unsafe, or does not fit the network."""


class DownloadError(CheckpointError):
    """An official checkpoint could not be downloaded, or arrived damaged."""


class ExportError(PPMobileSegError):
    """The network could not be turned into an ONNX file."""


class ParityError(ExportError):
    """The exported graph does not compute what PyTorch computes."""


class ModelError(PPMobileSegError):
    """An ONNX file cannot be loaded, or is not a segmentation model."""


class ModelTimeoutError(ModelError):
    """A model took longer for an image than it may."""


class ImageError(PPMobileSegError):
    """An image cannot be read, or cannot be segmented as it is."""


class OutputError(PPMobileSegError):
    """A result could not be written completely; nothing partial is left behind."""
