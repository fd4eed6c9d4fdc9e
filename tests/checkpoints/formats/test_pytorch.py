"""Files of ``torch.save``, read here and by PyTorch."""

import argparse
import collections
import datetime
import enum
import io
import pathlib
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from ppmobileseg_deploy.checkpoints.formats import (
    FormatError,
    PickledArray,
    Placeholder,
    StoredTensor,
)
from ppmobileseg_deploy.checkpoints.formats.torch_objects import TORCH_BUILDERS, TorchStorage
from ppmobileseg_deploy.checkpoints.formats.unpickling import Global

LEGACY = pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])


def values(dtype):
    """Numbers at the edges of a type, as (2, 3, 4, 5)."""
    torch.manual_seed(0)
    if dtype.is_floating_point:
        edges = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-40])
        return (
            torch.cat([edges.double(), torch.randn(114).double() * 300]).to(dtype).view(2, 3, 4, 5)
        )
    return torch.randint(0, 2 if dtype is torch.bool else 100, (2, 3, 4, 5)).to(dtype)


WHOLE = values(torch.float32)


class WithAttributes(torch.nn.Parameter):
    pass


def with_attribute(tensor):
    tensor.note = "kept by pickle"
    return tensor


FORMS = {
    **{
        str(dtype): values(dtype)
        for dtype in (
            *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool),
            *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8),
        )
    },
    "number": torch.tensor(3.5),
    "empty": torch.zeros(0, 4),
    "transposed": WHOLE.transpose(1, 3),
    "every second": WHOLE[:, ::2, 1:, ::3],
    "from an offset": WHOLE[1, 2],
    "one column": WHOLE[..., 4],
    "expanded": torch.arange(3.0)[:, None].expand(3, 7),
    "channels last": WHOLE.contiguous(memory_format=torch.channels_last),
    "overlapping": torch.arange(9.0).as_strided((3, 3), (2, 1), 1),
    "of 5 dimensions": WHOLE[None, :, None],
    "parameter": torch.nn.Parameter(WHOLE.clone()),
    "frozen parameter": torch.nn.Parameter(WHOLE.clone(), requires_grad=False),
    "parameter with attributes": with_attribute(torch.nn.Parameter(WHOLE.clone())),
    "tensor with attributes": with_attribute(WHOLE.clone()),
    "tensor with gradient": WHOLE.clone().requires_grad_(),
    "complex view": torch.view_as_real(torch.randn(3, dtype=torch.complex64)),
}


def assert_same(found, expected):
    if isinstance(expected, torch.Tensor):
        assert isinstance(found, StoredTensor)
        assert found.dtype == str(expected.dtype).removeprefix("torch.")
        array = found.read()
        assert array.shape == tuple(expected.shape) == found.shape
        assert array.flags.c_contiguous
        assert array.flags.writeable
        if expected.dtype is torch.bfloat16:
            expected = expected.float()
        # Bytes, since NaN differs from itself and 0 does not from -0.
        assert array.tobytes() == expected.detach().contiguous().numpy().tobytes()
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list | tuple):
        assert type(found) is type(expected)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected
        assert type(found) is type(expected)


@LEGACY
@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_tensor_is_what_pytorch_reads(form, legacy, save_pth, opened):
    path = save_pth({"t": FORMS[form]}, legacy=legacy)
    with opened(path) as found:
        assert_same(found, torch.load(path, weights_only=False))


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64])
@LEGACY
def test_types_that_pytorch_cannot_read_back_from_its_old_format(dtype, legacy, save_pth, opened):
    with opened(save_pth({"t": values(dtype)}, legacy=legacy)) as found:
        assert_same(found["t"], values(dtype))


@LEGACY
def test_everything_at_once_shares_storages(legacy, save_pth, opened):
    saved = {
        **FORMS,
        "nested": [{"a": (1, -(2**70), 2.5, None, True, "ü\n")}, [[], {}, ()]],
        "parts": list(WHOLE.split(1)),
        "again": WHOLE,
    }
    path = save_pth(saved, legacy=legacy)
    with opened(path) as found:
        assert_same(found, torch.load(path, weights_only=False))


@LEGACY
@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_every_pickle_protocol(protocol, legacy, tmp_path, opened):
    path = tmp_path / "my.pth"
    torch.save(
        {
            "t": WHOLE,
            "list": list(range(300)),
            "text": "x" * 300,
            "deep": {"a": [(1,), {"b": -1}]},
        },
        path,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=not legacy,
    )
    with opened(path) as found:
        assert_same(found, torch.load(path, weights_only=False))


def test_big_endian_files(save_pth, edit_archive, opened):
    path = save_pth({"t": values(torch.float64), "h": values(torch.bfloat16)})

    def swap(name, content):
        if name.endswith("byteorder"):
            return b"big"
        if "/data/" in name:
            size = 8 if len(content) == 960 else 2
            return np.frombuffer(content, f"u{size}").byteswap().tobytes()
        return content

    edit_archive(path, swap)
    with opened(path) as found:
        assert_same(found, {"t": values(torch.float64), "h": values(torch.bfloat16)})
        assert_same(found, torch.load(path, weights_only=True))


def test_an_unknown_byte_order_is_an_error(save_pth, edit_archive, opened):
    path = save_pth({"t": WHOLE})
    edit_archive(path, lambda name, content: b"middle" if name.endswith("byteorder") else content)
    with pytest.raises(FormatError, match="expected byte order little or big, found 'middle'"):
        opened(path).__enter__()


def quantized():
    return torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)


@LEGACY
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (quantized, "quantized"),
        (lambda: torch.zeros(3, 3).to_sparse(), "sparse"),
        (lambda: torch.zeros(3, 3).to_sparse_csr(), "sparse"),
        (lambda: torch.zeros(3, device="meta"), "without values"),
        (lambda: torch.zeros(3, dtype=torch.complex64), "complex64"),
        (lambda: torch.zeros(3).to(torch.float8_e4m3fn), "float8_e4m3fn"),
        (lambda: torch.randn(3, dtype=torch.complex64).conj().imag, "float32 marked as neg"),
    ],
)
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor, :UserWarning")
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta:UserWarning")
def test_kinds_that_are_not_read_are_named(make, kind, legacy, save_pth, opened):
    with opened(save_pth({"t": make()}, legacy=legacy)) as found:
        assert found["t"].dtype == kind
        with pytest.raises(FormatError, match="of a kind that is not read"):
            found["t"].read()


class Colour(enum.Enum):
    RED = 1


class Settings(dict):
    pass


@LEGACY
def test_objects_of_training_are_placeholders(legacy, tmp_path, opened):
    beside = {
        "arguments": argparse.Namespace(lr=0.01),
        "path": pathlib.PurePosixPath("runs/1"),
        "simple": types.SimpleNamespace(lr=1),
        "default": collections.defaultdict(list, a=[1]),
        "time": datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc),
        "set": {1, 2},
        "frozen": frozenset({(1, 2)}),
        "complex": 1 + 2j,
        "bytes": b"abc",
        "array": np.arange(3),
        "number": np.float64(3.5),
        "texts": np.array(["a", "b"]),
        "size": torch.Size([1, 2]),
        "type": torch.float32,
        "device": torch.device("cpu"),
        "function": len,
        "keys": {1: "a", None: "b", (1, 2): "c", "named": "d"},
    }
    path = tmp_path / "my.pth"
    torch.save({"t": WHOLE, **beside}, path, _use_new_zipfile_serialization=not legacy)
    with opened(path) as found:
        assert_same(found["t"], WHOLE)
        assert found.keys() == {"t", *beside}
        assert isinstance(found["arguments"], Placeholder)
        assert found["arguments"].kind == "argparse.Namespace"
        assert dict(found["default"]) == {"a": [1]}
        assert found["keys"] == {"named": "d"}
        assert isinstance(found["array"], PickledArray)
        assert found["array"].stored.read().tolist() == [0, 1, 2]


def test_a_file_of_mmengine_names_what_real_ones_name(
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


class Reduced:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@LEGACY
def test_a_payload_is_named_and_never_run(legacy, save_pth, payload, opened):
    harmful, marker = payload
    path = save_pth({"t": WHOLE, "extra": harmful}, legacy=legacy)
    with pytest.raises(FormatError, match=r"^asks for (posix|nt)\.system, which runs"):
        opened(path).__enter__()
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the payload must be able to run, or this test proves nothing"


@pytest.mark.parametrize(
    "function",
    [np.load, torch.hub.load, io.BytesIO, getattr, bytearray, int.from_bytes],
    ids=["numpy.load", "torch.hub.load", "io.BytesIO", "getattr", "bytearray", "int.from_bytes"],
)
def test_nothing_else_is_called_either(function, save_pth, opened):
    with opened(save_pth({"t": WHOLE, "extra": Reduced(function, 4_000_000_000)})) as found:
        assert isinstance(found["extra"], Placeholder)
        assert_same(found["t"], WHOLE)


def truncated(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@LEGACY
@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_file(legacy, share, save_pth, golden_state_dict, opened):
    path = save_pth(golden_state_dict("tiny"), legacy=legacy)
    truncated(path, share)
    with pytest.raises(FormatError, match=r"^is (cut off|damaged)"):
        opened(path).__enter__()


@pytest.mark.parametrize("entry", ["data/0", "data.pkl", "version"])
def test_a_flipped_bit_is_an_error(entry, save_pth, opened):
    path = save_pth({"t": WHOLE})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        (content,) = [archive.read(n) for n in archive.namelist() if n.endswith("/" + entry)]
    data[data.index(content) + len(content) // 2] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(FormatError, match=rf"^is damaged: .*/{entry} is not what its checksum"):
        opened(path).__enter__()


@pytest.mark.skipif(
    not hasattr(torch.serialization, "set_crc32_options"), reason="PyTorch 2.5 always has them"
)
def test_a_file_without_checksums(save_pth, opened):
    torch.serialization.set_crc32_options(False)
    try:
        path = save_pth({"t": WHOLE})
    finally:
        torch.serialization.set_crc32_options(True)
    with opened(path) as found:
        assert_same(found, {"t": WHOLE})


def test_a_storage_that_claims_more_than_there_is(save_pth, edit_archive, opened):
    path = save_pth({"t": WHOLE})
    edit_archive(path, lambda name, content: content[:-4] if name.endswith("data/0") else content)
    with pytest.raises(FormatError, match=r"a storage claims 480 bytes where there are 476"):
        opened(path).__enter__()


def test_one_storage_of_two_types(save_pth, replace_in_pickle, opened):
    # torch.save refuses to write this.
    halves = torch.arange(8.0).half()
    path = save_pth({"a": halves, "b": WHOLE.flatten()[:4].clone()})
    replace_in_pickle(path, b"X\x01\x00\x00\x001", b"X\x01\x00\x00\x000")
    with opened(path) as found:
        assert found["a"].read().tolist() == halves.tolist()
        assert found["b"].read().tobytes() == halves.numpy().tobytes()


def test_a_storage_that_is_not_there(save_pth, edit_archive, opened):
    path = save_pth({"t": WHOLE})
    edit_archive(path, lambda name, content: None if name.endswith("data/0") else content)
    with pytest.raises(FormatError, match=r"it has no part data/0"):
        opened(path).__enter__()


@pytest.mark.parametrize(
    "arguments",
    [(0, (4,), (-1,)), (-1, (4,), (1,)), (0, (5,), (1,)), (2, (3,), (1,)), (0, (2, 2), (2,)),
     (0, (1 << 70,), (0,)), (0, (1,) * 40, (1,) * 40), (0, (2.0,), (1,)), (0, [2], [1]),
     (0, (1 << 40, 1 << 40), (0, 0)), ()],
    ids=str,
)  # fmt: skip
def test_a_tensor_that_reaches_beyond_its_storage(arguments, save_pth, opened):
    class Outside(torch.Tensor):
        def __reduce_ex__(self, _protocol):
            storage = torch.storage.TypedStorage(
                wrap_storage=torch.arange(4.0).untyped_storage(),
                dtype=torch.float32,
                _internal=True,
            )
            rest = (*arguments, False, OrderedDict()) if arguments else ()
            return torch._utils._rebuild_tensor_v2, (storage, *rest)

    path = save_pth({"t": torch.zeros(1).as_subclass(Outside)})
    with pytest.raises(FormatError, match=r"^is damaged: a tensor"):
        opened(path).__enter__()


def test_a_whole_network_shows_the_weights_of_its_parts(save_pth, opened):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    with opened(save_pth(network)) as found:
        assert isinstance(found, Placeholder)
        assert found.kind == "torch.nn.modules.container.Sequential"
        first = found.state["_modules"]["0"]
        assert_same(first.state["_parameters"]["weight"], network[0].weight)


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (("storage", "text", "0", "cpu", 4), "unknown kind"),
        (("module", 1), "unknown kind"),
        ("0", "unknown kind"),
        (None, "unknown kind"),
    ],
)
def test_an_identity_that_is_no_storage(identity, reason):
    with pytest.raises(FormatError, match=reason):
        TorchStorage.of(identity)


@pytest.mark.parametrize("count", [2, 100_000])
def test_marks_of_a_tensor_are_bounded(count):
    storage = TorchStorage("float32", 4, "0", 1)
    marks = {f"mark {number}": number == 0 for number in range(count)}
    arguments = (storage, 0, (1,), (1,), False, None, marks)
    found = TORCH_BUILDERS["torch._utils._rebuild_tensor_v2"](arguments)
    assert found == StoredTensor("float32 marked as mark 0 and mark 1", (1,))


def test_a_tensor_within_a_tensor_within_a_tensor():
    name = "torch._tensor._rebuild_from_type_v2"
    arguments = ()
    for _ in range(10_000):
        arguments = (Global("torch._tensor", "_rebuild_from_type_v2"), None, arguments)
    assert TORCH_BUILDERS[name](arguments) == StoredTensor("of a class of its own")
