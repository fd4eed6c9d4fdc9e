"""Problems of a request: which status of HTTP each has, and the answer that says so."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse

from ..errors import (
    ImageError,
    ModelTimeoutError,
    OutputError,
    PPMobileSegError,
    UsageError,
)

CLIENT_LEFT: Final = 499
"""What logs call a request whose client did not wait for the answer, as nginx does."""


class RequestError(PPMobileSegError):
    """A request cannot be answered as it is, or not now.

    Args:
        status: Status of HTTP.
        message: One line.
        headers: That the answer carries besides.
    """

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = int(status)
        self.headers = dict(headers or {})


class ClientLeftError(RequestError):
    """Nobody waits for the answer any more."""

    def __init__(self) -> None:
        super().__init__(CLIENT_LEFT, "the client left")


def busy(message: str) -> RequestError:
    """Make the refusal of a request that could be taken on later."""
    return RequestError(HTTPStatus.SERVICE_UNAVAILABLE, message, headers={"Retry-After": "1"})


def status_of(error: PPMobileSegError) -> int:
    """Return the status of HTTP for an error of this package.

    What the request is to blame for is 4xx. A network that fails on an image is not.
    """
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, ImageError):
        if error.parameter == "max_pixels":
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, UsageError | OutputError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, ModelTimeoutError):
        return HTTPStatus.GATEWAY_TIMEOUT
    return HTTPStatus.INTERNAL_SERVER_ERROR


def error_answer(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Make the answer that every error has: ``{"error": "one line"}``."""
    return JSONResponse({"error": message}, status_code=int(status), headers=dict(headers or {}))


def failure_answer(request_id: str) -> JSONResponse:
    """Make the answer to a request that the server failed at; what happened is for its log."""
    return error_answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"the server failed; its log has more of request {request_id}",
    )


def answer_to(error: PPMobileSegError) -> JSONResponse:
    """Make the answer to a request that an error of this package ended."""
    headers = error.headers if isinstance(error, RequestError) else None
    return error_answer(status_of(error), str(error), headers)
