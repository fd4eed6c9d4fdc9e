from pathlib import Path

import pytest

from ppmobileseg_deploy.cache import cache_dir, official_model_path


@pytest.mark.parametrize("value", [None, "", "relative/path"])
def test_default_is_below_home(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    if value is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache_dir() == Path("/home/somebody/.cache/ppmobileseg_deploy")


def test_xdg_cache_home_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert official_model_path("tiny") == Path("/var/cache/me/ppmobileseg_deploy/models/tiny.onnx")
