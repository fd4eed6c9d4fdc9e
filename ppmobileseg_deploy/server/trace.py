"""Trace of a request: what its log line and the metrics say of it."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..types import SizeHW

_KEY: Final = "ppms.trace"


@dataclass
class Trace:
    """What became of a request.

    Attributes:
        request_id: By which a client, a log and a proxy call it.
        stages: Seconds of each stage; empty unless an image was segmented.
        size_hw: Height and width of that image.
        error: What was answered where it failed.
        route: What it was for, where it did not get as far as the routes.
    """

    request_id: str
    stages: dict[str, float] = field(default_factory=dict)
    size_hw: SizeHW | None = None
    error: str | None = None
    route: str | None = None


def begin_trace(scope: MutableMapping[str, Any], request_id: str) -> Trace:
    """Put a new trace into ASGI's scope of a request."""
    trace = scope[_KEY] = Trace(request_id)
    return trace


def trace_of(scope: MutableMapping[str, Any]) -> Trace:
    """Return the trace of a request."""
    trace: Trace = scope[_KEY]
    return trace
