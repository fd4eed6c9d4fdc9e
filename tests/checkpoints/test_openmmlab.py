import io
import threading
import warnings
import zipfile

import numpy as np
import pytest
import torch

from ppmobileseg_deploy.checkpoints import build_model, load_checkpoint
from ppmobileseg_deploy.errors import CheckpointError

LEGACY = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])


@pytest.mark.parametrize("variant", ["tiny", "base"])
@LEGACY
def test_a_file_of_mmengine_gives_the_golden_logits(
    variant, legacy, save_mmengine, golden_state_dict, golden_image, golden_arrays
):
    checkpoint = load_checkpoint(save_mmengine(golden_state_dict(variant), legacy=legacy))
    assert (checkpoint.config.name, checkpoint.num_classes) == (variant, 150)
    with torch.inference_mode():
        logits = build_model(checkpoint)(torch.from_numpy(golden_image(1, 64, 96, 1)))
    expected = golden_arrays(variant)["logits_1x64x96"]
    assert np.abs(logits.numpy() - expected).max() <= 1e-4 * np.abs(expected).max()


def test_the_made_up_file_names_what_a_real_one_names(
    save_mmengine, golden_state_dict, pickled_text
):
    text = pickled_text(save_mmengine(golden_state_dict("tiny")))
    for name in (
        b"cmmengine.logging.history_buffer\nHistoryBuffer\n",
        b"c__builtin__\ngetattr\n",
        b"multiarray\nscalar\n",
        b"multiarray\n_reconstruct\n",
        b"cnumpy\ndtype\n",
        b"cnumpy\nndarray\n",
    ):
        assert name in text


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_numpy_1_and_2(module, save_mmengine, golden_state_dict, replace_in_pickle):
    path = save_mmengine(golden_state_dict("tiny"))
    installed = np.zeros(1).__reduce__()[0].__module__.encode()
    replace_in_pickle(path, b"c" + installed + b"\n", b"c" + module + b"\n")
    assert load_checkpoint(path).config.name == "tiny"


@LEGACY
def test_a_payload_is_named_and_never_run(legacy, save_pth, golden_state_dict, payload):
    harmful, marker = payload
    path = save_pth({"state_dict": golden_state_dict("tiny"), "extra": harmful}, legacy=legacy)
    with pytest.raises(CheckpointError, match=r"my\.pth asks for (posix|nt)\.system"):
        load_checkpoint(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the payload must be able to run, or this test proves nothing"


class Reduced:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (eval, "eval"),
        (np.load, r"numpy\.load"),
        (torch.hub.load, r"torch\.hub\.load"),
        (io.BytesIO, r"_io\.BytesIO"),
    ],
)
def test_any_other_global_is_named(function, name, save_pth):
    with pytest.raises(CheckpointError, match=rf"asks for {name}, expected tensors"):
        load_checkpoint(save_pth({"extra": Reduced(function, "x")}))


def test_a_name_cannot_write_to_the_terminal(save_pth, replace_in_pickle):
    path = save_pth({"extra": Reduced(eval, "1")})
    replace_in_pickle(path, b"\neval\n", b"\n\x1b[31meval\n")
    with pytest.raises(CheckpointError, match=r"asks for .*eval") as caught:
        load_checkpoint(path)
    assert str(caught.value).isprintable()


def test_what_stands_in_for_getattr_looks_nothing_up(
    save_pth, golden_state_dict, replace_in_pickle
):
    # The real one would raise AttributeError.
    looked_up = Reduced(getattr, "text", "there is no such attribute")
    path = save_pth({"state_dict": golden_state_dict("tiny"), "extra": looked_up})
    assert load_checkpoint(path).config.name == "tiny"
    # What it returns cannot be called: ")R" is a call without arguments.
    called = save_pth({"extra": Reduced(getattr, "text", "upper")})
    replace_in_pickle(called, b"Rq\x06s.", b"R)Rs.")
    with pytest.raises(CheckpointError, match="unrecognized function"):
        load_checkpoint(called)


def test_the_list_of_allowed_globals_is_as_before(save_pth, save_mmengine, golden_state_dict):
    with torch.serialization.safe_globals([np.dtype, np.ndarray]):
        before = set(torch.serialization.get_safe_globals())
        load_checkpoint(save_mmengine(golden_state_dict("tiny")))
        assert set(torch.serialization.get_safe_globals()) == before
        with pytest.raises(CheckpointError):
            load_checkpoint(save_pth({"extra": Reduced(eval, "1")}))
        assert set(torch.serialization.get_safe_globals()) == before


def test_what_the_program_allows_elsewhere_is_not_allowed_here(save_pth):
    path = save_pth({"extra": Reduced(io.BytesIO, b"x")})
    with torch.serialization.safe_globals([io.BytesIO]):
        torch.load(path, weights_only=True)
        with pytest.raises(CheckpointError, match="BytesIO"):
            load_checkpoint(path)


def test_several_threads_may_load_at_once(save_mmengine, golden_state_dict):
    path = save_mmengine(golden_state_dict("tiny"))
    failures = []

    def load():
        try:
            load_checkpoint(path)
        except CheckpointError as error:
            failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@LEGACY
@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 0.999])
def test_a_truncated_file(legacy, share, save_pth, golden_state_dict):
    path = save_pth(golden_state_dict("tiny"), legacy=legacy)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match=r"^my\.pth is (cut off|damaged)") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("entry", ["data/0", "data.pkl"])
def test_a_flipped_bit_is_an_error(entry, save_pth, golden_state_dict):
    path = save_pth(golden_state_dict("tiny"))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        (content,) = [archive.read(n) for n in archive.namelist() if n.endswith("/" + entry)]
    data[data.index(content) + len(content) // 2] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"^my\.pth is damaged: .*/{entry} ") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(
    not hasattr(torch.serialization, "set_crc32_options"), reason="PyTorch 2.5 always has them"
)
def test_a_file_without_checksums(save_pth, golden_state_dict):
    torch.serialization.set_crc32_options(False)
    try:
        path = save_pth(golden_state_dict("tiny"))
    finally:
        torch.serialization.set_crc32_options(True)
    assert load_checkpoint(path).config.name == "tiny"


def test_a_damaged_pickle(save_pth, golden_state_dict, replace_in_pickle):
    path = save_pth(golden_state_dict("tiny"))
    replace_in_pickle(path, b"ctorch._utils\n_rebuild_tensor_v2\n", b"X\xff\xff\xff\xff")
    with pytest.raises(CheckpointError, match=r"^my\.pth is damaged"):
        load_checkpoint(path)


def test_another_pickle_protocol_is_an_error_in_words(tmp_path, golden_state_dict):
    path = tmp_path / "my.pth"
    torch.save(golden_state_dict("tiny"), path, pickle_protocol=4)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected pickle protocol 4")
        with pytest.raises(CheckpointError, match=r"Unsupported operand"):
            load_checkpoint(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(CheckpointError, match="claim to unpack to 5000"):
        load_checkpoint(path)


def test_a_zip_of_something_else(tmp_path):
    path = tmp_path / "photos.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photos/1.jpg", b"jpeg")
    with pytest.raises(CheckpointError, match=r"torch\.save did not write"):
        load_checkpoint(path)


def test_a_torchscript_program(tmp_path):
    path = tmp_path / "program.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("program/data.pkl", b"\x80\x02}.")
        archive.writestr("program/constants.pkl", b"\x80\x02).")
    with pytest.raises(CheckpointError, match="TorchScript program"):
        load_checkpoint(path)
