"""Execution settings: device, execution providers, threads, precision and session options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import onnxruntime as ort

from ...errors import DeviceError, UsageError
from ...quoting import brief
from .openvino import chosen_precision, provider_options
from .threads import allowed_threads, checked_count

PROVIDERS: Final = MappingProxyType(
    {
        "cpu": "CPUExecutionProvider",
        "cuda": "CUDAExecutionProvider",
        "coreml": "CoreMLExecutionProvider",
        "dml": "DmlExecutionProvider",
        "openvino": "OpenVINOExecutionProvider",
    }
)
"""Device name to ONNX Runtime's name of the execution provider."""

DEFAULT_DEVICE: Final = "cpu"
OPENVINO: Final = "openvino"

Provider: TypeAlias = str | tuple[str, Mapping[str, Any]]
"""An execution provider's name, or its name and its options."""

Chosen: TypeAlias = tuple[tuple[str, dict[str, str]], ...]


@dataclass(frozen=True)
class Execution:
    """Execution settings of a session.

    Attributes:
        providers: Execution providers and their options, the preferred one first.
        threads: Threads within an operator; None for as many as this process may use.
        sess_options: Used as they are, in place of all settings of our own.
        precision: Of OpenVINO chosen as a device, ``"fp32"`` or ``"bf16"``; None for what the file
            and the providers' options say.
    """

    providers: Chosen = ((PROVIDERS[DEFAULT_DEVICE], {}),)
    threads: int | None = None
    sess_options: ort.SessionOptions | None = None
    precision: str | None = None

    @classmethod
    def of(
        cls,
        device: str = DEFAULT_DEVICE,
        threads: int | None = None,
        sess_options: ort.SessionOptions | None = None,
        providers: Sequence[Provider] | None = None,
        provider_options: Sequence[Mapping[str, Any]] | None = None,
        precision: str | None = None,
    ) -> "Execution":
        """Check the settings that a user gives.

        Args:
            device: A key of `PROVIDERS`.
            threads: Threads within an operator; None for as many as this process may use.
            sess_options: Settings to be used as they are.
            providers: In place of a device: names, or names and options, as ONNX Runtime takes
                them.
            provider_options: Options of each of the providers, where these are names.
            precision: ``"fp32"``, ``"bf16"`` or ``"auto"``, of device ``"openvino"`` only; None
                for float32.

        Raises:
            UsageError: A value, or a combination of them, has no meaning.
            DeviceError: This ONNX Runtime lacks a provider, or this processor the precision.
        """
        threads = None if threads is None else checked_count(threads, "threads")
        if sess_options is not None and not isinstance(sess_options, ort.SessionOptions):
            raise UsageError(
                "expected sess_options to be onnxruntime.SessionOptions, found "
                f"{brief(sess_options)}"
            )
        if sess_options is not None and threads is not None:
            raise UsageError(
                "expected threads or sess_options, found both: set the options' "
                "intra_op_num_threads"
            )
        if precision is not None and (providers is not None or device != OPENVINO):
            found = repr(device) if providers is None else brief(providers)
            raise UsageError(
                f"a precision can be chosen with device {OPENVINO!r} only, found {found}"
            )
        if providers is None:
            if provider_options is not None:
                raise UsageError("expected providers with provider_options, found none")
            chosen: Chosen = ((_provider_of(device), {}),)
            computed_in = chosen_precision(precision) if device == OPENVINO else None
            return cls(chosen, threads, sess_options, computed_in)
        if device != DEFAULT_DEVICE:
            raise UsageError(
                f"expected a device or providers, found {device!r} and {brief(providers)}"
            )
        return cls(_chosen(providers, provider_options), threads, sess_options)

    @property
    def device(self) -> str:
        """A key of `PROVIDERS`, or the name of the first provider where it is none of these."""
        return device_of(self.providers[0][0])

    def session_providers(self) -> Chosen:
        """Return the providers and options for a session in this process."""
        if self.precision is None:
            return self.providers
        # Here, as the session may be opened in another process, which has other cores.
        options = provider_options(self.precision, self.threads or allowed_threads())
        return ((PROVIDERS[OPENVINO], options),)

    @property
    def on_cpu(self) -> bool:
        """Whether nothing but ONNX Runtime's own CPU provider is asked for."""
        return all(name == PROVIDERS["cpu"] for name, _ in self.providers)


def device_of(provider: str) -> str:
    """Return the device of an execution provider.

    Args:
        provider: Name of an execution provider.

    Returns:
        A key of `PROVIDERS`, or the name itself where it is none of these.
    """
    return next((key for key, value in PROVIDERS.items() if value == provider), provider)


def _provider_of(device: str) -> str:
    provider = PROVIDERS.get(device) if isinstance(device, str) else None
    if provider is None:
        raise UsageError(f"expected a device of {', '.join(PROVIDERS)}, found {brief(device)}")
    available = ort.get_available_providers()
    if provider not in available:
        here = ", ".join(name for name, each in PROVIDERS.items() if each in available)
        raise DeviceError(
            f"device {device!r} needs an ONNX Runtime with {provider}, "
            f"the one installed has: {here}"
        )
    return provider


def _chosen(
    providers: Sequence[Provider], provider_options: Sequence[Mapping[str, Any]] | None
) -> Chosen:
    if isinstance(providers, str) or not isinstance(providers, Sequence) or not providers:
        raise UsageError(f"expected a list of execution providers, found {brief(providers)}")
    pairs: list[Any] = list(providers)
    if provider_options is not None:
        if not isinstance(provider_options, Sequence) or isinstance(provider_options, str):
            raise UsageError(
                f"expected a list of options, one for each provider, found "
                f"{brief(provider_options)}"
            )
        if not all(isinstance(each, str) for each in pairs):
            raise UsageError("expected options with the providers or beside them, found both")
        if len(provider_options) != len(pairs):
            raise UsageError(
                f"expected options for {len(pairs)} providers, found {len(provider_options)}"
            )
        pairs = list(zip(pairs, provider_options, strict=True))
    chosen = tuple(_checked((pair, {}) if isinstance(pair, str) else pair) for pair in pairs)
    available = ort.get_available_providers()
    for name, _ in chosen:
        if name not in available:
            raise DeviceError(
                f"expected execution providers of {', '.join(available)}, which the ONNX Runtime "
                f"installed has, found {name!r}"
            )
    if len({name for name, _ in chosen}) < len(chosen):
        raise UsageError(f"expected each execution provider once, found {brief(providers)}")
    return chosen


def _checked(pair: Any) -> tuple[str, dict[str, str]]:
    match pair:
        case (str(name), Mapping() as options):
            # As text, as ONNX Runtime has them, and a copy: the caller may change the original.
            return name, {str(key): str(value) for key, value in options.items()}
    raise UsageError(f"expected a provider's name, or (name, options), found {brief(pair)}")
