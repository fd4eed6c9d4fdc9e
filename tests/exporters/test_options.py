import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.exporters import ExportOptions


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vim": "cubic"}, "expected vim to be one of .*, found 'cubic'"),
        ({"label_dtype": "int16"}, "expected label dtype to be one of .*, found 'int16'"),
        ({"opset": 14}, "expected an opset from 15 to 20, found 14"),
        ({"opset": 21}, "expected an opset from 15 to 20, found 21"),
        ({"shape_hw": (0, 64)}, "expected a shape of at least 1x1, found 0x64"),
    ],
)
def test_impossible_options_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ExportOptions(**arguments)


@pytest.mark.parametrize(("opset", "ir_version"), [(15, 8), (17, 8), (18, 8), (19, 9), (20, 9)])
def test_ir_version_follows_the_opset(opset: int, ir_version: int) -> None:
    assert ExportOptions(opset=opset).ir_version == ir_version
