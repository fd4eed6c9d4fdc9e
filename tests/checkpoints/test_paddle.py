import pickle
import struct
import sys
import types
from collections import OrderedDict

import numpy as np
import pytest
import torch

from ppmobileseg_deploy.checkpoints import build_model, load_checkpoint
from ppmobileseg_deploy.checkpoints.paddle import openmmlab_key
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


@pytest.mark.parametrize("protocol", [3, 4, 5])
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


@pytest.mark.parametrize(
    ("function", "name"),
    [(eval, "builtins.eval"), (getattr, "builtins.getattr"), (np.load, "numpy.load")],
)
def test_any_other_global_is_named(save_pdparams, function, name):
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        load_checkpoint(save_pdparams({"a": Reduced(function, "x")}))


def test_a_name_cannot_write_to_the_terminal(tmp_path):
    path = tmp_path / "my.pdparams"
    path.write_bytes(b"\x80\x04c\x1b[31mos\nsystem\n.")
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert r"asks for \x1b[31mos.system" in str(caught.value)
    assert str(caught.value).isprintable()


def array_of(shape, dtype, data):
    """Pickle an array that claims a shape and type which its bytes do not have."""
    reconstruct, arguments, _ = np.zeros(1, np.float32).__reduce__()
    return Reduced(reconstruct, *arguments, state=(1, shape, np.dtype(dtype), False, data))


HOSTILE = {
    "larger than its bytes": {"a": array_of((1 << 40,), "f4", b"\0" * 4)},
    "negative": {"a": array_of((-1, -1), "f4", b"\0" * 4)},
    "objects": {"a": array_of((1,), "O", [None])},
    "texts": {"a": np.array(["abcd"])},
    "a side that is no number": {"a": array_of((2.0, 2), "f4", b"\0" * 16)},
    "no state": {"a": Reduced(np.ndarray, (1 << 40,), "f8")},
    "empty": {},
    "a list": [np.zeros(3, np.float32)],
    "a text": "weights",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_unusable_content_is_an_error(case, save_pdparams):
    with pytest.raises(CheckpointError, match=r"^my\.pdparams"):
        load_checkpoint(save_pdparams(HOSTILE[case]))


def test_arrays_that_share_bytes_cannot_outgrow_the_file(save_pdparams):
    shared = b"\0" * 4096
    arrays = {f"backbone.{i}": array_of((1024,), "f4", shared) for i in range(1000)}
    with pytest.raises(CheckpointError, match=r"4096000 bytes of arrays"):
        load_checkpoint(save_pdparams(arrays))


def test_a_few_bytes_cannot_reserve_gigabytes(tmp_path):
    path = tmp_path / "slots.pdparams"
    path.write_bytes(b"\x80\x04}r" + struct.pack("<I", 2**31) + b".")
    with pytest.raises(CheckpointError, match="2147483648 memory slots"):
        load_checkpoint(path)


def nested_tuples(start, end):
    # Enough levels to be refused, few enough for the test to end where they are not.
    return start + b"X\x01\0\0\0a" + b"2\x86" * 16 + end + b"."


@pytest.mark.parametrize(
    "pickled",
    [
        nested_tuples(b"\x80\x02}", b"Ns"),
        nested_tuples(b"\x80\x02}(X\x01\0\0\0bK\x01", b"Nu"),
        nested_tuples(b"\x80\x02(", b"Nd"),
        nested_tuples(b"\x80\x02}", b"q\x000h\x00Ns"),
        nested_tuples(b"\x80\x04}", b"\x940h\x00Ns"),
        nested_tuples(b"\x80\x02ccollections\nOrderedDict\n)R", b"Ns"),
        nested_tuples(b"\x80\x02ccollections\nOrderedDict\n", b"N\x86\x85\x85R"),
        nested_tuples(b"\x80\x02(ccollections\nOrderedDict\n((", b"Ntlo"),
        nested_tuples(b"\x80\x04\x8f(", b"\x90"),
        nested_tuples(b"\x80\x04(", b"\x91"),
        b"\x80\x02}\x8b\x01\0\0\0\x01Ns.",
        b"\x80\x02}0" + b"Ns.",
    ],
    ids=["SETITEM", "SETITEMS", "DICT", "BINPUT", "MEMOIZE", "OrderedDict item",
         "OrderedDict called", "OrderedDict OBJ", "set", "frozenset", "LONG4", "empty stack"],
)  # fmt: skip
def test_keys_that_take_ages_to_hash_are_refused(pickled, tmp_path):
    path = tmp_path / "my.pdparams"
    path.write_bytes(pickled)
    with pytest.raises(CheckpointError, match="cannot be read as PaddleSeg") as caught:
        load_checkpoint(path)
    assert len(str(caught.value)) < 200


NESTED = ()
for _ in range(16):
    NESTED = (NESTED, NESTED)


@pytest.mark.parametrize(
    "entry",
    [
        array_of((NESTED,), "f4", b""),
        array_of((1 << 4000,), "f4", b""),
        array_of((1,) * 40, "f4", b"\0" * 4),
        Reduced(tuple, b"one object for every byte"),
    ],
    ids=["nested shape", "huge side", "40 sides", "tuple of bytes"],
)
def test_what_could_grow_without_bounds_is_refused(entry, save_pdparams):
    with pytest.raises(CheckpointError, match=r"an array whose shape|a tuple made of") as caught:
        load_checkpoint(save_pdparams({"a": entry}))
    assert len(str(caught.value)) < 200


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
    with pytest.raises(CheckpointError, match="cannot be read as PaddleSeg parameters"):
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
