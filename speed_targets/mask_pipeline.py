"""The usual script around an exported network, for comparison.

What mmsegmentation's script for ONNX files does, rebuilt from a description: squash to 512x512,
normalise as an array, run, resize the labels bilinearly as float32, colour by one boolean mask
per palette entry, blend in float64. Some of that is wrong, and all of it is kept.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnxruntime as ort

from ppmobileseg_deploy.benchmarking.stages import Stages, laps_ms
from ppmobileseg_deploy.metadata import ModelMetadata

_SIDE: Final = 512
_OPACITY: Final = 0.5


class MaskPipeline:
    """From a photograph to an overlay.

    Args:
        model: An ONNX file of labels, opened as such scripts open it: with all defaults.
    """

    def __init__(self, model: Path) -> None:
        self._session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        metadata = ModelMetadata()
        self._palette_rgb = np.array(metadata.palette_rgb, np.uint8)
        self._mean = np.array(metadata.mean_rgb, np.float32)
        self._std = np.array(metadata.std_rgb, np.float32)

    def __call__(self, source: Path, output: Path) -> Stages:
        """Segment one image.

        Args:
            source: Image file.
            output: JPEG file to write.
        """
        laps = laps_ms()
        next(laps)
        image = cv2.imread(str(source))
        if image is None:
            raise FileNotFoundError(f"expected an image, found none at {source}")
        read = next(laps)
        squashed = cv2.resize(image, (_SIDE, _SIDE)).astype(np.float32)
        normalised = (squashed - self._mean) / self._std
        tensor = np.ascontiguousarray(normalised.transpose(2, 0, 1)[None], np.float32)
        preprocess = next(laps)
        labels = self._session.run(None, {"input": tensor})[0]
        inference = next(laps)
        plane = labels.squeeze().astype(np.float32)
        resized = cv2.resize(plane, (image.shape[1], image.shape[0])).astype(np.uint8)
        postprocess = next(laps)
        colors = np.zeros(image.shape, np.uint8)
        for class_id, color in enumerate(self._palette_rgb):
            colors[resized == class_id, :] = color
        blended = image * (1 - _OPACITY) + colors[..., ::-1] * _OPACITY
        overlay = blended.astype(np.uint8)
        draw = next(laps)
        cv2.imwrite(str(output), overlay)
        return Stages(read, preprocess, inference, postprocess, draw, write=next(laps))
