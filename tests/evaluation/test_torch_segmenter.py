from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from demo.scenes import draw_scene
from ppmobileseg_deploy import OrtSegmenter
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


# Where the image is scaled, mmsegmentation resizes logits twice, the runtime looks once.
@pytest.mark.parametrize(("size_hw", "least"), [((512, 512), 0.9999), ((256, 320), 0.99)])
def test_checkpoint_and_exported_file_agree(exported_demo, size_hw, least):
    image_bgr = draw_scene(3, size_hw).image_bgr
    by_torch = TorchSegmenter(CHECKPOINT)
    by_file = OrtSegmenter(exported_demo(), threads=1)
    assert by_torch.names == by_file.names
    assert np.mean(by_torch(image_bgr).labels == by_file(image_bgr).labels) > least
