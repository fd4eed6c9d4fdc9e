import numpy as np
import pytest
import torch

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.verification import (
    Example,
    ModelOutput,
    image_example,
    open_model,
    store_outputs,
    synthetic_examples,
    verify,
)

EXAMPLES = synthetic_examples()


def test_a_checkpoint_and_its_file_agree(checkpoint, exported, exported_logits):
    for first, second in ((checkpoint, exported), (checkpoint, exported_logits)):
        found = verify(open_model(first), open_model(second), EXAMPLES)
        assert found.agreed
        assert found.divergence is None
        assert found.hint == ""
        assert [each.name for each in found.examples] == [each.name for each in EXAMPLES]
        assert all(each.max_logit_difference < 1e-4 * each.max_logit for each in found.examples)
        assert all(
            each.mean_logit_difference < each.max_logit_difference for each in found.examples
        )
        assert all(each.equal_labels > 0.999 for each in found.examples)


@pytest.mark.parametrize(
    ("node", "layer"),
    [
        ("/network/backbone/smb1/conv/activation/HardSwish", "backbone.smb1.conv.activation"),
        (
            "/network/backbone/smb4/blocks/blocks.0/expand_conv/activation/HardSwish",
            "backbone.smb4.blocks.0.expand_conv.activation",
        ),
    ],
)
def test_a_swapped_activation_is_found(checkpoint, with_activation_swapped, node, layer):
    found = verify(open_model(checkpoint), open_model(with_activation_swapped(node)), EXAMPLES)
    assert not found.agreed
    assert found.divergence.layer == layer
    assert found.divergence.after == layer.replace("activation", "bn")


def test_layers_are_held_to_the_same_tolerance_as_logits(checkpoint, exported):
    models = open_model(checkpoint), open_model(exported)
    found = verify(*models, EXAMPLES, logit_tolerance=0)
    assert not found.agreed
    assert found.divergence is not None
    assert found.hint == ""


def test_a_swapped_activation_is_found_between_two_files(exported, with_activation_swapped):
    node = "/network/backbone/smb4/blocks/blocks.0/expand_conv/activation/HardSwish"
    found = verify(open_model(exported), open_model(with_activation_swapped(node)), EXAMPLES)
    assert found.divergence.layer == f"{node}_output_0"


@pytest.mark.parametrize(
    "module", ["backbone.smb2.blocks.0.expand_conv.bn", "backbone.smb4.blocks.1.expand_conv.bn"]
)
def test_a_missing_batch_norm_is_found(checkpoint, without_batch_norm, module):
    found = verify(open_model(checkpoint), open_model(without_batch_norm(module)), EXAMPLES)
    assert not found.agreed
    assert found.divergence.layer == module
    assert found.divergence.after == module.replace("bn", "conv")


def test_the_layer_is_sought_in_the_checkpoint_whichever_comes_first(
    checkpoint, without_batch_norm
):
    module = "backbone.smb2.blocks.0.expand_conv.bn"
    found = verify(open_model(without_batch_norm(module)), open_model(checkpoint), EXAMPLES)
    assert found.divergence.layer == module


def test_a_layer_that_differs_by_less_than_the_tolerance_is_found(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    bias = content["state_dict"]["decode_head.conv_seg.bias"]
    bias[[2, 4]] = bias[[4, 2]].clone()
    torch.save(content, tmp_path / "swapped.pth")
    found = verify(
        open_model(checkpoint),
        open_model(str(tmp_path / "swapped.pth")),
        EXAMPLES,
        logit_tolerance=0.01,
        min_equal_labels=1.0,
    )
    assert not found.agreed
    assert found.divergence.layer == "decode_head.conv_seg"


def test_more_than_rounding_within_the_tolerance_is_told(checkpoint, exported, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    content["state_dict"]["backbone.smb2.blocks.0.expand_conv.conv.weight"].mul_(1.0005)
    torch.save(content, tmp_path / "scaled.pth")
    scaled = open_model(str(tmp_path / "scaled.pth"))
    found = verify(open_model(exported), scaled, EXAMPLES)
    assert found.agreed
    assert "more than rounding" in found.hint


def test_confused_channels_are_found_and_called_by_name(checkpoint, with_channels_swapped):
    found = verify(open_model(checkpoint), open_model(with_channels_swapped), EXAMPLES)
    assert not found.agreed
    assert found.divergence.layer == "backbone.smb1.conv.conv"
    assert "BGR" in found.hint


def test_stored_outputs_stand_in_for_a_model(checkpoint, exported, exported_logits, tmp_path):
    path = tmp_path / "outputs.npz"
    store_outputs(open_model(checkpoint), EXAMPLES[:2], path)
    stored = open_model(str(path))
    found = verify(stored, open_model(exported), ())
    assert found.agreed
    assert [each.name for each in found.examples] == [each.name for each in EXAMPLES[:2]]
    # Upsampled logits are compared with logits before upsampling.
    assert verify(open_model(exported_logits), stored, ()).agreed


def test_stored_outputs_can_tell_no_layers(checkpoint, with_channels_swapped, tmp_path):
    path = tmp_path / "outputs.npz"
    store_outputs(open_model(checkpoint), EXAMPLES[:1], path)
    found = verify(open_model(str(path)), open_model(with_channels_swapped), ())
    assert not found.agreed
    assert found.divergence is None
    assert "BGR" in found.hint


def test_outputs_of_other_inputs_are_refused(checkpoint, tmp_path):
    model = open_model(checkpoint)
    for name, examples in (("a.npz", EXAMPLES[:1]), ("b.npz", EXAMPLES[1:2])):
        store_outputs(model, examples, tmp_path / name)
    with pytest.raises(UsageError, match="the same inputs"):
        verify(*(open_model(str(tmp_path / name)) for name in ("a.npz", "b.npz")), ())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.npz", None, "there is no such file"),
        ("text.npz", b"no archive", "expected outputs as"),
        ("empty.npz", b"PK\x05\x06" + bytes(18), "found none"),
    ],
)
def test_what_was_not_stored_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as raised:
        open_model(str(tmp_path / name))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"input": np.zeros((1, 3, 32), np.float32)}, "expected a float32 input (1, 3, height"),
        ({"input": np.zeros((1, 3, 32, 32))}, "found float64"),
        ({"labels": np.zeros((33, 32), np.uint8)}, "up to (32, 32) as labels"),
        ({"labels": np.zeros((32, 32), np.float32)}, "found float32 (32, 32)"),
        ({"logits": np.zeros((2, 32), np.float32)}, "expected float logits"),
    ],
)
def test_outputs_of_other_shapes_are_refused(tmp_path, arrays, message):
    good = {"input": np.zeros((1, 3, 32, 32), np.float32), "labels": np.zeros((32, 32), np.uint8)}
    path = tmp_path / "outputs.npz"
    np.savez(path, **{f"a/{name}": array for name, array in (good | arrays).items()})
    with pytest.raises(UsageError) as raised:
        open_model(str(path))
    assert message in str(raised.value)


def test_outputs_that_lack_a_part_are_refused(tmp_path):
    np.savez(tmp_path / "part.npz", **{"a/input": np.zeros((1, 3, 32, 32), np.float32)})
    with pytest.raises(UsageError, match="expected an input and labels"):
        open_model(str(tmp_path / "part.npz"))


class Made:
    """A model that gives what it is told to."""

    examples = None
    size_hw = None
    is_checkpoint = False

    def __init__(self, labels: np.ndarray, logits: np.ndarray | None) -> None:
        self.name, self._output = "made", ModelOutput(labels, logits)

    def run(self, _: Example) -> ModelOutput:
        return self._output

    def layers(self, _: Example) -> None:
        return None


def test_labels_away_from_edges_are_told_apart_from_those_at_edges():
    labels = np.zeros((32, 32), np.int64)
    labels[:, 16:] = 1
    shifted = np.roll(labels, 1, axis=1)
    shifted[:, 0] = 0
    (found,) = verify(Made(labels, None), Made(shifted, None), EXAMPLES[:1]).examples
    assert found.equal_labels == 1 - 1 / 32
    assert found.equal_labels_inside == 1.0
    assert found.max_logit_difference is None


def test_logits_that_are_not_numbers_do_not_agree():
    labels, logits = np.zeros((4, 4), int), np.ones((2, 4, 4), np.float32)
    assert verify(Made(labels, logits), Made(labels, logits), EXAMPLES[:1]).agreed
    assert not verify(Made(labels, logits), Made(labels, logits * np.nan), EXAMPLES[:1]).agreed


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (Made(np.zeros((4, 5), int), None), "labels of the same shape, found (4, 4) and (4, 5)"),
        (Made(np.zeros((4, 4), int), np.ones((3, 4, 4), np.float32)), "found 2 and 3"),
    ],
)
def test_models_of_other_shapes_are_refused(second, message):
    first = Made(np.zeros((4, 4), int), np.ones((2, 4, 4), np.float32))
    with pytest.raises(UsageError) as raised:
        verify(first, second, EXAMPLES[:1])
    assert message in str(raised.value)


def test_a_photograph_is_prepared_as_the_models_want_it(tmp_path):
    from ppmobileseg_deploy.runtime.images.files import write_image

    write_image(tmp_path / "p.png", np.full((100, 150, 3), 255, np.uint8))
    example = image_example(tmp_path / "p.png")
    assert example.name == "p.png"
    assert example.tensor.shape == (1, 3, 512, 768)
    assert example.tensor[0, 0, 0, 0] == pytest.approx((255 - 123.675) / 58.395)
