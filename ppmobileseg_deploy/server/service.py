"""Service: from a request to its answer, whatever protocol it came by."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Final, TypeVar

from starlette.requests import Request

from ..errors import ImageError
from ..files import sha256_of
from ..runtime.images.files import decode_image
from ..runtime.results.result import SegmentationResult
from ..runtime.segmenter import OrtSegmenter
from ..runtime.sources.lists import looks_like_image
from ..runtime.sources.web import fetch_image
from ..types import ImageBGR
from .admission import Admission, unless_left
from .body import read_body
from .metrics import Metrics
from .problems import RequestError, busy
from .settings import ServerSettings
from .trace import trace_of

R = TypeVar("R")

_FETCHES: Final = 8
_PREFIX_BYTES: Final = 64

Prepare = Callable[[bytes], ImageBGR]
"""Makes an image of the content of a request, in a worker."""

ContentOf = Callable[[bytes], Awaitable[bytes]]
"""Finds the image in the body of a request, or elsewhere."""

Encode = Callable[[SegmentationResult], R]
"""Makes what is answered of a result, in a worker."""


@dataclass(frozen=True)
class Model:
    """What requests may be told about the model.

    Attributes:
        name: That it has in addresses: the file's, without suffix.
        file: Name of the file.
        sha256: Of the file's content.
        page: Folder of a page that can compute by itself; None for one that asks the server.
    """

    name: str
    file: str
    sha256: str
    page: Path | None = None


class Service:
    """A segmenter, its workers and its limits.

    To be used by one event loop.

    Args:
        segmenter: Whose limit of pixels and timeout are those of the settings.
        model: What it runs.
        settings: Limits.
    """

    def __init__(self, segmenter: OrtSegmenter, model: Model, settings: ServerSettings) -> None:
        self.segmenter = segmenter
        self.model = model
        self.settings = settings
        self.admission = Admission(settings)
        self.metrics = Metrics(
            model.file,
            segmenter.metadata,
            lambda: self.admission.running,
            lambda: self.admission.waiting,
        )
        self.is_ending = False
        """Whether the server has been told to end: it takes no more images."""
        self._fetching = ThreadPoolExecutor(_FETCHES, thread_name_prefix="fetch")

    def close(self) -> None:
        """Wait for what is being done."""
        self._fetching.shutdown()
        self.admission.close()

    def check_room(self) -> None:
        """Make sure that there is a place for one request more.

        Raises:
            RequestError: There is none, or the server is about to end.
        """
        if self.is_ending:
            raise busy("the server is about to end")
        self.admission.check_room()

    async def answer(
        self,
        request: Request,
        prepare: Prepare,
        encode: Encode[R],
        *,
        content_of: ContentOf | None = None,
    ) -> R:
        """Take a request on, segment its image, and make the answer.

        Args:
            request: Nothing of its body was read.
            prepare: Makes the image.
            encode: Makes the answer.
            content_of: What gives ``prepare`` its bytes; None for the body as it is.

        Raises:
            PPMobileSegError: There is no place, or something is wrong with the request.
        """
        trace = trace_of(request.scope)
        start = perf_counter()
        with self.admission.place() as place:
            body = await read_body(request, place, self.settings)
            content = body if content_of is None else await content_of(body)
            place.hold(max(0, len(content) - len(body)))
            place.arrived()
            trace.stages["receive"] = perf_counter() - start
            del body

            def work() -> R:
                begin = perf_counter()
                image_bgr = prepare(content)
                decoded = perf_counter()
                result = self.segmenter.segment_bgr(image_bgr)
                segmented = perf_counter()
                answer = encode(result)
                trace.size_hw = result.orig_shape
                trace.stages |= {"queue": place.queue_s, "decode": decoded - begin}
                trace.stages |= {stage: ms / 1e3 for stage, ms in result.speed.items()}
                trace.stages["encode"] = perf_counter() - segmented
                return answer

            answer: R = await unless_left(request.receive, place.run(work))
        self.metrics.stages(trace.stages)
        return answer

    def decode(self, content: bytes) -> ImageBGR:
        """Decode an image file.

        Raises:
            RequestError: It is none of those that are read.
            ImageError: It is damaged or too large.
        """
        if not looks_like_image(content[:_PREFIX_BYTES]):
            found = "nothing" if not content else "something else"
            raise RequestError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"expected a JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM image, found {found}",
            )
        return decode_image(content, "the image", max_pixels=self.settings.max_pixels)

    async def fetch(self, address: str) -> bytes:
        """Fetch an image from a public address.

        Raises:
            RequestError: The server does not fetch addresses.
            ImageError: The address is not public, or does not give an image.
        """
        if not self.settings.allow_url:
            raise RequestError(
                HTTPStatus.FORBIDDEN,
                "expected the image in the request, found an address: this server fetches none",
            )
        return await self._fetched(address, public_only=True)

    async def fetch_from_label_studio(self, address: str) -> bytes:
        """Fetch an image from the Label Studio that the operator of the server has named.

        Raises:
            ImageError: It does not give an image.
        """
        token = self.settings.label_studio_token
        authorization = f"Token {token}" if token else None
        return await self._fetched(address, public_only=False, authorization=authorization)

    async def _fetched(
        self, address: str, *, public_only: bool, authorization: str | None = None
    ) -> bytes:
        fetched = asyncio.get_running_loop().run_in_executor(
            self._fetching,
            lambda: fetch_image(
                address,
                max_bytes=self.settings.max_body_bytes,
                limit_s=self.settings.timeout_s,
                public_only=public_only,
                authorization=authorization,
            ),
        )
        try:
            return await fetched
        except ImageError as error:
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error


def open_service(
    path: Path,
    settings: ServerSettings,
    threads: int | None,
    *,
    merge: str | None = None,
    page: Path | None = None,
) -> Service:
    """Open a model for a server.

    Args:
        path: The ONNX file.
        settings: Limits.
        threads: Of the session that all workers run.
        merge: A file that says which classes become which.
        page: A folder that ``ppms-export --web`` wrote, for a page that can compute by itself.

    Raises:
        ModelError: The file is no segmentation model.
        UsageError: A limit makes no sense.
    """
    segmenter = OrtSegmenter(
        path,
        threads=threads,
        merge=merge,
        timeout=settings.timeout_s,
        max_pixels=settings.max_pixels,
    )
    # Answers do not depend on what was asked before.
    segmenter.expect(())
    name = re.sub(r"[^A-Za-z0-9._-]", "_", path.stem)
    return Service(segmenter, Model(name, path.name, sha256_of(path), page), settings)
