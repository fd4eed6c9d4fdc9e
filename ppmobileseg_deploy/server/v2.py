"""The Open Inference Protocol, version 2, which clients of KServe and Triton speak."""

import json
from http import HTTPStatus
from typing import Any, Final

import numpy as np
from fastapi import APIRouter, Request, Response

from ..quoting import brief
from ..runtime.images.files import as_image_bgr
from ..runtime.results.result import SegmentationResult
from ..types import ImageBGR, label_type
from ..version import VERSION
from .problems import RequestError, error_answer
from .service import Service
from .tensors import InferRequest, Output, Tensor, check_outputs, read_request, write_answer

IMAGE: Final = "image"
LABELS: Final = "labels"
AREAS: Final = "areas"

_MODEL_VERSION: Final = "1"
_HEADER_BYTES: Final = "Inference-Header-Content-Length"


def v2_routes(service: Service) -> APIRouter:
    """Make the routes.

    Args:
        service: What answers.
    """
    router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
    name = service.model.name

    @router.get("", summary="The server")
    async def server() -> dict[str, Any]:
        return {"name": "ppms", "version": VERSION, "extensions": ["binary_tensor_data"]}

    @router.get("/health/live", summary="Whether the server runs")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/health/ready", summary="Whether it takes images")
    async def ready() -> Response:
        if service.is_ending:
            return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, "the server is about to end")
        return Response('{"ready":true}', media_type="application/json")

    def check(model: str, version: str) -> None:
        if model != name or version != _MODEL_VERSION:
            found = f"{brief(model)}, version {brief(version)}"
            raise RequestError(
                HTTPStatus.NOT_FOUND,
                f"expected model {brief(name)}, version {_MODEL_VERSION}, found {found}",
            )

    def described(model: str, version: str) -> dict[str, Any]:
        check(model, version)
        datatype = f"UINT{np.dtype(label_type(len(service.segmenter.names))).itemsize * 8}"
        return {
            "name": name,
            "versions": [_MODEL_VERSION],
            "platform": "onnxruntime_onnx",
            "inputs": [{"name": IMAGE, "datatype": "UINT8", "shape": [-1, -1, 3]}],
            "outputs": [
                {"name": LABELS, "datatype": datatype, "shape": [-1, -1]},
                {"name": AREAS, "datatype": "BYTES", "shape": [1]},
            ],
        }

    async def is_ready(model: str, version: str) -> Response:
        check(model, version)
        return await ready()

    async def inferred(request: Request, model: str, version: str) -> Response:
        check(model, version)
        header_bytes = _header_bytes(request)
        asked: list[InferRequest] = []

        def prepare(body: bytes) -> ImageBGR:
            asked.append(read_request(body, header_bytes))
            check_outputs(asked[0], (LABELS, AREAS))
            return _image(service, asked[0].tensors)

        def encode(result: SegmentationResult) -> tuple[bytes, int | None]:
            return write_answer(_outputs(result), asked[0], name, _MODEL_VERSION)

        body, json_bytes = await service.answer(request, prepare, encode)
        if json_bytes is None:
            return Response(body, media_type="application/json")
        return Response(
            body,
            media_type="application/octet-stream",
            headers={_HEADER_BYTES: str(json_bytes)},
        )

    # Each with and without a version in its address.
    @router.get("/models/{model}", summary="The model's inputs and outputs")
    async def metadata(model: str) -> dict[str, Any]:
        return described(model, _MODEL_VERSION)

    @router.get("/models/{model}/versions/{version}", include_in_schema=False)
    async def metadata_of_version(model: str, version: str) -> dict[str, Any]:
        return described(model, version)

    @router.get("/models/{model}/ready", summary="Whether the model takes images")
    async def model_ready(model: str) -> Response:
        return await is_ready(model, _MODEL_VERSION)

    @router.get("/models/{model}/versions/{version}/ready", include_in_schema=False)
    async def version_ready(model: str, version: str) -> Response:
        return await is_ready(model, version)

    @router.post("/models/{model}/infer", summary="Segment an image", response_class=Response)
    async def infer(request: Request, model: str) -> Response:
        return await inferred(request, model, _MODEL_VERSION)

    @router.post("/models/{model}/versions/{version}/infer", include_in_schema=False)
    async def infer_with_version(request: Request, model: str, version: str) -> Response:
        return await inferred(request, model, version)

    return router


def _header_bytes(request: Request) -> int | None:
    text = request.headers.get(_HEADER_BYTES)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise RequestError(
            HTTPStatus.BAD_REQUEST, f"expected {_HEADER_BYTES} of a number, found {brief(text)}"
        )
    return int(text)


def _image(service: Service, tensors: tuple[Tensor, ...]) -> ImageBGR:
    if len(tensors) != 1 or tensors[0].name != IMAGE:
        found = ", ".join(brief(each.name) for each in tensors[:3]) or "none"
        raise RequestError(HTTPStatus.BAD_REQUEST, f"expected one input, {IMAGE!r}, found {found}")
    (tensor,) = tensors
    if tensor.array is None:
        return service.decode(tensor.content)
    height, width = tensor.array.shape[:2]
    if height * width > service.settings.max_pixels:
        raise RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"expected 1 to {service.settings.max_pixels} pixels, found {height}x{width}",
        )
    return as_image_bgr(tensor.array, color="rgb")


def _outputs(result: SegmentationResult) -> list[Output]:
    return [(LABELS, result.labels), (AREAS, json.dumps(result.areas()).encode())]
