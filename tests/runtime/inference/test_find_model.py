"""Which model runs: the named one or an error, else the nearest one."""

import importlib.util
from pathlib import Path

import pytest

from ppmobileseg_deploy.cache import official_model_path
from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.inference.find_model import (
    DEFAULT_MODEL,
    MODEL_VARIABLE,
    find_model,
)


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    """No variable, an empty cache, an empty current folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_each_place_goes_before_the_next(monkeypatch):
    base = _touch(official_model_path("base"))
    assert find_model() == base
    tiny = _touch(official_model_path("tiny"))
    assert find_model() == tiny
    here = _touch(DEFAULT_MODEL)
    assert find_model() == here
    variable = _touch(Path("variable.onnx"))
    monkeypatch.setenv(MODEL_VARIABLE, str(variable))
    assert find_model() == variable
    named = _touch(Path("named.onnx"))
    assert find_model("named.onnx") == named


def test_an_empty_variable_is_no_variable(monkeypatch):
    monkeypatch.setenv(MODEL_VARIABLE, "")
    _touch(DEFAULT_MODEL)
    assert find_model() == DEFAULT_MODEL


def test_nothing_found_says_both_ways_to_get_a_model():
    with pytest.raises(UsageError) as error:
        find_model()
    assert str(error.value) == ("no model: set $PPMS_MODEL, or export one with `ppms-export tiny`")
    assert error.value.parameter == "model"


@pytest.mark.parametrize("name", [None, "tiny", "my.pth"])
def test_what_an_export_lacks_is_said_at_once(name, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda each: None if each == "torch" else find_spec(each)
    )
    with pytest.raises(UsageError) as error:
        find_model(name)
    assert str(error.value).endswith(
        f"`ppms-export {name or 'tiny'}`, which needs torch; install with: pip install torch onnx "
        "onnxsim safetensors pyyaml (without a GPU: PyTorch's CPU build first)"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.onnx", "expected an ONNX file at missing.onnx, there is none"),
        (".", "expected an ONNX file at ., found a folder"),
        ("my.pth", "convert it first with `ppms-export my.pth`"),
        ("My.PDPARAMS", "convert it first with `ppms-export My.PDPARAMS`"),
        ("tiny", "the official model tiny is not here yet: run `ppms-export tiny`"),
        ("", "expected an ONNX file at"),
        ("x" * 300, "xxx, there is none"),
    ],
)
def test_a_bad_name_is_an_error_even_where_another_model_is_there(name, message, monkeypatch):
    _touch(DEFAULT_MODEL)
    _touch(Path("my.pth"))
    with pytest.raises(UsageError) as error:
        find_model(name)
    assert message in str(error.value)
    if name:
        monkeypatch.setenv(MODEL_VARIABLE, name)
        with pytest.raises(UsageError) as error:
            find_model()
        assert str(error.value).startswith("$PPMS_MODEL: ")
        assert message in str(error.value)


def test_a_name_with_a_null_character_is_an_error():
    with pytest.raises(UsageError, match="there is none"):
        find_model("\0x")


def test_an_official_name_means_the_exported_model_unless_a_file_has_it():
    cached = _touch(official_model_path("base"))
    assert find_model("base") == cached
    assert find_model(str(_touch(Path("base")))) == Path("base")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image"),
        (b"BM\x36\0\0\0", "image"),
        (b"II*\0", "image"),
        (b"GIF89a\0", "image"),
        (b"version https://git-lfs.github.com/spec/v1\n", "text file"),
        ("B\u00e4ume\r\n\tStra\u00dfe".encode() * 50, "text file"),
    ],
)
def test_an_image_or_a_text_is_told_from_a_model(content, found):
    Path("farm.dat").write_bytes(content)
    with pytest.raises(UsageError, match=f"^expected an ONNX file, found the {found} farm.dat$"):
        find_model("farm.dat")


@pytest.mark.parametrize(
    "content", [b"", b"\x08\x09:", b":\x80\x01\n\x05", b"\x30\0\0\0ORTM"], ids=repr
)
def test_whatever_may_be_a_model_is_left_to_the_runtime(content):
    Path("odd.onnx").write_bytes(content)
    assert find_model("odd.onnx") == Path("odd.onnx")
