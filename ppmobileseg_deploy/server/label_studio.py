"""Label Studio's routes for an ML backend: tasks in, predictions with brush masks out.

Source: label-studio-ml 2, ``api.py``; Label Studio, ``label_studio/ml/api_connector.py``.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from xml.parsers import expat

from fastapi import APIRouter, Request

from ..quoting import brief
from ..runtime.drawing.style import Style
from ..runtime.results.annotations.label_studio import brush_results
from ..runtime.results.result import SegmentationResult
from .body import read_body
from .problems import RequestError
from .service import Service

_MOST_TASKS: Final = 64
_MOST_ELEMENTS: Final = 10_000
_ADDRESSES: Final = ("http://", "https://")


@dataclass(frozen=True)
class Labelling:
    """What a project's labelling configuration says about masks.

    Attributes:
        from_name: Name of the ``BrushLabels`` tag.
        to_name: Name of the ``Image`` tag that it is for.
        key: Field of a task's data that holds the image.
        labels: What the labels are called.
    """

    from_name: str
    to_name: str
    key: str
    labels: tuple[str, ...]


def label_studio_routes(service: Service) -> APIRouter:
    """Make the routes.

    Args:
        service: What answers.
    """
    router = APIRouter(tags=["Label Studio"])

    @router.get("/health", summary="Whether the ML backend runs")
    async def health() -> dict[str, str]:
        return {"status": "UP", "model_class": service.model.name}

    @router.post("/setup", summary="Check a project's labelling configuration")
    async def setup(request: Request) -> dict[str, str]:
        with service.admission.place() as place:
            content = _parsed(await read_body(request, place, service.settings))
        # What else it says, such as where Label Studio is, anybody could say.
        _classes_of(read_labelling(content.get("schema")), service.segmenter.names)
        return {"model_version": service.model.file}

    @router.post("/predict", summary="Predict the masks of tasks")
    async def predict(request: Request) -> dict[str, Any]:
        parts: list[range] = []
        labelling: Labelling | None = None

        async def images_of(body: bytes) -> bytes:
            nonlocal labelling
            content = _parsed(body)
            labelling = read_labelling(content.get("label_config"))
            images = await _images_of(service, _tasks_of(content), labelling.key)
            start = 0
            for image in images:
                parts.append(range(start, start + len(image)))
                start += len(image)
            return b"".join(images)

        whole = b""

        def first_image(content: bytes) -> Any:
            nonlocal whole
            whole = content
            return service.decode(_part(content, parts[0]))

        def predictions(result: SegmentationResult) -> list[dict[str, Any]]:
            assert labelling is not None  # noqa: S101  a body was read
            answer = [_prediction(service, result, labelling)]
            for part in parts[1:]:
                image_bgr = service.decode(_part(whole, part))
                result = service.segmenter.segment_bgr(image_bgr)
                answer.append(_prediction(service, result, labelling))
            return answer

        results = await service.answer(request, first_image, predictions, content_of=images_of)
        return {"results": results}

    return router


def read_labelling(config: object) -> Labelling:
    """Read a labelling configuration.

    Args:
        config: XML, as Label Studio sends it; strangers' text.

    Returns:
        The first ``BrushLabels`` and the ``Image`` that it is for.

    Raises:
        RequestError: There is none, or it is malformed.
    """
    if not isinstance(config, str):
        raise _unprocessable(f"expected a labelling configuration, found {brief(config)}")
    elements: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        elements.append((name, attributes))
        if len(elements) > _MOST_ELEMENTS:
            raise _unprocessable(f"expected at most {_MOST_ELEMENTS} tags in the configuration")

    def refuse(*_: object) -> None:
        raise _unprocessable("expected a labelling configuration without entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(config, True)  # noqa: FBT003  its only way
    except (expat.ExpatError, ValueError) as error:
        raise _unprocessable(f"expected a labelling configuration in XML: {error}") from None
    brushes = [at for at, (name, _) in enumerate(elements) if name == "BrushLabels"]
    if not brushes:
        raise _unprocessable("expected <BrushLabels> in the labelling configuration, found none")
    brush = elements[brushes[0]][1]
    images = {each.get("name"): each for name, each in elements if name == "Image"}
    image = images.get(brush.get("toName"))
    if image is None or not image.get("value", "").startswith("$") or not brush.get("name"):
        raise _unprocessable(
            "expected <Image> with a value such as $image for <BrushLabels>, found none"
        )
    labels = []
    for name, attributes in elements[brushes[0] + 1 :]:
        if name != "Label":
            break
        labels.append(attributes.get("value", ""))
    return Labelling(brush["name"], brush["toName"], image["value"][1:], tuple(labels))


def _classes_of(labelling: Labelling, names: Sequence[str]) -> dict[int, str]:
    """Return the classes that a project has labels for, and what it calls them."""
    called = {_plain(label): label for label in labelling.labels}
    classes = {
        class_id: called[_plain(name)]
        for class_id, name in enumerate(names)
        if _plain(name) in called
    }
    if not classes:
        known = ", ".join(brief(name) for name in names[:3])
        raise _unprocessable(
            f"expected labels that are classes of the model, such as {known}, found "
            f"{', '.join(map(brief, labelling.labels[:3])) or 'none'}"
        )
    return classes


def _prediction(
    service: Service, result: SegmentationResult, labelling: Labelling
) -> dict[str, Any]:
    classes = _classes_of(labelling, result.names)
    spelled = replace(
        result, names=tuple(classes.get(i, name) for i, name in enumerate(result.names))
    )
    regions = brush_results(
        spelled,
        Style(classes=tuple(classes)),
        from_name=labelling.from_name,
        to_name=labelling.to_name,
    )
    return {"model_version": service.model.file, "result": regions}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise _unprocessable("expected an object in JSON, as Label Studio sends it")
    return content


def _tasks_of(content: dict[str, Any]) -> list[Any]:
    tasks = content.get("tasks")
    if not isinstance(tasks, list) or not 0 < len(tasks) <= _MOST_TASKS:
        found = len(tasks) if isinstance(tasks, list) else brief(tasks)
        raise _unprocessable(f"expected 1 to {_MOST_TASKS} tasks, found {found}")
    return tasks


async def _images_of(service: Service, tasks: list[Any], key: str) -> list[bytes]:
    """Return the images of tasks, all together within the limits of one request."""
    settings = service.settings
    images: list[bytes] = []

    async def gather() -> None:
        for task in tasks:
            images.append(await _image_of(service, task, key))
            if sum(map(len, images)) > settings.max_body_bytes:
                raise RequestError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"expected images of at most {settings.max_body_bytes} bytes together, "
                    "found more",
                )

    try:
        await asyncio.wait_for(gather(), settings.timeout_s)
    except asyncio.TimeoutError:
        raise RequestError(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"expected all images within {settings.timeout_s:g} s, found {len(images)} of "
            f"{len(tasks)}",
        ) from None
    return images


async def _image_of(service: Service, task: object, key: str) -> bytes:
    data = task.get("data") if isinstance(task, dict) else None
    image = data.get(key) if isinstance(data, dict) else None
    if not isinstance(image, str):
        raise _unprocessable(f"expected the image in a task's data as {key!r}, found none")
    if image.startswith("data:"):
        _, _, encoded = image.partition(";base64,")
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise _unprocessable("expected an image in base64, found something else") from None
    host = service.settings.label_studio_url
    if host and image.startswith("/"):
        return await service.fetch_from_label_studio(host + image)
    if host and image.startswith(f"{host}/"):
        return await service.fetch_from_label_studio(image)
    if image.startswith(_ADDRESSES):
        return await service.fetch(image)
    hint = "" if host else "; --label-studio URL says where files of Label Studio are"
    raise _unprocessable(f"expected the address of an image, found {brief(image)}{hint}")


def _part(content: bytes, part: range) -> bytes:
    return content[part.start : part.stop]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _unprocessable(message: str) -> RequestError:
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message)
