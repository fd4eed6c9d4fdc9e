"""A package that cannot be loaded is named in one line, with the remedy."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ppmobileseg_deploy.dependencies import explain, lacking_for_export, lacking_for_yaml

_NO_FILE = "cannot open shared object file: No such file or directory"
_WITHOUT_WINDOWS = (
    "apt-get install libgl1 libglib2.0-0 (Debian, Ubuntu), or take OpenCV without windows: pip "
    "uninstall -y opencv-python opencv-python-headless && pip install opencv-python-headless"
)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """``install(cv2="raise ...")``: modules of these names, before those that are installed."""

    def make(**modules: str) -> Path:
        for name, code in modules.items():
            (tmp_path / "site" / name).mkdir(parents=True)
            (tmp_path / "site" / name / "__init__.py").write_text(code)
        return tmp_path / "site"

    return make


def _failure(name: str) -> ImportError:
    with pytest.raises(ImportError) as raised:
        importlib.import_module(name)
    return raised.value


@pytest.mark.parametrize(
    ("modules", "explained"),
    [
        (
            {"cv2": f"raise ImportError('libGL.so.1: {_NO_FILE}')"},
            f"OpenCV needs libGL.so.1, which this system lacks: {_WITHOUT_WINDOWS}",
        ),
        (
            {"cv2": f"raise ImportError('libgthread-2.0.so.0: {_NO_FILE}')"},
            f"OpenCV needs libgthread-2.0.so.0, which this system lacks: {_WITHOUT_WINDOWS}",
        ),
        (
            {"cv2": "raise ImportError('recursion is detected')"},
            "OpenCV cannot be loaded (recursion is detected): install it anew, pip install "
            "--force-reinstall opencv-python",
        ),
        (
            {"onnxruntime": "raise ImportError('DLL load failed\\n' + 999 * 'x')"},
            f"ONNX Runtime cannot be loaded (DLL load failed {184 * 'x'}): install it anew, pip "
            "install --force-reinstall onnxruntime (on Windows it needs Microsoft's Visual C++ "
            "Redistributable, too)",
        ),
        (
            {"torch": f"raise ImportError('libgomp.so.1: {_NO_FILE}')"},
            f"PyTorch cannot be loaded (libgomp.so.1: {_NO_FILE}): install it anew, pip install "
            "--force-reinstall torch",
        ),
        (
            {"cv2": "import numpy", "numpy": "raise ImportError('built for another Python')"},
            "NumPy cannot be loaded (built for another Python): install it anew, pip install "
            "--force-reinstall numpy",
        ),
        (
            {"cv2": "import something.missing"},
            "OpenCV cannot be loaded (No module named 'something'): install it anew, pip install "
            "--force-reinstall opencv-python",
        ),
        (
            {"cv2": "import cv2.inner"},
            "OpenCV cannot be loaded (No module named 'cv2.inner'): install it anew, pip install "
            "--force-reinstall opencv-python",
        ),
    ],
)
def test_who_is_to_blame_and_what_to_do(
    install: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    modules: dict[str, str],
    explained: str,
) -> None:
    monkeypatch.syspath_prepend(install(**modules))
    for name in modules:
        monkeypatch.delitem(sys.modules, name, raising=False)
    error = _failure(next(iter(modules)))
    assert explain(error) == explained
    for name in modules:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("module", "explained"),
    [
        ("PIL", "Pillow is not installed: pip install pillow"),
        ("yaml", "PyYAML is not installed: pip install pyyaml"),
    ],
)
def test_a_package_that_is_missing(module: str, explained: str) -> None:
    error = ModuleNotFoundError(f"No module named {module!r}", name=module)
    assert explain(error) == explained


def test_what_reads_yaml_is_asked_for_by_the_name_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert lacking_for_yaml() is None
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert lacking_for_yaml() == "PyYAML; install with: pip install pyyaml"
    assert lacking_for_export() is None


def test_our_own_mistakes_and_strangers_are_not_explained() -> None:
    assert explain(_failure("ppmobileseg_deploy.no_such_module")) is None
    assert explain(_failure("no_such_module_at_all")) is None
    assert explain(ImportError("no name")) is None


@pytest.mark.parametrize("command", ["infer", "eval", "bench", "verify"])
def test_a_command_ends_with_one_line(install: Callable[..., Path], command: str) -> None:
    site = install(cv2=f"raise ImportError('libGL.so.1: {_NO_FILE}')")
    code = f"from ppmobileseg_deploy.cli.{command} import main; main()"
    arguments = [__file__, __file__] if command == "verify" else ["a.png"]
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"error: OpenCV needs libGL.so.1, which this system lacks: {_WITHOUT_WINDOWS}\n"
    )


def test_the_library_says_it_too(install: Callable[..., Path]) -> None:
    site = install(onnxruntime="raise ImportError('DLL load failed')")
    ended = subprocess.run(
        [sys.executable, "-c", "from ppmobileseg_deploy import OrtSegmenter"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert ended.stderr.splitlines()[-1].startswith(
        "ImportError: ONNX Runtime cannot be loaded (DLL load failed): install it anew, pip"
    )
