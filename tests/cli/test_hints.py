"""Errors of the library name the command's option where one would help."""

import pytest

from ppmobileseg_deploy.cli.hints import with_hint
from ppmobileseg_deploy.errors import ImageError, UsageError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ImageError("nothing in it"), "nothing in it"),
        (
            ImageError("nothing in it", parameter="recursive"),
            "nothing in it; --recursive looks into the folders in it",
        ),
        (UsageError("no model", parameter="model"), "no model; -m FILE names the model"),
        (UsageError("odd", parameter="no option of ours"), "odd"),
        (OSError("disk full"), "disk full"),
    ],
)
def test_hints_follow_the_message(error, expected):
    assert with_hint(error) == expected
