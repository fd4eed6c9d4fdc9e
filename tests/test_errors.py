import pickle

import pytest

from ppmobileseg_deploy import errors
from ppmobileseg_deploy.errors import PPMobileSegError

CLASSES = [each for each in vars(errors).values() if isinstance(each, type)]


@pytest.mark.parametrize("kind", CLASSES)
def test_a_message_is_one_harmless_line_in_every_process(kind: type[PPMobileSegError]) -> None:
    error = kind("cannot read a\nb  \x1b[31mc.png: caf\u00e9")
    message = "cannot read a\\nb  \\x1b[31mc.png: caf\u00e9"
    assert str(error) == message
    assert str(pickle.loads(pickle.dumps(error))) == message
    assert str(kind(str(error))) == message
    assert str(kind()) == ""


def test_code_2_is_for_wrong_use() -> None:
    codes = {kind.__name__: kind.exit_code for kind in CLASSES}
    assert {name for name, code in codes.items() if code == 2} == {"UsageError", "DeviceError"}
    assert set(codes.values()) == {1, 2}
