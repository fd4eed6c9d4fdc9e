import numpy as np
import pytest

from ppmobileseg_deploy.verification import first_divergence


def layers(**seeds: int) -> dict[str, np.ndarray]:
    """A layer of random numbers for each name; equal seeds give equal layers."""
    return {
        name.replace("_", "."): np.random.default_rng(seed).normal(size=(1, 4, 5)).astype("f4")
        for name, seed in seeds.items()
    }


FIRST = layers(a_conv=1, a_bn=2, a=3, b_conv=4, b_bn=5, b_act=6, b=7, head=8)


@pytest.mark.parametrize(
    ("second", "layer", "after"),
    [
        pytest.param(layers(x=1, y=2, z=3, u=4, v=5, w=6, s=7, t=8), None, None, id="equal"),
        pytest.param(layers(y=2, v=5, t=8), None, None, id="equal and fused"),
        pytest.param(layers(z=3, v=9, t=10), "b.conv", "a", id="fused and wrong"),
        pytest.param(layers(y=2, z=3, u=4, v=9), "b.bn", "b.conv", id="wrong in the middle"),
        pytest.param(layers(y=2, v=5, w=9), "b.act", "b.bn", id="a fused layer is passed over"),
        pytest.param(layers(z=3, s=7, t=9), "head", "b", id="wrong at the end"),
        pytest.param(layers(z=9), "a.conv", None, id="nothing equal"),
        pytest.param({}, "a.conv", None, id="nothing there"),
    ],
)
def test_where_networks_part(second, layer, after):
    divergence = first_divergence(FIRST, second)
    assert (divergence and divergence.layer) == layer
    if divergence:
        assert divergence.after == after
        assert divergence.compared == len(FIRST)


def test_a_difference_within_the_tolerance_is_none():
    near = {name: output * np.float32(1 + 1e-4) for name, output in FIRST.items()}
    assert first_divergence(FIRST, near) is None
    beyond = first_divergence(FIRST, near, tolerance=1e-5)
    assert (beyond and beyond.layer) == next(iter(FIRST))


def test_constant_layers_are_equal_by_chance_and_do_not_count():
    ones = {"gate": np.ones((1, 4, 5), np.float32)}
    assert first_divergence({**FIRST, **ones}, {**layers(y=9), **ones}).found == 0


def test_the_closest_output_is_told():
    wrong = {**FIRST, "head": FIRST["head"] + np.float32(0.5)}
    divergence = first_divergence(FIRST, wrong)
    assert divergence.closest == pytest.approx(0.5 / np.abs(FIRST["head"]).max(), rel=1e-5)


def test_not_a_number_is_no_equal():
    wrong = {**FIRST, "head": FIRST["head"] * np.nan}
    assert first_divergence(FIRST, wrong).layer == "head"
