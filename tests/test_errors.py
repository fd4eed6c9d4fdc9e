import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ppmobileseg_deploy
from ppmobileseg_deploy import errors
from ppmobileseg_deploy.errors import PPMobileSegError
from ppmobileseg_deploy.runtime.sources import SourceError

CLASSES = [each for each in vars(errors).values() if isinstance(each, type)] + [SourceError]


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


def test_the_parameter_that_would_help_is_told_in_every_process() -> None:
    error = PPMobileSegError("nothing in it", parameter="recursive")
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert (str(each), each.parameter) == ("nothing in it", "recursive")
    assert PPMobileSegError("nothing in it").parameter is None


def test_the_location_of_a_source_is_told_in_every_process() -> None:
    error = pickle.loads(pickle.dumps(SourceError("no such file", "a.jpg", parameter="recursive")))
    assert (str(error), error.location, error.parameter) == ("no such file", "a.jpg", "recursive")


# Whole commands, which make a model anew, are facts for everybody: `ppms-export --threshold`.
_COMMAND = re.compile(r"`ppms-[^`]*`")
_OPTION = re.compile(r"(?<![\w`-])(--[a-z]|-[a-z]\b)")


def _raised_texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise):
                for each in ast.walk(node):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield path.name, each.value


def test_the_library_speaks_of_no_command_line() -> None:
    texts = list(_raised_texts(Path(ppmobileseg_deploy.__file__).parent / "runtime"))
    assert len(texts) > 200
    named = [(file, text) for file, text in texts if _OPTION.search(_COMMAND.sub("", text))]
    assert named == []
