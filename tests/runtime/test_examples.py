"""The examples in the documentation of the public names, run as a reader would."""

import doctest
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import ppmobileseg_deploy
from ppmobileseg_deploy import OrtSegmenter, SegmentationResult
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.batch import CocoFile
from ppmobileseg_deploy.runtime.results.annotated import AnnotatedSegmentation

MakeModel = Callable[..., Path]
PUBLIC = [OrtSegmenter, SegmentationResult, AnnotatedSegmentation, ModelMetadata]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def current_folder(
    make_model: MakeModel,
    coarse_model: Path,
    rgb_metadata: ModelMetadata,
    photograph: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder with the files that the examples name."""
    coarse_model.rename(tmp_path / "end2end.onnx")
    props = replace(rgb_metadata, output="logits").to_props()
    make_model("logits.onnx", props=props, kind="logits")
    with Image.open(photograph("astronaut.png")) as image:
        image.convert("RGB").save(tmp_path / "street.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(name: str, documentation: str | None, names: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(
        inspect.cleandoc(documentation or ""), names, name, None, 0
    )
    told: list[str] = []
    # Names that one example makes are there in the next.
    ran = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append, clear_globs=False)
    names.update(test.globs)
    assert ran.failed == 0, "".join(told)


def _public(cls: type) -> list[tuple[str, Any]]:
    return [
        (name, member)
        for name, member in vars(cls).items()
        if name == "__call__" or (not name.startswith("_") and inspect.isroutine(member))
    ]


# Of pycocotools with NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("cls", PUBLIC)
def test_examples_run(cls: type, current_folder: Path) -> None:
    public = vars(ppmobileseg_deploy)
    modules = {"np": np, "onnxruntime": onnxruntime}
    names: dict[str, Any] = {**vars(sys.modules[cls.__module__]), **public, **modules}
    _run(cls.__name__, cls.__doc__, names)
    for name, member in _public(cls):
        _run(f"{cls.__name__}.{name}", member.__doc__, dict(names))


@pytest.mark.parametrize("cls", PUBLIC)
def test_every_method_has_an_example(cls: type) -> None:
    documented = [(cls.__name__, cls), *_public(cls)]
    without = [name for name, member in documented if ">>>" not in (member.__doc__ or "")]
    assert without == []


def test_the_example_of_coco_files_runs(current_folder: Path) -> None:
    with OrtSegmenter("end2end.onnx") as segmenter:
        _run("CocoFile", CocoFile.__doc__, {"segmenter": segmenter, "CocoFile": CocoFile})


def test_the_examples_of_the_package_run(current_folder: Path) -> None:
    _run("ppmobileseg_deploy", sys.modules["ppmobileseg_deploy"].__doc__, {})
