import hashlib
import os

import pytest
import torch

from ppmobileseg_deploy.checkpoints import (
    OfficialCheckpoint,
    build_model,
    load_checkpoint,
    loading,
)
from ppmobileseg_deploy.errors import CheckpointError, DownloadError


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
        (b"", "is empty"),
        (b"hello, this is a text file\n", "is neither a PyTorch file"),
        (b"\x08\x08\x12\x07pytorch", "is neither a PyTorch file"),
        (b"\x80", "is neither a PyTorch file"),
        (b"\x80\x04", "cannot be read as PaddleSeg"),
        (b"PK\x03\x04", "is cut off or damaged"),
        (b"\x80\x04\x95garbage", "cannot be read as PaddleSeg"),
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
