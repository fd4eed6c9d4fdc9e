import numpy as np
import pytest
import torch

from ppmobileseg_deploy.model import BASE, CONFIGS, TINY, PPMobileSeg, labels_off

VARIANTS = pytest.mark.parametrize("variant", ["tiny", "base"])
SIZES = pytest.mark.parametrize(("size_hw", "seed"), [((64, 96), 1), ((97, 131), 3)])


@pytest.fixture(scope="module")
def golden_network(golden_state_dict):
    networks = {}

    def network(variant):
        if variant not in networks:
            networks[variant] = PPMobileSeg(CONFIGS[variant]).eval()
            networks[variant].load_state_dict(golden_state_dict(variant), strict=True)
        return networks[variant]

    return network


@VARIANTS
def test_state_dict_has_the_keys_shapes_and_order_of_openmmlab(variant, golden_shapes):
    state = PPMobileSeg(CONFIGS[variant]).state_dict()
    ours = [(key, tuple(tensor.shape)) for key, tensor in state.items()]
    assert ours == list(golden_shapes(variant).items())


@VARIANTS
@SIZES
def test_logits_and_labels_are_those_of_the_public_implementations(
    variant, size_hw, seed, golden_network, golden_image, golden_arrays
):
    height, width = size_hw
    name = f"1x{height}x{width}"
    golden = golden_arrays(variant)
    image = torch.from_numpy(golden_image(1, height, width, seed))

    with torch.inference_mode():
        logits = golden_network(variant)(image)
        labels = labels_off(logits, size_hw)

    expected = golden[f"logits_{name}"]
    assert logits.shape == expected.shape
    error = np.abs(logits.numpy() - expected).max() / np.abs(expected).max()
    assert error <= 1e-4
    equal = labels.numpy().reshape(-1) == golden[f"labels_{name}"].reshape(-1)
    assert equal.size == height * width
    assert equal.mean() >= 0.999


@VARIANTS
def test_an_image_gives_the_same_logits_alone_and_in_a_batch(
    variant, golden_network, golden_image
):
    batch = torch.from_numpy(golden_image(2, 64, 96, 1))
    with torch.inference_mode():
        together = golden_network(variant)(batch)
        alone = torch.cat([golden_network(variant)(image[None]) for image in batch])
    assert not torch.allclose(together[0], together[1])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-3 * alone.abs().max().item())


@VARIANTS
def test_there_are_as_many_logits_as_classes(variant):
    with torch.inference_mode():
        logits = PPMobileSeg(CONFIGS[variant], num_classes=19).eval()(torch.zeros(1, 3, 64, 64))
    assert logits.shape[1] == 19


@pytest.mark.parametrize(("config", "stride"), [(TINY, 16), (BASE, 8)])
def test_logits_are_smaller_by_the_stride_and_odd_sides_round_up_at_an_eighth(config, stride):
    network = PPMobileSeg(config, num_classes=2).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 96, 160)).shape[-2:] == (96 // stride, 160 // stride)
        assert network(torch.zeros(1, 3, 33, 32)).shape[-1] == 32 // stride


@pytest.mark.parametrize(("config", "parameters"), [(TINY, 1_492_000), (BASE, 5_944_000)])
def test_parameter_count(config, parameters):
    count = sum(p.numel() for p in PPMobileSeg(config).parameters())
    assert count == pytest.approx(parameters, abs=500)
