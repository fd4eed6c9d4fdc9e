import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from torch.nn import functional as F

from demo.scenes import draw_scene
from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.checkpoints import Description, build_model, load_checkpoint
from ppmobileseg_deploy.evaluation.torch_segmenter import TorchSegmenter, _resized_argmax

CHECKPOINT = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"


@pytest.mark.parametrize("size_hw", [(1, 1), (40, 52), (97, 131), (200, 64), (64, 65)])
def test_resizing_in_bands_is_resizing(size_hw):
    logits = torch.randn(1, 7, 40, 52, generator=torch.Generator().manual_seed(1))
    whole = F.interpolate(logits, size=size_hw, mode="bilinear", align_corners=False)
    found = _resized_argmax(logits, size_hw)
    gap = whole.max(1).values - whole.gather(1, found[None, None])[:, 0]
    assert gap.max() < 1e-5
    assert (found == whole[0].argmax(0)).float().mean() > 0.999


PADDLESEG = (
    Description(recipe="ade20k-paddleseg", short_side=96, long_side=300),
    Description(recipe="cityscapes-paddleseg"),
)


def paddleseg_labels(network, metadata, image_bgr):
    """What PaddleSeg gives, of logits that cover whole multiples of 32."""
    height, width = image_bgr.shape[:2]
    pixels = cv2.cvtColor(image_bgr.astype(np.float32), cv2.COLOR_BGR2RGB)
    size_hw = height, width
    if metadata.short_side is not None:
        scale = min(metadata.short_side / min(size_hw), metadata.long_side / max(size_hw))
        size_hw = tuple(math.ceil(round(side * scale) / 32) * 32 for side in size_hw)
        pixels = cv2.resize(pixels, size_hw[::-1], interpolation=cv2.INTER_LINEAR)
    pixels = pixels / 255.0
    pixels -= np.array(metadata.mean_rgb) / 255
    pixels /= np.array(metadata.std_rgb) / 255
    tensor = torch.from_numpy(pixels.transpose(2, 0, 1)[None])
    padded = F.pad(tensor, (0, -size_hw[1] % 32, 0, -size_hw[0] % 32))
    with torch.inference_mode():
        logits = F.interpolate(network(padded), padded.shape[2:], mode="bilinear")
    logits = logits[:, :, : size_hw[0], : size_hw[1]]
    return F.interpolate(logits, (height, width), mode="bilinear").argmax(1)[0].numpy()


@pytest.mark.parametrize("description", PADDLESEG, ids=lambda given: given.recipe)
@pytest.mark.parametrize("size_hw", [(97, 131), (128, 160), (75, 150)])
def test_checkpoint_and_file_give_paddlesegs_labels(exported_demo, description, size_hw):
    by_torch = TorchSegmenter(CHECKPOINT, description=description)
    metadata = replace(by_torch.metadata, vim="cell")
    model = onnx.load(exported_demo())
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata.to_props())
    by_file = OrtSegmenter(model.SerializeToString(), threads=1)
    assert by_file.metadata == metadata
    image_bgr = draw_scene(5, size_hw).image_bgr
    network = build_model(load_checkpoint(CHECKPOINT))
    expected = paddleseg_labels(network, metadata, image_bgr)
    assert np.array_equal(by_torch(image_bgr).labels, expected)
    assert np.mean(by_file(image_bgr).labels == expected) > 0.9999


# Where the image is scaled, mmsegmentation resizes logits twice, the runtime looks once.
@pytest.mark.parametrize(("size_hw", "least"), [((512, 512), 0.9999), ((256, 320), 0.99)])
def test_checkpoint_and_exported_file_agree(exported_demo, size_hw, least):
    image_bgr = draw_scene(3, size_hw).image_bgr
    by_torch = TorchSegmenter(CHECKPOINT)
    by_file = OrtSegmenter(exported_demo(), threads=1)
    assert by_torch.names == by_file.names
    assert np.mean(by_torch(image_bgr).labels == by_file(image_bgr).labels) > least
