"""Metrics of a server, as Prometheus reads them."""

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from ..metadata import ModelMetadata
from ..version import VERSION

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST

_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5, 10, 30)


class Metrics:
    """What a server counts. Labels take known values only, so that their number is bounded.

    Args:
        model_file: Name of the model's file.
        metadata: Of the model.
        running: Tells how many requests workers are at.
        waiting: Tells how many wait for a worker.
    """

    def __init__(
        self,
        model_file: str,
        metadata: ModelMetadata,
        running: Callable[[], float],
        waiting: Callable[[], float],
    ) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "ppms_requests",
            "Requests that were answered.",
            ("route", "code"),
            registry=registry,
        )
        self._durations = Histogram(
            "ppms_request_seconds",
            "From the headers of a request to the end of its answer.",
            ("route",),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._stages = Histogram(
            "ppms_stage_seconds",
            "Stages of a request that was segmented.",
            ("stage",),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._refused = Counter(
            "ppms_refused",
            "Requests that were refused because the server was full, or about to end.",
            registry=registry,
        )
        self._left = Counter(
            "ppms_clients_left",
            "Requests whose client did not wait for the answer.",
            registry=registry,
        )
        for name, text, read in (
            ("ppms_in_flight", "Requests that workers are at.", running),
            ("ppms_queue_length", "Requests that wait for a worker.", waiting),
        ):
            Gauge(name, text, registry=registry).set_function(read)
        Gauge(
            "ppms_model_info",
            "The model; always 1.",
            ("file", "variant", "classes", "checkpoint_sha256", "version"),
            registry=registry,
        ).labels(
            model_file,
            metadata.variant,
            str(metadata.num_classes),
            metadata.checkpoint_sha256,
            VERSION,
        ).set(1)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            route: The path as it is declared, or ``"other"``.
            status: Of the answer.
            seconds: That it took.
        """
        self._requests.labels(route, str(status)).inc()
        self._durations.labels(route).observe(seconds)

    def refused(self) -> None:
        """Count a request for which there was no place."""
        self._refused.inc()

    def client_left(self) -> None:
        """Count a request whose client did not wait."""
        self._left.inc()

    def stages(self, seconds: Mapping[str, float]) -> None:
        """Count the stages of a request."""
        for stage, each in seconds.items():
            self._stages.labels(stage).observe(each)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry)
