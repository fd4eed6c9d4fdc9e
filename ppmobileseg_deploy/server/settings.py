"""Settings of a server: how much it takes on, and from whom."""

from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from ..errors import UsageError
from ..quoting import brief

MAX_BODY_BYTES: Final = 32 << 20
MAX_PIXELS: Final = 40_000_000
"""Less than `OrtSegmenter` takes by itself: every worker may hold such an image at once."""

QUEUE: Final = 16
TIMEOUT_S: Final = 30.0

_BODIES_IN_MEMORY: Final = 8
_LARGEST_BODY_BYTES: Final = 1 << 30
_MAX_QUEUE: Final = 10_000
_MAX_TIMEOUT_S: Final = 3600.0


@dataclass(frozen=True)
class ServerSettings:
    """Limits of a server.

    Attributes:
        workers: Images that are segmented at a time.
        queue: Requests that wait for a worker; one more is refused.
        max_body_bytes: Larger requests are refused before they are read, or while they are.
        max_pixels: Larger images are refused before they are decoded.
        timeout_s: Seconds in which a request has to arrive, the network has to be done with an
            image, an answer has to be fetched, and in which the server ends when it is told to.
        api_keys: One of them has to come with a request; none for everybody.
        cors_origins: Web sites whose pages may use the server from a browser.
        allow_url: Fetch images from addresses.
        label_studio_url: Where Label Studio is whose files are fetched; no slash at its end.
        label_studio_token: What it knows the server by.

    Raises:
        UsageError: A number makes no sense.
    """

    workers: int
    queue: int = QUEUE
    max_body_bytes: int = MAX_BODY_BYTES
    max_pixels: int = MAX_PIXELS
    timeout_s: float = TIMEOUT_S
    api_keys: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    allow_url: bool = False
    label_studio_url: str = ""
    label_studio_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.queue <= _MAX_QUEUE:
            raise UsageError(f"expected a queue of 0 to {_MAX_QUEUE}, found {brief(self.queue)}")
        if not 1 <= self.max_body_bytes <= _LARGEST_BODY_BYTES:
            raise UsageError(
                f"expected a largest body of 1 byte to 1GiB, found {self.max_body_bytes} bytes"
            )
        if not (isfinite(self.timeout_s) and 1 <= self.timeout_s <= _MAX_TIMEOUT_S):
            raise UsageError(
                f"expected a timeout of 1 to {_MAX_TIMEOUT_S:g} seconds, "
                f"found {brief(self.timeout_s)}"
            )

    @property
    def places(self) -> int:
        """Requests that are taken on at a time."""
        return self.workers + self.queue

    @property
    def most_held_bytes(self) -> int:
        """Bytes of all bodies together that are in memory, those that arrive among them."""
        return _BODIES_IN_MEMORY * self.max_body_bytes
