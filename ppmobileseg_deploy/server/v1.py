"""The server's own routes: an image in, a picture or a record out."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from ..errors import UsageError
from ..quoting import brief
from ..version import VERSION
from .body import FIELD, file_of_form, is_form
from .formats import DEFAULT_FORMAT, FORMATS, format_named, style_of
from .service import Service

_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "description": "An image file: its content alone, or as the field of a form.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            },
            "image/*": _BINARY,
            "application/octet-stream": _BINARY,
        },
    }
}
_ERROR: Final[dict[str, Any]] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"error": {"type": "string"}},
                "required": ["error"],
            }
        }
    }
}
_PROBLEMS: Final = {
    401: "No API key, where the server wants one",
    408: "It took too long to arrive",
    413: "Too many bytes or pixels",
    415: "Not an image",
    422: "A wrong parameter, or a damaged image",
    503: "Too many requests at a time; `Retry-After` says when to come again",
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "What was found",
        "content": {each.media_type: {} for each in FORMATS.values()},
    },
    **{code: {"description": text, **_ERROR} for code, text in _PROBLEMS.items()},
}
_FORMATS_TEXT: Final = "; ".join(f"`{name}` {each.description}" for name, each in FORMATS.items())


def v1_routes(service: Service) -> APIRouter:
    """Make the routes.

    Args:
        service: What answers.
    """
    router = APIRouter(prefix="/v1", tags=["images"])
    names = service.segmenter.names

    @router.post(
        "/segment",
        summary="Segment an image",
        response_class=Response,
        responses=_RESPONSES,
        openapi_extra=_BODY,
    )
    async def segment(
        request: Request,
        format: Annotated[  # noqa: A002  the parameter's name
            str, Query(description=_FORMATS_TEXT, json_schema_extra={"enum": list(FORMATS)})
        ] = DEFAULT_FORMAT,
        classes: Annotated[
            str | None,
            Query(description="Draw and list only these, names or ids separated by commas"),
        ] = None,
        opacity: Annotated[
            float, Query(description="Share of the classes' colours in an overlay, 0 to 1")
        ] = 0.5,
        tolerance: Annotated[
            float,
            Query(description="Of polygons: how far a point left out may lie from the outline"),
        ] = 1.0,
        min_area: Annotated[
            int, Query(description="Of polygons: regions of fewer pixels are left out")
        ] = 0,
        url: Annotated[
            str | None,
            Query(description="Fetch the image from here, where the server allows it"),
        ] = None,
    ) -> Response:
        parameters = _parameters(request)
        chosen = format_named(format)
        style = style_of(names, classes, opacity, tolerance=tolerance, min_area=min_area)
        if format == "cutout" and classes is None:
            raise UsageError("expected classes for cutout: which are to be cut out?")

        async def content_of(body: bytes) -> bytes:
            if url is not None:
                return await service.fetch(url)
            return await file_of_form(request, body, parameters) if is_form(request) else body

        content = await service.answer(
            request,
            service.decode,
            lambda result: chosen.encode(result, style),
            content_of=content_of,
        )
        return Response(content, media_type=chosen.media_type)

    @router.get("/model", summary="What the server runs, and its limits")
    async def model() -> dict[str, Any]:
        metadata, settings = service.segmenter.metadata, service.settings
        return {
            "name": service.model.name,
            "file": service.model.file,
            "sha256": service.model.sha256,
            "variant": metadata.variant,
            "checkpoint": metadata.checkpoint,
            "checkpoint_sha256": metadata.checkpoint_sha256,
            "server_version": VERSION,
            "classes": [
                {"id": class_id, "name": name, "color_rgb": list(color)}
                for class_id, (name, color) in enumerate(
                    zip(metadata.class_names, metadata.palette_rgb, strict=True)
                )
            ],
            "formats": {name: each.media_type for name, each in FORMATS.items()},
            "limits": {
                "workers": settings.workers,
                "queue": settings.queue,
                "body_bytes": settings.max_body_bytes,
                "pixels": settings.max_pixels,
                "timeout_s": settings.timeout_s,
                "fetches_addresses": settings.allow_url,
            },
        }

    return router


def _parameters(request: Request) -> list[str]:
    """Return the names of the route's parameters, and refuse others."""
    known = [each.alias for each in request.scope["route"].dependant.query_params]
    unknown = [brief(name) for name in request.query_params if name not in known]
    if unknown:
        raise UsageError(
            f"expected the parameters {', '.join(known)}, found {', '.join(unknown[:3])}"
        )
    return known
