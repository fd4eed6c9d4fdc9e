import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ppmobileseg_deploy


def test_the_package_imports_without_pytorch_and_onnx() -> None:
    code = (
        "import sys, ppmobileseg_deploy; "
        "print(sorted({'torch', 'onnx', 'onnxsim'} & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[]"
    assert finished.stderr == ""


@pytest.mark.parametrize(("chosen", "expected"), [(None, "1"), ("0", "0")])
def test_onnx_runtime_does_not_report_on_its_use_unless_the_user_says_so(
    chosen: str | None, expected: str
) -> None:
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": chosen or ""}
    if chosen is None:
        del environment["ORT_DISABLE_TELEMETRY"]
    code = "import os, ppmobileseg_deploy; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert finished.stdout.strip() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is that of Linux")
def test_a_session_keeps_nothing_in_the_users_cache(tmp_path: Path) -> None:
    model = Path(__file__).parents[1] / "demo" / "ppmobileseg_tiny_demo.onnx"
    code = f"import ppmobileseg_deploy; ppmobileseg_deploy.OrtSegmenter({str(model)!r})"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ppmobileseg_deploy.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(ppmobileseg_deploy, name)
    if name == "__version__":
        assert re.fullmatch(r"\d+\.\d+\.\d+", found)
    else:
        assert found.__name__ == name
        assert found.__module__.startswith("ppmobileseg_deploy.")


def test_the_errors_are_one_tree() -> None:
    public = [getattr(ppmobileseg_deploy, name) for name in ppmobileseg_deploy.__all__]
    errors = [each for each in public if isinstance(each, type) and issubclass(each, Exception)]
    ours = [each for each in errors if not issubclass(each, Warning)]
    assert {each.__name__ for each in ours} == {
        name for name in ppmobileseg_deploy.__all__ if name.endswith("Error")
    }
    assert all(issubclass(each, ppmobileseg_deploy.PPMobileSegError) for each in ours)


def test_completion_offers_the_public_names_only() -> None:
    assert dir(ppmobileseg_deploy) == sorted(ppmobileseg_deploy.__all__)


def test_what_only_pictures_need_is_not_loaded_with_the_segmenter() -> None:
    code = (
        "import sys; from ppmobileseg_deploy import OrtSegmenter; "
        "print([name for name in ('contours', 'legend', 'lettering', 'name_tags') "
        "if f'ppmobileseg_deploy.runtime.{name}' in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[]"
