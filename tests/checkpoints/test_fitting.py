import pytest
import torch

from ppmobileseg_deploy.checkpoints import fitting
from ppmobileseg_deploy.checkpoints.fitting import network_names
from ppmobileseg_deploy.checkpoints.formats import Source, read_any
from ppmobileseg_deploy.errors import CheckpointError
from ppmobileseg_deploy.model import PPMobileSeg

STEM = "backbone.smb1.conv.conv.weight"
HEAD = "decode_head.conv_seg.weight"


@pytest.fixture
def tiny(golden_state_dict):
    return golden_state_dict("tiny")


@pytest.fixture
def fit(save_pth):
    """``fit(tensors)``: what `fitting.fit` makes of them once they have been saved."""

    def fit_saved(tensors):
        with Source.open(save_pth(tensors)) as source:
            return fitting.fit(read_any(source), "my.pth")

    return fit_saved


@pytest.fixture
def refused(fit):
    """``refused(tensors)``: what the error says."""

    def message_of(tensors):
        with pytest.raises(CheckpointError) as caught:
            fit(tensors)
        message = str(caught.value)
        assert message.startswith("my.pth ")
        assert "\n" not in message
        return message

    return message_of


@pytest.mark.parametrize("variant", ["tiny", "base"])
def test_all_weights_in_the_order_of_the_network_and_no_counters(variant, golden_state_dict, fit):
    weights = golden_state_dict(variant)
    config, num_classes, fitted = fit(dict(reversed(weights.items())))
    assert (config.name, num_classes) == (variant, 150)
    in_order = PPMobileSeg(config).state_dict()
    assert list(fitted) == [k for k in in_order if not k.endswith("num_batches_tracked")]


def test_counters_may_be_missing(tiny, fit):
    without = {k: t for k, t in tiny.items() if not k.endswith("num_batches_tracked")}
    assert len(without) < len(tiny)
    assert fit(without)[2].keys() == without.keys()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tiny, dtype, fit):
    stored = {key: t.to(dtype) if t.is_floating_point() else t for key, t in tiny.items()}
    for key, weight in fit(stored)[2].items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, stored[key].float())


def test_parameters_and_views_become_plain_tensors_of_their_own(tiny, fit):
    tiny[STEM] = torch.nn.Parameter(tiny[STEM].transpose(2, 3))
    weight = fit(tiny)[2][STEM]
    assert type(weight) is torch.Tensor
    assert not weight.requires_grad
    assert weight.is_contiguous()
    assert weight.data_ptr() != tiny[STEM].data_ptr()


def test_everything_that_does_not_fit_is_listed(tiny, refused):
    for leaf in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
        del tiny[f"backbone.smb1.conv.bn.{leaf}"]
    del tiny["backbone.smb2.blocks.0.linear_conv.conv.weight"]
    tiny["neck.conv.weight"] = tiny["neck.conv.bias"] = torch.zeros(3)
    tiny["odd\nname\x1b[31m"] = torch.zeros(3)
    tiny[STEM] = torch.zeros(16, 4, 3, 3)
    tiny["decode_head.conv_seg.bias"] = torch.zeros(149)
    assert refused(tiny) == (
        "my.pth does not fit PP-MobileSeg tiny with 150 classes: "
        "5 missing: backbone.smb1.conv.bn.{weight, bias, running_mean, running_var}, "
        "backbone.smb2.blocks.0.linear_conv.conv.weight; "
        "3 unexpected: neck.conv.{weight, bias}, odd\\nname\\x1b[31m; "
        "2 of the wrong shape: "
        f"{STEM} (expected (16, 3, 3, 3), found (16, 4, 3, 3)), "
        "decode_head.conv_seg.bias (expected (150,), found (149,))"
    )


def test_a_backbone_without_a_head(tiny, refused):
    message = refused({k: t for k, t in tiny.items() if k.startswith("backbone.")})
    assert "7 missing: decode_head.linear_fuse.conv.weight" in message
    assert "decode_head.conv_seg.{weight, bias}" in message


def test_every_missing_tensor_is_named_however_many(tiny, refused):
    message = refused({STEM: tiny[STEM], HEAD: tiny[HEAD]})
    missing = [key for key in tiny if not key.endswith("num_batches_tracked")]
    missing = [key for key in missing if key not in (STEM, HEAD)]
    assert f"{len(missing)} missing" in message
    for key in missing:
        assert key.rpartition(".")[0] + "." in message


@pytest.mark.parametrize("tensors", [{}, {"layer1.0.conv1.weight": torch.zeros(64, 64, 3, 3)}])
def test_another_network(tensors, refused):
    assert "is no PP-MobileSeg checkpoint" in refused(tensors)


@pytest.mark.parametrize(
    ("classes", "message"),
    [(0, "has 0 classes, expected 1 to"), (2**40, "has 1099511627776 classes, expected 1 to")],
)
def test_an_impossible_number_of_classes(tiny, classes, message, refused):
    tiny[HEAD] = torch.zeros(1, 256, 1, 1).expand(classes, 256, 1, 1)
    assert message in refused(tiny)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda t: t.to(torch.int8), "int8"),
        (lambda t: t.to(torch.complex64), "complex64"),
        (lambda t: t.to(torch.bool), "bool"),
        (lambda t: t.to(torch.float8_e5m2), "float8_e5m2"),
        (lambda t: t.to_sparse(), "sparse"),
        (lambda t: t.to("meta"), "without values"),
    ],
)
def test_weights_that_are_no_plain_numbers_are_all_named(tiny, change, kind, refused):
    for key in (STEM, HEAD):
        tiny[key] = change(tiny[key])
    message = refused(tiny)
    assert f"not floating-point numbers: {STEM} ({kind}), {HEAD} ({kind})" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_weights_that_are_not_finite_are_all_named(tiny, value, refused):
    for key in (STEM, HEAD):
        tiny[key] = tiny[key].double()
        tiny[key][0, 0, 0, 0] = value
    assert refused(tiny).endswith(f"in float32: {STEM}, {HEAD}")


def test_a_message_is_bounded(tiny, refused):
    strange = {f"neck.{number}." + "x" * 400: torch.zeros(1) for number in range(1200)}
    message = refused({**tiny, **strange})
    assert "1200 unexpected: neck.0.xxx" in message
    assert message.endswith(" and 200 more")
    assert len(message) < 100_000


def test_shapes_in_a_message_are_bounded(tiny, refused):
    tiny[STEM] = tiny[STEM].flatten()[:1].view((1,) * 30).expand((2**30,) + (1,) * 29)
    message = refused(tiny)
    assert (
        f"1 of the wrong shape: {STEM} (expected (16, 3, 3, 3), found (1073741824, 1, " in message
    )
    assert len(message) < 300


def test_weights_that_lie_all_over_the_file_are_not_gathered(tiny, refused):
    # Each of these would make the reader take in most of the file.
    whole = torch.zeros(3_000_000)
    for key, weight in tiny.items():
        if weight.dim() == 1:
            step = (len(whole) - 1) // max(len(weight) - 1, 1)
            tiny[key] = whole[::step][: len(weight)]
    assert "spreads its weights over more than 1073741824 bytes" in refused(tiny)


def test_names_of_the_networks(golden_shapes):
    for variant, names in zip(("tiny", "base"), network_names(), strict=True):
        expected = {k for k in golden_shapes(variant) if not k.endswith("num_batches_tracked")}
        assert names == expected
