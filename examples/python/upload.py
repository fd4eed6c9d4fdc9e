"""A server that segments uploaded pictures: ``uvicorn upload:app`` (fastapi, python-multipart).

``curl -F picture=@street.jpg localhost:8000/segment`` answers which classes are in a picture,
``.../overlay`` the picture with the classes' colours over it, as a PNG. The model is
``$PPMS_MODEL``, or ``end2end.onnx``.
"""

import asyncio
import os
from typing import Any

from fastapi import FastAPI, HTTPException, Response, UploadFile

from ppmobileseg_deploy import ImageError, OrtSegmenter, SegmentationResult

MOST_BYTES = 20_000_000
AT_ONCE = 4  # pictures; further ones wait, and take no memory but that of their files

# A run that hangs ends after 10 s; pictures of more than 50 million pixels are not decoded.
segmenter = OrtSegmenter(
    os.environ.get("PPMS_MODEL", "end2end.onnx"), timeout=10, max_pixels=50_000_000
)
turns = asyncio.Semaphore(AT_ONCE)
app = FastAPI(title="PP-MobileSeg")


async def segmented(picture: UploadFile) -> SegmentationResult:
    """Segment an upload without holding up other requests; what cannot be read is a 415."""
    content = await picture.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise HTTPException(413, f"expected at most {MOST_BYTES} bytes")
    try:
        async with turns:
            # ONNX Runtime and OpenCV let go of Python's lock while they compute.
            return await asyncio.to_thread(segmenter, content)
    except ImageError as error:
        raise HTTPException(415, str(error)) from None


@app.post("/segment")
async def segment(picture: UploadFile) -> dict[str, Any]:
    """Answer the share of the picture that each class has, the largest first."""
    result = await segmented(picture)
    height, width = result.orig_shape
    return {"width": width, "height": height, "areas": result.areas()}


@app.post("/overlay", response_class=Response)
async def overlay(picture: UploadFile) -> Response:
    """Answer the picture with the classes' colours over it."""
    result = await segmented(picture)
    return Response(await asyncio.to_thread(result.encode, "png"), media_type="image/png")
