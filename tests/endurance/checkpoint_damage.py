"""Checkpoint files of every format, and what disks and ill-meaning people make of them."""

import argparse
import io
import pickle
import random
import struct
import tempfile
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from damage import DAMAGES, HUGE
from safetensors.torch import save_file

DEMO = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth"


def intact_checkpoints() -> dict[str, bytes]:
    """Write small files of every format, and the demo's, which is the only one that fits."""
    tensors = {
        "backbone.smb1.conv.conv.weight": torch.randn(16, 3, 3, 3),
        "backbone.smb1.conv.bn.num_batches_tracked": torch.tensor(3),
        "decode_head.conv_seg.weight": torch.randn(8, 4, 1, 1).bfloat16().transpose(0, 1),
        "decode_head.conv_seg.bias": torch.nn.Parameter(torch.randn(8).double()),
    }
    whole = {
        "meta": {"dataset_meta": {"classes": ("a", "b"), "palette": np.zeros((2, 3), np.uint8)}},
        "state_dict": OrderedDict(tensors),
        "ema": {"module": {f"module.{key}": value for key, value in tensors.items()}},
        "args": argparse.Namespace(lr=0.1, seed=2**70, device=torch.device("cpu")),
        "simple": types.SimpleNamespace(path=Path("a"), kinds={1, 2}, pair=(None, True)),
        "scores": [np.float64(1.5), np.arange(3), 1 + 2j, b"bytes"],
    }
    arrays = {key: value.detach().float().numpy() for key, value in tensors.items()}
    return {
        "zip": _saved(whole),
        "zip, bare": _saved(tensors),
        "legacy": _saved(whole, _use_new_zipfile_serialization=False),
        "zip, protocol 4": _saved(whole, pickle_protocol=4),
        "network": _saved(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))),
        **{
            f"paddle, protocol {protocol}": pickle.dumps(arrays, protocol)
            for protocol in (2, 4, 5)
        },
        "safetensors": _safetensors(tensors),
        "demo": DEMO.read_bytes(),
    }


def damaged_checkpoint(files: Mapping[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """Make one damaged or synthetic file.

    Args:
        files: The intact ones, by name.
        seed: Of the whole series.
        number: Of the file in it: every one can be made again without the others.

    Returns:
        What was done, and the content.
    """
    rng = random.Random(f"{seed} {number}")
    names = list(files)
    name = names[number % len(names)]
    kind = number // len(names) % len(_KINDS)
    return f"{name}: {_KINDS[kind].__name__.strip('_')}", _KINDS[kind](files[name], files, rng)


_Files = Mapping[str, bytes]


def _damaged_bytes(content: bytes, files: _Files, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 3))):
        content = rng.choice(DAMAGES)(content, files, rng)
    return content


def _damaged_end(content: bytes, files: _Files, rng: random.Random) -> bytes:
    """Where archives have their directory."""
    size = rng.choice((22, 98, 300, 900))
    return content[:-size] + rng.choice(DAMAGES)(content[-size:], files, rng)


def _damaged_pickle(content: bytes, files: _Files, rng: random.Random) -> bytes:
    """With the right checksums, so that it is read."""
    return _with_pickle(content, lambda text: _mutated(text, rng))


def _synthetic_pickle(content: bytes, files: _Files, rng: random.Random) -> bytes:
    return _with_pickle(content, lambda _: _program(rng))


def _grafted_pickle(content: bytes, files: _Files, rng: random.Random) -> bytes:
    """A synthetic object beside the weights."""

    def graft(text: bytes) -> bytes:
        entry = b"X\1\0\0\0a" + _object(rng) + b"s"
        return b"\x80\x04}" + entry + b"X\1\0\0\0b" + text[2:-1] + b"s."

    return _with_pickle(content, graft)


_KINDS: tuple[Callable[[bytes, _Files, random.Random], bytes], ...] = (
    _damaged_bytes,
    _damaged_end,
    _damaged_pickle,
    _synthetic_pickle,
    _grafted_pickle,
)


def _with_pickle(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return change(content)
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change(part) if name.endswith("data.pkl") else part)
    return changed.getvalue()


def _mutated(text: bytes, rng: random.Random) -> bytes:
    data = bytearray(text)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.choice(_OPCODES)
            case 1:
                data[at:at] = _step(rng)
            case 2:
                del data[at : at + rng.choice((1, 2, 9))]
            case 3:
                data[at : at + 4] = struct.pack("<I", rng.choice(HUGE))
            case _:
                data[at:at] = data[at : at + rng.choice((4, 40, 400))] * rng.choice((1, 3, 100))
    return bytes(data)


_OPCODES = bytes(range(256))
_TEXTS = (b"a", b"storage", b"0", b"cpu", b"latin1", b"f4", b"state_dict", b"_modules")
_NAMES = (
    *(b"torch._utils\n_rebuild_tensor_v2", b"torch._utils\n_rebuild_parameter"),
    *(b"torch._utils\n_rebuild_tensor_v3", b"torch\nFloatStorage", b"torch\nuint16"),
    *(b"torch._tensor\n_rebuild_from_type_v2", b"numpy.core.multiarray\n_reconstruct"),
    *(b"numpy\ndtype", b"numpy\nndarray", b"numpy.core.numeric\n_frombuffer"),
    *(b"collections\nOrderedDict", b"builtins\nbytearray", b"builtins\nset", b"builtins\ntuple"),
    *(b"_codecs\nencode", b"builtins\ngetattr", b"collections\ndefaultdict", b"a\nB"),
)


def _program(rng: random.Random) -> bytes:
    return b"\x80" + bytes([rng.choice((2, 4, 5))]) + _object(rng) + b"."


def _object(rng: random.Random) -> bytes:
    """Opcodes that leave one object on the stack, now and then very many."""
    if rng.random() < 0.1:
        start = rng.choice((b"}", b"]", b"K\1", b"K\1K\2\x86", b"X\1\0\0\0a"))
        step = rng.choice((b"2\x86", b"\x85", b"\x940h\0", b"\x94", b"h\0\x86", b"2N\x87"))
        return b"(N\x941" + start + step * rng.choice((50, 10_000, 300_000))
    opcodes = [b"("]
    depth = 0
    for _ in range(rng.choice((5, 30, 300))):
        opcode, taken, left = rng.choice(_SAFE_STEPS)
        if taken <= depth:
            opcodes.append(opcode(rng) if callable(opcode) else opcode)
            depth += left - taken
    return b"".join(opcodes) + b"t"


def _pushed(rng: random.Random) -> bytes:
    text = rng.choice(_TEXTS)
    return rng.choice(
        (
            b"X" + struct.pack("<I", len(text)) + text,
            b"\x8a\x09" + rng.choice((*HUGE, -1, 2**61 - 1)).to_bytes(9, "little", signed=True),
            b"c" + rng.choice(_NAMES) + b"\n",
            b"B" + struct.pack("<I", 16) + bytes(16),
            b"G" + struct.pack(">d", rng.choice((0.0, 1e300, float("nan")))),
            *(b"N", b"\x88", b"]", b"}", b")", b"\x8f"),
        )
    )


_SAFE_STEPS: tuple[tuple[Callable[[random.Random], bytes] | bytes, int, int], ...] = (
    *((_pushed, 0, 1),) * 4,
    (b"2", 1, 2),
    (b"0", 1, 0),
    (b"\x94", 1, 1),
    (b"\x85", 1, 1),
    (b"\x86", 2, 1),
    (b"\x87", 3, 1),
    (b"s", 3, 1),
    (b"a", 2, 1),
    (b"R", 2, 1),
    (b"b", 2, 1),
    (b"\x81", 2, 1),
)


def _step(rng: random.Random) -> bytes:
    text = rng.choice(_TEXTS)
    number = rng.choice((*HUGE, -1))
    steps = (
        b"N", b"\x88", b"]", b"}", b")", b"(", b"2", b"0", b"1", b"\x85", b"\x86", b"\x87", b"t",
        b"l", b"d", b"s", b"u", b"a", b"e", b"R", b"b", b"\x81", b"Q", b"\x94", b"\x8f", b"\x90",
        b"X" + struct.pack("<I", len(text)) + text,
        b"K" + bytes([rng.randrange(256)]),
        b"\x8a\x09" + number.to_bytes(9, "little", signed=True),
        b"h" + bytes([rng.randrange(9)]),
        b"q" + bytes([rng.randrange(9)]),
        b"c" + rng.choice(_NAMES) + b"\n",
        b"B" + struct.pack("<I", rng.choice((0, 4, 16, 2**31))) + bytes(16),
        b"X" + struct.pack("<I", number & 0xFFFFFFFF),
        b"G" + struct.pack(">d", rng.choice((0.0, 1e300, float("nan")))),
    )  # fmt: skip
    return rng.choice(steps)


def _saved(thing: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer, **options)
    return buffer.getvalue()


def _safetensors(tensors: dict[str, torch.Tensor]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        save_file({key: each.detach().contiguous() for key, each in tensors.items()}, path)
        return path.read_bytes()
