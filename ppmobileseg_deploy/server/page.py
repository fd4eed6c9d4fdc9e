"""The page of `ppmobileseg_deploy.web`, shown by a server that segments its pictures."""

import json
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ..errors import UsageError
from ..small_files import read_small
from ..web.folder import page_folder
from ..web.serving import HEADERS, TYPES
from .service import Service

_SIDECAR = "end2end.json"
_MOST_BYTES = 16 << 20


def page_routes(service: Service) -> list[BaseRoute]:
    """Make the routes that show the page: one for each file that is there now.

    Args:
        service: Whose model names the classes, and whose routes segment.

    Raises:
        UsageError: The folder of the page is another model's.
    """
    folder = service.model.page or page_folder()
    page = _Page(folder, _sidecar(service))
    routes: list[BaseRoute] = []
    for name in ("", _SIDECAR, *sorted(each.name for each in folder.iterdir())):
        if (folder / name).is_dir() and name:
            routes.append(Mount(f"/{name}", _Page(folder / name, {})))
        else:
            routes.append(Route(f"/{name}", page, methods=["GET", "HEAD"]))
    return routes


class _Page(StaticFiles):
    def __init__(self, folder: Path, sidecar: dict[str, Any]) -> None:
        super().__init__(directory=folder, html=True)
        self._sidecar = sidecar

    async def get_response(self, path: str, scope: Scope) -> Response:
        response: Response
        if path == _SIDECAR and self._sidecar:
            response = JSONResponse(self._sidecar)
        else:
            response = await super().get_response(path, scope)
            # Not left to the system, whose registry may say otherwise.
            media_type = TYPES.get(Path(path).suffix)
            if response.status_code == 200 and media_type is not None:
                response.headers["Content-Type"] = media_type
        response.headers.update(HEADERS)
        return response


def _sidecar(service: Service) -> dict[str, Any]:
    """Return what the page reads of its model, and where its server segments."""
    metadata, model = service.segmenter.metadata, service.model
    classes = [
        {"id": class_id, "name": name, "color_rgb": list(color)}
        for class_id, (name, color) in enumerate(
            zip(metadata.class_names, metadata.palette_rgb, strict=True)
        )
    ]
    server = {"infer": f"v2/models/{model.name}/infer", "only": model.page is None}
    if model.page is None:
        described = {"file": model.file, "sha256": model.sha256, "stride": metadata.stride}
        return {"model": described, "classes": classes, "server": server}
    path = model.page / _SIDECAR
    try:
        sidecar = json.loads(read_small(path, _MOST_BYTES))
        names = [each["name"] for each in sidecar["classes"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"expected a page as ppms-export --web writes it, found no sidecar that can be read "
            f"at {path}"
        ) from error
    if names != [each["name"] for each in classes]:
        raise UsageError(
            f"expected a page of the model's {len(classes)} classes, found one of {len(names)} "
            f"others in {model.page}"
        )
    return {**sidecar, "server": server}
