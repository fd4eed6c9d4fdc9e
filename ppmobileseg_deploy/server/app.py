"""The application: routes, and what stands around them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from ..errors import PPMobileSegError
from ..quoting import brief, printable
from ..version import VERSION
from .gate import EarlyRefusal, Gate
from .keys import KeyCheck
from .label_studio import label_studio_routes
from .metrics import MEDIA_TYPE
from .page import page_routes
from .problems import answer_to, error_answer, failure_answer, status_of
from .service import Service
from .trace import trace_of
from .v1 import v1_routes
from .v2 import v2_routes

_SHOWN_FAULTS: Final = 3


def build_app(service: Service) -> ASGIApp:
    """Make the application of a server.

    Args:
        service: What answers.

    Returns:
        An ASGI application, for any server of such.
    """
    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title="PP-MobileSeg",
        version=VERSION,
        description="Semantic segmentation: a class for every pixel of an image.",
    )
    app.include_router(v1_routes(service))
    app.include_router(label_studio_routes(service))
    app.include_router(v2_routes(service))
    _add_probes(app, service)
    _add_error_answers(app)
    app.router.routes.extend(page_routes(service))
    guarded: ASGIApp = KeyCheck(EarlyRefusal(app, service), service.settings.api_keys)
    if service.settings.cors_origins:
        guarded = CORSMiddleware(
            guarded,
            allow_origins=service.settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    return Gate(guarded, service)


def _add_probes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["operation"], summary="Whether the server runs")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", tags=["operation"], summary="Whether it takes images")
    async def readyz() -> Response:
        if service.is_ending:
            return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, "the server is about to end")
        return Response('{"status":"ok"}', media_type="application/json")

    @app.get("/metrics", tags=["operation"], summary="Metrics for Prometheus")
    async def metrics() -> Response:
        return Response(service.metrics.text(), headers={"Content-Type": MEDIA_TYPE})


def _add_error_answers(app: FastAPI) -> None:
    @app.exception_handler(PPMobileSegError)
    async def ours(request: Request, error: PPMobileSegError) -> Response:
        if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            trace_of(request.scope).error = str(error)
        return answer_to(error)

    @app.exception_handler(RequestValidationError)
    async def parameters(request: Request, error: RequestValidationError) -> Response:  # noqa: ARG001
        text = "; ".join(_fault(each) for each in error.errors()[:_SHOWN_FAULTS])
        return error_answer(HTTPStatus.UNPROCESSABLE_ENTITY, printable(text))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            text = f"there is nothing at {brief(request.url.path)}; /docs lists what there is"
        else:
            text = printable(str(error.detail))
        return error_answer(error.status_code, text, error.headers)

    @app.exception_handler(Exception)
    async def failure(request: Request, error: Exception) -> Response:  # noqa: ARG001
        return failure_answer(trace_of(request.scope).request_id)


def _fault(fault: dict[str, Any] | Any) -> str:
    place: Sequence[Any] = fault.get("loc", ())
    name = str(place[-1]) if place else "the request"
    return f"{name}: {fault.get('msg', 'wrong')}, found {brief(fault.get('input'))}"
