"""Files of ``paddle.save``: pickles of arrays under PaddleSeg's names."""

import pickle
import sys
import types
from collections import OrderedDict

import numpy as np
import pytest
import torch

from ppmobileseg_deploy.checkpoints import build_model, load_checkpoint
from ppmobileseg_deploy.checkpoints.paddle_names import openmmlab_key
from ppmobileseg_deploy.errors import CheckpointError

VARIANTS = pytest.mark.parametrize("variant", ["tiny", "base"])


class Reduced:
    """Pickles as a call of ``function(*arguments)``, followed by ``state``."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.reduced


def with_name_table(arrays):
    return {**arrays, "StructuredToParameterName@@": {name: f"{name}_0" for name in arrays}}


@VARIANTS
def test_every_name_maps_to_the_one_of_openmmlab(variant, paddle_table, golden_shapes):
    table = paddle_table(variant)
    mapped = {name: openmmlab_key(name) for name in table}
    assert mapped == {name: entry["openmmlab"] for name, entry in table.items()}
    expected = {k for k in golden_shapes(variant) if not k.endswith("num_batches_tracked")}
    assert len(mapped) == len(expected)
    assert set(mapped.values()) == expected


@VARIANTS
def test_names_of_openmmlab_stay_as_they_are(variant, golden_shapes):
    for key in golden_shapes(variant):
        assert openmmlab_key(key) == key


@VARIANTS
def test_a_file_gives_the_golden_logits(
    variant, paddle_arrays, save_pdparams, golden_image, golden_arrays
):
    checkpoint = load_checkpoint(save_pdparams(with_name_table(paddle_arrays(variant))))
    assert (checkpoint.config.name, checkpoint.num_classes) == (variant, 150)
    with torch.inference_mode():
        logits = build_model(checkpoint)(torch.from_numpy(golden_image(1, 64, 96, 1)))
    expected = golden_arrays(variant)["logits_1x64x96"]
    assert np.abs(logits.numpy() - expected).max() <= 1e-4 * np.abs(expected).max()


FORMS = {
    "bare": lambda arrays: arrays,
    "ordered": OrderedDict,
    "wrapped": lambda arrays: {"epoch": 3, "state_dict": with_name_table(arrays)},
    "tuples": lambda arrays: {
        name: Reduced(tuple, (f"conv2d_{i}.w_0", array))
        for i, (name, array) in enumerate(arrays.items())
    },
    "prefixed": lambda arrays: {f"module.{name}": array for name, array in arrays.items()},
    "big endian": lambda arrays: {name: a.astype(">f4") for name, a in arrays.items()},
    "big endian doubles": lambda arrays: {n: a.astype(">f8") for n, a in arrays.items()},
    "float64": lambda arrays: {name: a.astype(np.float64) for name, a in arrays.items()},
    "Fortran order": lambda arrays: {name: np.asfortranarray(a) for name, a in arrays.items()},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_file(form, paddle_arrays, save_pdparams, golden_state_dict):
    saved = FORMS[form](paddle_arrays("tiny"))
    checkpoint = load_checkpoint(save_pdparams(saved))
    expected = golden_state_dict("tiny")
    assert len(checkpoint.state_dict) == 453
    for key, weight in checkpoint.state_dict.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, expected[key]), key


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_protocols(protocol, paddle_arrays, save_pdparams, golden_state_dict):
    arrays = paddle_arrays("tiny")
    checkpoint = load_checkpoint(save_pdparams(arrays, protocol=protocol))
    expected = golden_state_dict("tiny")
    assert all(torch.equal(w, expected[key]) for key, w in checkpoint.state_dict.items())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_numpy_1_and_2_and_pickle_protocols(
    module, protocol, paddle_arrays, save_pdparams, monkeypatch
):
    def _reconstruct():
        pass

    _reconstruct.__module__ = module
    _reconstruct.__qualname__ = "_reconstruct"
    named = types.ModuleType(module)
    named._reconstruct = _reconstruct
    arrays = {
        name: Reduced(_reconstruct, np.ndarray, (0,), b"b", state=array.__reduce__()[2])
        for name, array in paddle_arrays("tiny").items()
    }
    with monkeypatch.context() as saving:
        saving.setitem(sys.modules, module, named)
        path = save_pdparams(arrays, protocol=protocol)
    assert module.encode() in path.read_bytes()
    assert load_checkpoint(path).config.name == "tiny"


def test_any_number_of_classes(paddle_arrays, save_pdparams):
    arrays = paddle_arrays("tiny")
    for leaf in ("weight", "bias"):
        key = f"decode_head.conv_seg.{leaf}"
        arrays[key] = arrays[key][:19]
    checkpoint = load_checkpoint(save_pdparams(arrays))
    assert checkpoint.num_classes == 19
    assert build_model(checkpoint).num_classes == 19


def test_a_payload_is_named_and_never_run(save_pdparams, paddle_arrays, payload):
    harmful, marker = payload
    path = save_pdparams({**paddle_arrays("tiny"), "extra": harmful})
    with pytest.raises(CheckpointError, match=r"my\.pdparams .*asks for (posix|nt)\.system"):
        load_checkpoint(path)
    assert not marker.exists()
    pickle.loads(path.read_bytes())
    assert marker.exists(), "the payload must be able to run, or this test proves nothing"


def array_of(shape, dtype, data):
    """Pickle an array that claims a shape and type which its bytes do not have."""
    reconstruct, arguments, _ = np.zeros(1, np.float32).__reduce__()
    return Reduced(reconstruct, *arguments, state=(1, shape, np.dtype(dtype), False, data))


HOSTILE = {
    "larger than its bytes": (
        {"a": array_of((1 << 40,), "f4", b"\0" * 4)},
        "is damaged: an array",
    ),
    "negative": ({"a": array_of((-1, -1), "f4", b"\0" * 4)}, "no tuple of sizes"),
    "a side that is no number": ({"a": array_of((2.0, 2), "f4", b"\0" * 16)}, "no tuple of sizes"),
    "a huge side": ({"a": array_of((1 << 4000,), "f4", b"")}, "no tuple of sizes"),
    "40 sides": ({"a": array_of((1,) * 40, "f4", b"\0" * 4)}, "no tuple of sizes"),
    "no bytes": ({"a": array_of((1,), "f4", [1.5])}, "an array without bytes"),
    "no state": ({"a": Reduced(np.ndarray, (1 << 40,), "f8")}, "holds no weights"),
    "objects": ({"a": array_of((1,), "O", [None])}, "holds no weights"),
    "texts": ({"a": np.array(["abcd"])}, "holds no weights"),
    "empty": ({}, r"holds no weights, but the entries \(none\)"),
    "a list": ([np.zeros(3, np.float32)], "holds no weights, but an object of type list"),
    "a text": ("weights", "holds no weights, but an object of type str"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_unusable_content_is_an_error(case, save_pdparams):
    content, reason = HOSTILE[case]
    with pytest.raises(CheckpointError, match=rf"^my\.pdparams .*{reason}") as caught:
        load_checkpoint(save_pdparams(content))
    assert len(str(caught.value)) < 300


def test_objects_beside_the_weights_do_no_harm(save_pdparams, paddle_arrays):
    beside = {"texts": np.array(["a"]), "objects": np.array([None]), "time": np.datetime64(0, "s")}
    checkpoint = load_checkpoint(save_pdparams({**paddle_arrays("tiny"), **beside}))
    assert checkpoint.config.name == "tiny"


def test_a_dict_that_contains_itself(save_pdparams):
    looped = {"epoch": 1}
    for name in ("model", "ema", "state_dict", "module"):
        looped[name] = looped
    with pytest.raises(CheckpointError, match="holds no weights"):
        load_checkpoint(save_pdparams(looped))


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_truncated_file(save_pdparams, paddle_arrays, share):
    path = save_pdparams(paddle_arrays("tiny"))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match=r"^my\.pdparams is cut off or damaged"):
        load_checkpoint(path)


def test_two_names_of_one_weight(save_pdparams, paddle_arrays):
    arrays = paddle_arrays("tiny")
    arrays["backbone.smb1.conv.conv.weight"] = arrays["backbone.smb1.conv.c.weight"]
    with pytest.raises(CheckpointError, match="names one weight twice"):
        load_checkpoint(save_pdparams(arrays))


def test_bfloat16_which_paddle_stores_as_integers_is_refused(save_pdparams, paddle_arrays):
    arrays = {name: array.astype(np.uint16) for name, array in paddle_arrays("tiny").items()}
    with pytest.raises(CheckpointError, match=r"not floating-point .*uint16"):
        load_checkpoint(save_pdparams(arrays))
