import math

import pytest
import torch
from torch.nn import functional as F

from demo.evaluation import HELD_OUT
from demo.train import (
    BATCHES,
    CHECKPOINT,
    LOSS_STEP,
    Batches,
    load,
    loss_at,
    normalise,
    rate_at,
    save,
    score,
)
from ppmobileseg_deploy.model import TINY, PPMobileSeg


@pytest.mark.parametrize("phase_yx", [(0, 0), (1, 3), (3, 2)])
@pytest.mark.parametrize("size_hw", [(64, 96), (96, 64)])
def test_the_loss_is_that_of_the_upsampled_logits_on_a_grid(phase_yx, size_hw):
    torch.manual_seed(0)
    logits = torch.randn(2, 5, size_hw[0] // 16, size_hw[1] // 16)
    labels = torch.randint(0, 5, (2, *size_hw), dtype=torch.uint8)
    full = F.interpolate(logits, size=size_hw, mode="bilinear", align_corners=False)
    grid = (slice(phase_yx[0], None, LOSS_STEP), slice(phase_yx[1], None, LOSS_STEP))
    expected = F.cross_entropy(full[(..., *grid)], labels[(..., *grid)].long())
    torch.testing.assert_close(loss_at(logits, labels, phase_yx), expected)


def test_the_rate_rises_once_and_falls():
    rates = [rate_at(step / 100, 1.0) for step in range(101)]
    assert max(rates) == pytest.approx(1.0)
    assert rates[:6] == sorted(rates[:6])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert 0.0 < rates[-1] < 0.01


def test_normalising_puts_red_first():
    blue = torch.zeros(1, 32, 32, 3, dtype=torch.uint8)
    blue[..., 0] = 255
    red_green_blue = normalise(blue)[0, :, 0, 0]
    torch.testing.assert_close(
        red_green_blue, torch.tensor([-123.675 / 58.395, -116.28 / 57.12, 151.47 / 57.375])
    )


def test_a_batch_is_decided_by_its_step():
    batches = Batches(len(BATCHES))
    images, labels = batches[5]
    again, _ = batches[5]
    count, size_hw = BATCHES[5]
    assert images.shape == (count, *size_hw, 3)
    assert labels.shape == (count, *size_hw)
    assert torch.equal(images, again)
    assert not torch.equal(images[0], images[1])


def test_training_draws_no_scene_that_is_held_out(monkeypatch):
    drawn = []
    scene = Batches(1)[0]

    def remember(seed, size_hw):
        drawn.append(seed)
        return type("Scene", (), {"image_bgr": scene[0][0].numpy(), "labels": scene[1][0].numpy()})

    monkeypatch.setattr("demo.train.draw_scene", remember)
    for step in range(500):
        Batches(500)[step]
    assert min(drawn) >= HELD_OUT.stop
    assert len(set(drawn)) == len(drawn)


def test_a_checkpoint_survives_float16(tmp_path):
    torch.manual_seed(0)
    network = PPMobileSeg(TINY)
    save(network, tmp_path / "tiny.pth", {"step": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.pth"]
    restored = load(tmp_path / "tiny.pth").state_dict()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(restored[name], value, rtol=1e-3, atol=1e-7)


def test_what_float16_cannot_hold_is_refused(tmp_path):
    network = PPMobileSeg(TINY)
    network.decode_head.conv_seg.bias.data.fill_(1e5)
    with pytest.raises(OverflowError, match=r"decode_head\.conv_seg\.bias"):
        save(network, tmp_path / "tiny.pth", {})
    assert not list(tmp_path.iterdir())


def test_the_stored_checkpoint_is_float16_and_complete():
    stored = torch.load(CHECKPOINT, weights_only=True)
    expected = PPMobileSeg(TINY).state_dict()
    assert set(stored["state_dict"]) == set(expected)
    for name, value in stored["state_dict"].items():
        wanted = torch.float16 if expected[name].is_floating_point() else torch.int64
        assert value.dtype == wanted, name
        assert math.isfinite(float(value.sum())), name
    assert CHECKPOINT.stat().st_size < 4_000_000


def test_the_stored_checkpoint_knows_scenes_it_never_saw():
    assert score(load(CHECKPOINT), 8, (512, 512), exact=False).miou > 0.85
