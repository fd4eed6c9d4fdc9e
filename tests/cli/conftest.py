"""A model whose labels can be told in advance, pictures for it, and ways to run a command."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ppmobileseg_deploy.metadata import ModelMetadata

NAMES = ("red", "green", "blue")
PALETTE_RGB = ((250, 10, 20), (30, 240, 40), (50, 60, 230))


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def model_bytes() -> Callable[..., bytes]:
    """``model_bytes(metadata=True, names=NAMES)``: a pixel's class is its strongest channel.

    Without metadata the file says nothing about its classes. With ``logits=True`` it gives the
    channels, normalised, as logits.
    """

    def build(
        metadata: bool = True, names: tuple[str, ...] = NAMES, logits: bool = False
    ) -> bytes:
        labels = helper.make_node("ArgMax", ["input"], ["output"], axis=1, keepdims=1)
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            [helper.make_node("Identity", ["input"], ["output"]) if logits else labels],
            "strongest_channel",
            [info("input", TensorProto.FLOAT, ["n", 3, "h", "w"])],
            [
                info("output", TensorProto.FLOAT, ["n", 3, "h", "w"])
                if logits
                else info("output", TensorProto.INT64, ["n", 1, "h", "w"])
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        if metadata:
            described = ModelMetadata(
                variant="tiny",
                class_names=names,
                palette_rgb=PALETTE_RGB + ((0, 0, 0),) * (len(names) - len(PALETTE_RGB)),
                short_side=64,
                output="logits" if logits else "labels",
            )
            helper.set_model_props(model, described.to_props())
        onnx.checker.check_model(model)
        return model.SerializeToString()

    return build


@pytest.fixture
def desk(tmp_path, monkeypatch, model_bytes) -> Path:
    """The current folder of a user: `end2end.onnx`, no variable set, an empty cache."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "end2end.onnx").write_bytes(model_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    for variable in ("PPMS_MODEL", "FORCE_COLOR", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    """``picture(name, classes=(0, 1, 2), size_hw=(32, 48))``: a file of upright colour bands.

    Each class gets an equal part of the width, painted in its channel. Returns the labels that
    the model gives for it, (height, width) uint8.
    """

    def write(
        name: str, classes: tuple[int, ...] = (0, 1, 2), size_hw: tuple[int, int] = (32, 48)
    ) -> np.ndarray:
        height, width = size_hw
        row = np.repeat(np.array(classes, np.uint8), width // len(classes))
        labels = np.broadcast_to(row, (height, len(row)))
        image_bgr = np.array([(0, 0, 255), (0, 255, 0), (255, 0, 0)], np.uint8)[labels]
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, image_bgr)[1].tobytes())
        return labels

    return write


@pytest.fixture
def film() -> Callable[..., None]:
    """``film("a.avi", (0, 1, 1), size_hw=(32, 48))``: a video; each frame is of one class."""

    def write(name: str, classes: tuple[int, ...], size_hw: tuple[int, int] = (32, 48)) -> None:
        height, width = size_hw
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(name, cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (width, height))
        assert writer.isOpened()
        for class_id in classes:
            color_bgr = [(0, 0, 255), (0, 255, 0), (255, 0, 0)][class_id]
            writer.write(np.full((height, width, 3), color_bgr, np.uint8))
        writer.release()

    return write


@pytest.fixture
def in_process(monkeypatch, capsys) -> Callable[..., Callable[..., Outcome]]:
    """``in_process("ppms-infer", main)``: what runs a command in this process."""

    def of(name: str, main: Callable[[], None]) -> Callable[..., Outcome]:
        def run(*arguments: str | Path) -> Outcome:
            monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            printed = capsys.readouterr()
            assert isinstance(ended.value.code, int)
            return Outcome(ended.value.code, printed.out, printed.err)

        return run

    return of


@pytest.fixture
def infer(in_process) -> Callable[..., Outcome]:
    """``infer("a.png", "--save", "labels")``: run ppms-infer in this process."""
    from ppmobileseg_deploy.cli.infer import main

    return in_process("ppms-infer", main)


@pytest.fixture
def infer_process() -> Callable[..., Outcome]:
    """``infer_process("a.png", before="...")``: run ppms-infer as a shell would.

    ``before`` is Python code to run first in that process, ``given`` its standard input.
    """

    def run(*arguments: str, before: str = "pass", given: bytes = b"") -> Outcome:
        command = "from ppmobileseg_deploy.cli.infer import main; main()"
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", f"{before}\n{command}", *arguments],
            capture_output=True,
            input=given,
            timeout=120,
        )
        return Outcome(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    return run
