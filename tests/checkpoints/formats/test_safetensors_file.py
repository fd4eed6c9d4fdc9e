import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from ppmobileseg_deploy.checkpoints.formats import FLOATS, FormatError

TENSORS = {
    "float32": torch.randn(2, 3),
    "float16": torch.randn(2, 3).half(),
    "bfloat16": torch.randn(2, 3).bfloat16(),
    "float64": torch.randn(2, 3).double(),
    "int64": torch.arange(6).reshape(2, 3),
    "uint8": torch.arange(6, dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "number": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
}


def test_tensors_are_what_was_saved(tmp_path, opened):
    path = tmp_path / "my.safetensors"
    save_file(TENSORS, path, metadata={"format": "pt"})
    with opened(path) as found:
        assert found.keys() == TENSORS.keys()
        for name, expected in TENSORS.items():
            assert found[name].dtype == str(expected.dtype).removeprefix("torch.")
            assert found[name].shape == tuple(expected.shape)
            if expected.dtype is torch.bfloat16:
                expected = expected.float()
            assert torch.equal(torch.from_numpy(found[name].read()), expected)
            assert found[name].read().flags.writeable


def test_types_without_use_are_named(tmp_path, opened):
    path = tmp_path / "my.safetensors"
    save_file({"a": torch.zeros(2).to(torch.float8_e4m3fn)}, path)
    with opened(path) as found:
        assert found["a"].dtype == "f8_e4m3"
        assert found["a"].dtype not in FLOATS


def with_header(header, data=b"", size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def entry(offsets, shape=(4,), dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_header(b"{not json}"), "is damaged: .*JSON"),
        (with_header({"a": entry([0, 16])}), "is damaged"),
        (with_header({"a": entry([0, 16])}, bytes(15)), "is damaged"),
        (with_header({"a": entry([0, 16])}, bytes(17)), "is damaged"),
        (with_header({"a": entry([0, 16], [1 << 40])}, bytes(16)), "is damaged"),
        (with_header({"a": entry([0, 16]), "b": entry([8, 24])}, bytes(24)), "is damaged"),
        (with_header({"a": entry([0, 16], dtype="F77")}, bytes(16)), "is damaged"),
        (with_header(b"{" + b"[" * 100_000), "is damaged"),
        (with_header(b"{}", size=1 << 40), "is neither"),
        (with_header(b"{" + b" " * (5 << 20) + b"}"), "its table takes 5242882 bytes"),
    ],
    ids=["no JSON", "no data", "cut off", "more data", "huge shape", "overlap", "strange type",
         "deep", "no table", "large table"],
)  # fmt: skip
def test_a_damaged_file(content, reason, tmp_path, opened):
    path = tmp_path / "my.safetensors"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=reason) as caught:
        opened(path).__enter__()
    assert len(str(caught.value)) < 300
