from pathlib import Path

import pytest

from ppmobileseg_deploy.file_names import names_checkpoint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("weights.pth", True),
        ("WEIGHTS.PT", True),
        ("runs/iter_80000.ckpt", True),
        ("model.pdparams", True),
        ("model.SafeTensors", True),
        ("end2end.onnx", False),
        ("weights.pth.onnx", False),
        ("weights.pth/end2end", False),
        ("pth", False),
        ("", False),
    ],
)
def test_checkpoints_are_known_by_their_suffix(name: str, expected: bool) -> None:
    assert names_checkpoint(name) is expected
    assert names_checkpoint(Path(name)) is expected
