"""Files that people take for checkpoints."""

import gzip
import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from ppmobileseg_deploy.checkpoints.formats import FormatError, Source, read_any
from ppmobileseg_deploy.checkpoints.formats.pytorch import LEGACY_MAGIC


def zipped(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return buffer.getvalue()


def tarred():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("my.pth"))
    return buffer.getvalue()


def onnx_model():
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [value])
    return helper.make_model(graph, producer_name="pytorch")


def inference_weights():
    """A tensor as Paddle stores those of a model for inference, one after the other."""
    description = b"\x08\x05\x10\x10\x10\x03"  # float32, 16 x 3
    return bytes(16) + struct.pack("<i", len(description)) + description + bytes(192)


def npz():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    return buffer.getvalue()


def npy():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"

KINDS = {
    "Git LFS pointer": (LFS, r"is a Git LFS pointer.*`git lfs pull`"),
    "web page": (b"\n<!DOCTYPE html><html><body>Sign in", "is a web page"),
    "web page without a type": (b"<html><head>", "is a web page"),
    "XML": (b"<?xml version='1.0'?><Error>AccessDenied", "is a web page"),
    "pdiparams": (inference_weights(), r"Paddle inference model \(\.pdiparams\).*\.pdparams"),
    "ONNX": (onnx_model().SerializeToString(), "is an ONNX model, not a checkpoint"),
    "ORT": (b"\x18\0\0\0ORTM\0\0", "is a model in ORT format"),
    "gzip": (gzip.compress(b"x"), "is compressed: unpack it first"),
    "bzip2": (b"BZh91AY&SY", "is compressed"),
    "xz": (b"\xfd7zXZ\0", "is compressed"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "is compressed"),
    "7z": (b"7z\xbc\xaf\x27\x1c", "is compressed"),
    "tar": (tarred(), "is a tar archive: unpack it first"),
    "npy": (npy(), r"is a single array \(\.npy\)"),
    "npz": (npz(), r"is a NumPy file \(\.npz\) that torch\.save did not write$"),
    "Keras": (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    "photographs": (zipped(photos__1_jpg=b"jpeg"), "is a zip archive that torch.save did not"),
    "zipped checkpoint": (
        zipped(work__my_pth=b"weights"),
        r"is a zip archive .*: unpack it, work/my\.pth is in it",
    ),
    "two pickles": (zipped(a__data_pkl=b"N.", b__data_pkl=b"N."), "is a zip archive that"),
    "nothing in it": (zipped(), "is neither a PyTorch file"),
    "text": (b"hello, this is a text file\n", "is neither a PyTorch file.*begins with b'hello"),
    "one byte": (b"\x80", "is neither a PyTorch file"),
    "old magic alone": (b"\x80\x02\x8a\x0a" + LEGACY_MAGIC.to_bytes(10, "little"), "no end"),
    "another version": (
        b"\x80\x02\x8a\x0a" + LEGACY_MAGIC.to_bytes(10, "little") + b".\x80\x02K\x07.",
        "does not begin as PyTorch's old files do",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_is_instead(kind, tmp_path):
    content, reason = KINDS[kind]
    path = tmp_path / "my.pth"
    path.write_bytes(content)
    with Source.open(path) as source, pytest.raises(FormatError, match=reason):
        read_any(source)


def test_a_torchscript_program(tmp_path):
    path = tmp_path / "my.pth"
    parts = {"my/data.pkl": b"\x80\x02}.", "my/constants.pkl": b"\x80\x02)."}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with (
        Source.open(path) as source,
        pytest.raises(FormatError, match=r"is a program \(TorchScript\), expected a checkpoint"),
    ):
        read_any(source)


def test_a_program_of_torch_export(tmp_path):
    path = tmp_path / "my.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("my/archive_format", b"pt2")
        archive.writestr("my/models/model.json", b"{}")
    with (
        Source.open(path) as source,
        pytest.raises(FormatError, match=r"is a program \(torch\.export\)"),
    ):
        read_any(source)


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "my.pdparams"
    torch.save({"a": 1}, path)
    with Source.open(path) as source:
        assert read_any(source) == {"a": 1}
