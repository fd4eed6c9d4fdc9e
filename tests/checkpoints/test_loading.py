import argparse
import hashlib
import os
import threading
import tracemalloc

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ppmobileseg_deploy.checkpoints import (
    OfficialCheckpoint,
    build_model,
    load_checkpoint,
    loading,
)
from ppmobileseg_deploy.errors import CheckpointError, DownloadError, UsageError


def with_classes(state_dict, num_classes):
    for leaf in ("weight", "bias"):
        key = f"decode_head.conv_seg.{leaf}"
        head = state_dict[key]
        state_dict[key] = head.repeat(num_classes // 150 + 1, *[1] * (head.ndim - 1))[:num_classes]
    return state_dict


@pytest.mark.parametrize(
    ("variant", "num_classes"), [("tiny", 1), ("tiny", 150), ("base", 19), ("base", 300)]
)
def test_variant_and_classes_are_read_off_the_tensors(
    variant, num_classes, save_pth, golden_state_dict
):
    saved = with_classes(golden_state_dict(variant), num_classes)
    checkpoint = load_checkpoint(save_pth({"state_dict": saved}))
    assert checkpoint.config.name == variant
    assert checkpoint.num_classes == num_classes
    model = build_model(checkpoint)
    assert not model.training
    assert not any(module.training for module in model.modules())
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, saved[key]), key


def test_what_is_known_about_the_file(save_pth, golden_state_dict):
    path = save_pth(golden_state_dict("tiny"), "street scenes.pth")
    for argument in (path, str(path)):
        checkpoint = load_checkpoint(argument)
        assert checkpoint.file_name == "street scenes.pth"
        assert checkpoint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert checkpoint.official_name is None
    assert len(repr(checkpoint)) < 3000, "weights do not belong into a repr"


@pytest.mark.parametrize("variant", ["tiny", "base"])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_file_of_mmengine_gives_the_golden_logits(
    variant, legacy, save_mmengine, golden_state_dict, golden_image, golden_arrays
):
    checkpoint = load_checkpoint(save_mmengine(golden_state_dict(variant), legacy=legacy))
    assert (checkpoint.config.name, checkpoint.num_classes) == (variant, 150)
    assert checkpoint.weights_name == "state_dict"
    with torch.inference_mode():
        logits = build_model(checkpoint)(torch.from_numpy(golden_image(1, 64, 96, 1)))
    expected = golden_arrays(variant)["logits_1x64x96"]
    assert np.abs(logits.numpy() - expected).max() <= 1e-4 * np.abs(expected).max()


def assert_golden(checkpoint, expected):
    assert len(checkpoint.state_dict) == 453
    for key, weight in checkpoint.state_dict.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, expected[key]), key


def test_safetensors(tmp_path, golden_state_dict):
    tensors = golden_state_dict("tiny")
    for prefix in ("", "model."):
        path = tmp_path / "my.safetensors"
        save_file({prefix + key: tensor.clone() for key, tensor in tensors.items()}, path)
        assert_golden(load_checkpoint(path), tensors)


def test_a_whole_pickled_network(save_pth, golden_state_dict):
    network = build_model(load_checkpoint(save_pth(golden_state_dict("tiny"))))
    assert_golden(load_checkpoint(save_pth({"model": network})), golden_state_dict("tiny"))


def test_a_file_of_lightning(save_pth, golden_state_dict):
    tensors = golden_state_dict("tiny")
    saved = {
        "epoch": 3,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {
            **{f"net.{key}": tensor for key, tensor in tensors.items()},
            "criterion.weight": torch.ones(150),
        },
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {"best": torch.tensor(0.1)}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}],
        "hyper_parameters": argparse.Namespace(lr=0.1, classes=["a"]),
    }
    checkpoint = load_checkpoint(save_pth(saved))
    assert_golden(checkpoint, tensors)
    assert checkpoint.weights_name == "state_dict.net"
    assert checkpoint.notes == (
        "my.pth holds tensors beside the network, which were left out: criterion.weight",
    )


def test_flattened_parameters(save_pth, golden_state_dict):
    tensors = golden_state_dict("tiny")
    flat = torch.cat([tensor.float().flatten() for tensor in tensors.values()])
    views, start = {}, 0
    for key, tensor in tensors.items():
        views[key] = flat[start : start + tensor.numel()].view(tensor.shape)
        start += tensor.numel()
    assert_golden(load_checkpoint(save_pth(views)), tensors)


def test_what_the_file_says_of_itself(save_pth, golden_state_dict):
    saved = with_classes(golden_state_dict("tiny"), 3)
    saved["data_preprocessor.mean"] = torch.tensor([1.0, 2, 3]).view(3, 1, 1)
    saved["data_preprocessor.std"] = torch.tensor([4.0, 5, 6]).view(3, 1, 1)
    names, palette = ("sky", "tree", "road"), [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    meta = {"dataset_meta": {"classes": names, "palette": palette}}
    checkpoint = load_checkpoint(save_pth({"state_dict": saved, "meta": meta}))
    assert checkpoint.class_names == names
    assert checkpoint.palette_rgb == ((1, 2, 3), (4, 5, 6), (7, 8, 9))
    assert (checkpoint.mean, checkpoint.std) == ((1, 2, 3), (4, 5, 6))
    assert checkpoint.channel_order is None
    assert checkpoint.notes == ()


def test_what_it_says_and_what_is_not_used_is_noted(save_mmengine, golden_state_dict):
    checkpoint = load_checkpoint(save_mmengine(golden_state_dict("tiny")))
    assert checkpoint.class_names is None
    assert checkpoint.notes == (
        "the class names in my.pth are not used: expected 150, found 2",
        "the colours in my.pth are not used: expected 150 of three numbers, found (2, 3)",
    )


def test_of_several_networks_one_is_chosen_by_name(save_pth, golden_state_dict):
    averaged = golden_state_dict("tiny")
    model = {key: tensor + 1 for key, tensor in averaged.items()}
    path = save_pth({"model": model, "ema": {"module": averaged}})
    checkpoint = load_checkpoint(path)
    assert_golden(checkpoint, averaged)
    assert checkpoint.weights_name == "ema.module"
    (note,) = checkpoint.notes
    assert "holds 2 sets of weights (model, ema.module): took ema.module, the averaged one" in note
    assert_golden(load_checkpoint(path, weights="model"), model)
    with pytest.raises(UsageError, match=r"expected one of model, ema\.module"):
        load_checkpoint(path, weights="best")


def test_a_payload_is_never_run(save_pth, golden_state_dict, payload):
    harmful, marker = payload
    with pytest.raises(CheckpointError, match=r"^my\.pth asks for (posix|nt)\.system"):
        load_checkpoint(save_pth({"state_dict": golden_state_dict("tiny"), "extra": harmful}))
    assert not marker.exists()


def test_memory_is_that_of_the_weights(save_pth, golden_state_dict):
    weights = golden_state_dict("base")
    moments = {key: {"exp_avg": tensor.clone()} for key, tensor in weights.items()}
    path = save_pth({"state_dict": weights, "optimizer": {"state": moments}})
    size = sum(tensor.nbytes for tensor in weights.values())
    load_checkpoint(path)
    tracemalloc.start()
    try:
        load_checkpoint(path)
        assert tracemalloc.get_traced_memory()[1] < size + 5_000_000
    finally:
        tracemalloc.stop()


def test_several_threads_may_load_at_once(save_mmengine, golden_state_dict):
    path = save_mmengine(golden_state_dict("tiny"))
    loaded = []
    threads = [
        threading.Thread(target=lambda: loaded.append(load_checkpoint(path))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(each.state_dict) for each in loaded] == [set(loaded[0].state_dict)] * 4
    for key, weight in golden_state_dict("tiny").items():
        if key in loaded[0].state_dict:
            assert all(torch.equal(each.state_dict[key], weight) for each in loaded), key


def test_a_file_that_is_overwritten_meanwhile_is_an_error(
    save_pth, golden_state_dict, monkeypatch
):
    path = save_pth(golden_state_dict("tiny"))
    fit = loading.fit

    def fit_while_training_goes_on(*arguments):
        fitted = fit(*arguments)
        torch.save(golden_state_dict("base"), path)
        return fitted

    monkeypatch.setattr(loading, "fit", fit_while_training_goes_on)
    with pytest.raises(CheckpointError, match=r"^my\.pth was changed while it was read"):
        load_checkpoint(path)


def test_an_error_that_nobody_thought_of_is_one_of_ours(save_pth, monkeypatch):
    def fail(_):
        raise RuntimeError("x\n" * 1000)

    monkeypatch.setattr(loading, "read_any", fail)
    with pytest.raises(CheckpointError, match=r"^my\.pth is damaged or no checkpoint") as caught:
        load_checkpoint(save_pth({}))
    assert len(str(caught.value)) < 200


def test_the_format_is_recognised_by_content(
    save_pth, save_pdparams, golden_state_dict, paddle_arrays
):
    pth = save_pth(golden_state_dict("tiny"), "a.pdparams")
    pdparams = save_pdparams(paddle_arrays("tiny"), "b.pth")
    assert load_checkpoint(pth).config == load_checkpoint(pdparams).config


def test_training_the_model_leaves_the_checkpoint_alone(save_pth, golden_state_dict):
    checkpoint = load_checkpoint(save_pth(golden_state_dict("tiny")))
    before = {key: tensor.clone() for key, tensor in checkpoint.state_dict.items()}
    with torch.no_grad():
        for tensor in build_model(checkpoint).state_dict().values():
            tensor.zero_()
    assert all(torch.equal(before[key], checkpoint.state_dict[key]) for key in before)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty, expected a \.pth, \.pdparams or \.safetensors file"),
        (b"hello, this is a text file\n", "is neither a PyTorch file"),
        (b"\x80\x04", "is cut off or damaged"),
        (b"PK\x03\x04", "is cut off or damaged"),
    ],
)
def test_a_file_that_is_no_checkpoint(content, message, tmp_path):
    path = tmp_path / "thing.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"thing\.pth {message}"):
        load_checkpoint(path)


def test_a_path_that_is_no_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"no file .*nothing\.pth.*tiny, base"):
        load_checkpoint(tmp_path / "nothing.pth")
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="cannot read"):
        load_checkpoint(tmp_path / ("long" * 1000))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="device or pipe"):
        load_checkpoint(tmp_path / "pipe")


def test_a_file_far_too_large_is_not_read(tmp_path):
    path = tmp_path / "large.pth"
    with path.open("wb") as file:
        file.truncate(loading.MAX_BYTES + 1)  # sparse: takes no space
    with pytest.raises(CheckpointError, match=r"1073741825 bytes, PP-MobileSeg at most"):
        load_checkpoint(path)


@pytest.fixture
def official(serve, save_pth, golden_state_dict, monkeypatch, tmp_path):
    """The official tiny checkpoint, served from loopback, in an empty working directory."""
    data = save_pth(golden_state_dict("tiny")).read_bytes()
    address = serve({"/official-tiny.pth": (200, data, len(data))})
    digest = hashlib.sha256(data).hexdigest()
    tiny = OfficialCheckpoint("tiny", f"{address}/official-tiny.pth", digest[:8])
    monkeypatch.setattr(loading, "OFFICIAL", {"tiny": tiny})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tiny


def test_an_official_name_is_downloaded_once(official, serve):
    for _ in range(2):
        checkpoint = load_checkpoint("tiny")
        assert checkpoint.official_name == "tiny"
        assert checkpoint.file_name == "official-tiny.pth"
        assert checkpoint.sha256.startswith(official.sha256_prefix)
    assert serve.requests == ["/official-tiny.pth"]


def test_a_file_of_an_official_name_is_that_file(official, serve, save_pth, golden_state_dict):
    torch.save(golden_state_dict("base"), "tiny")
    checkpoint = load_checkpoint("tiny")
    assert (checkpoint.config.name, checkpoint.official_name) == ("base", None)
    assert serve.requests == []


def test_a_folder_of_an_official_name_is_no_obstacle(official, tmp_path):
    (tmp_path / "empty" / "tiny").mkdir()
    assert load_checkpoint("tiny").official_name == "tiny"


def test_a_failed_download_is_a_checkpoint_error(official, serve, monkeypatch):
    gone = OfficialCheckpoint("tiny", official.url + ".gone", official.sha256_prefix)
    monkeypatch.setattr(loading, "OFFICIAL", {"tiny": gone})
    with pytest.raises(DownloadError, match="404"):
        load_checkpoint("tiny")
