"""What to do where a package that this one needs is missing or cannot be loaded."""

import importlib.util
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class _Package:
    name: str
    distribution: str
    also: str = ""


_PACKAGES: Final[Mapping[str, _Package]] = {
    "av": _Package("PyAV", "av"),
    "fsspec": _Package("fsspec", "fsspec"),
    "cv2": _Package("OpenCV", "opencv-python"),
    "fastapi": _Package("FastAPI", "fastapi"),
    "matplotlib": _Package("Matplotlib", "matplotlib"),
    "numpy": _Package("NumPy", "numpy"),
    "onnx": _Package("ONNX", "onnx"),
    "onnxruntime": _Package(
        "ONNX Runtime",
        "onnxruntime",
        " (on Windows it needs Microsoft's Visual C++ Redistributable, too)",
    ),
    "onnxsim": _Package("onnxsim", "onnxsim"),
    "pyarrow": _Package("Arrow", "pyarrow"),
    "ray": _Package("Ray", "'ray[data]'"),
    "PIL": _Package("Pillow", "pillow"),
    "rich": _Package("rich", "rich"),
    "safetensors": _Package("safetensors", "safetensors"),
    "simplejpeg": _Package("simplejpeg", "simplejpeg"),
    "torch": _Package("PyTorch", "torch"),
    "typer": _Package("typer", "typer"),
    "uvicorn": _Package("uvicorn", "uvicorn"),
    "yaml": _Package("PyYAML", "pyyaml"),
}
_EXPORT: Final = ("torch", "onnx", "onnxsim", "safetensors")
_INSTALL_EXPORT: Final = (
    "pip install torch onnx onnxsim safetensors pyyaml (without a GPU: PyTorch's CPU build first)"
)
_SERVE: Final = {
    "fastapi": "fastapi",
    "fastapi_offline": "fastapi-offline",
    "prometheus_client": "prometheus-client",
    "python_multipart": "python-multipart",
    "uvicorn": "uvicorn",
}
_OURS: Final = __name__.partition(".")[0]
_SYSTEM_LIBRARY: Final = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
_MOST_CHARACTERS: Final = 200


def explain(error: ImportError) -> str | None:
    """Say in one line which package cannot be loaded, why, and how to repair that.

    Args:
        error: What importing something of ours raised.

    Returns:
        The line; None where no package of others is to blame.
    """
    module = _culprit(error)
    package = None if module is None else _PACKAGES.get(module)
    if package is None:
        return None
    if isinstance(error, ModuleNotFoundError) and error.name == module:
        return f"{package.name} is not installed: pip install {package.distribution}"
    reason = " ".join(str(error).split())[:_MOST_CHARACTERS]
    library = _SYSTEM_LIBRARY.search(reason)
    if module == "cv2" and library is not None:
        return (
            f"OpenCV needs {library[1]}, which this system lacks: apt-get install libgl1 "
            "libglib2.0-0 (Debian, Ubuntu), or take OpenCV without windows: pip uninstall -y "
            "opencv-python opencv-python-headless && pip install opencv-python-headless"
        )
    return (
        f"{package.name} cannot be loaded ({reason}): install it anew, pip install "
        f"--force-reinstall {package.distribution}{package.also}"
    )


def lacking_for_export() -> str | None:
    """Say which packages of the extra ``export`` are not installed, and how to install them.

    Returns:
        What completes ``"an export needs"``; None where all are there.
    """
    return _lacking(_EXPORT, _INSTALL_EXPORT)


def lacking_for_onnx() -> str | None:
    """Say how to install onnx, which reads the graphs of models, if it is not installed.

    Returns:
        What completes ``"inspecting needs"``; None where it is there.
    """
    return _lacking(("onnx",), "pip install onnx")


def lacking_for_cluster(*, ray: bool) -> str | None:
    """Say which packages of the extra ``cluster`` are not installed, and how to install them.

    Args:
        ray: Whether Ray is needed, too.

    Returns:
        What completes ``"a batch needs"``; None where all are there.
    """
    tables = ("pyarrow", "fsspec")
    if ray:
        return _lacking((*tables, "ray"), "pip install pyarrow fsspec 'ray[data]'")
    return _lacking(tables, "pip install pyarrow fsspec")


def lacking_for_yaml() -> str | None:
    """Say how to install PyYAML, which reads configurations of PaddleSeg, if it is not installed.

    Returns:
        What completes ``"reading needs"``; None where it is there.
    """
    return None if _lacking(("yaml",), "") is None else "PyYAML; install with: pip install pyyaml"


def lacking_for_supervision() -> str | None:
    """Say how to install supervision, if it is not installed.

    Returns:
        What completes ``"this needs"``; None where it is there.
    """
    return _lacking(("supervision",), "pip install supervision")


def lacking_for_serve() -> str | None:
    """Say which packages of the extra ``serve`` are not installed, and how to install them.

    Returns:
        What completes ``"serving needs"``; None where all are there.
    """
    return _lacking(tuple(_SERVE), f"pip install {' '.join(_SERVE.values())}")


def _lacking(packages: Sequence[str], installation: str) -> str | None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return f"{', '.join(missing)}; install with: {installation}" if missing else None


def _culprit(error: ImportError) -> str | None:
    """Return the package of others that was being loaded, of several the innermost."""
    loading: list[str] = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if module == _OURS:
            loading.clear()
        elif module in _PACKAGES:
            loading.append(module)
    if loading:
        return loading[-1]
    return None if error.name is None else error.name.partition(".")[0]
