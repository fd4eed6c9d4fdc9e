"""Thousands of ONNX files with damaged metadata or bytes: each works, or is one of our errors.

    python tests/endurance/fuzz_models.py --count 10000 --seed 0

Every other file has entries of metadata that nobody meant, the others are damaged as disks and
networks do it. What opens has to segment a picture, and to show, list and name what it found. Exit
code 1 if there was a crash, a hang, an error that isn't ours, a result that does not fit, or a
file that took more time or memory than allowed; such files are kept.
"""

import json
import random
import sys
from collections.abc import Mapping
from functools import partial

import numpy as np
import onnx
from damage import damaged
from fuzzing import Damaged, Try, run
from onnx import helper
from small_model import small_models

_NUMBERS = (
    *("0", "1", "-1", "2", "16", "255", "256", "257", "8191", "8192", "8193", "65536", "65537"),
    *("1e3", "1e308", "1e309", "-1e309", "1e-320", "NaN", "Infinity", "-Infinity", "0.3", "0.5"),
    *("true", "null", "9" * 20, "9" * 5000, "-" + "9" * 400, "0x10", "1_000", "+1", "1.", ".5"),
)
_TEXTS = (
    *('""', '"a"', '"labels"', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u202e abc"'),
    *('"[/bold]\\u001b]0;pwn\\u0007\\n"', '"\\u001b[2J"', '"a\\tb"', '"%s %n {0}"', '"../../x"'),
    *('"\U0001f6a6"', '"é e\\u0301"', '"' + "n" * 5000 + '"', '"天空"', '" "', '"[link=x]"'),
)
_BARE = (
    *("", " ", "labels", "logits", "rgb", "bgr", "cell", "int8", "[", "]", "{}", "[]", "[[]]"),
    *("[" * 100_000, '{"a":' * 1000, "\x1b[2J\n\n", "\ud7ff", "\ufeff[]", "nul\0", "a" * 100_000),
)


def _prepare() -> Try:
    from ppmobileseg_deploy import OrtSegmenter

    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)

    def attempt(content: bytes) -> str:
        segmenter = OrtSegmenter(content, threads=1, confidence=b"ppms.outputlogits" in content)
        result = segmenter(picture)
        metadata = result.metadata
        result.to_json()
        result.areas()
        result.to_rle()
        repr((result, segmenter, metadata))
        if len(metadata.class_names) <= 300:
            result.legend(label=True)
        sides = metadata.short_side, metadata.long_side, metadata.size_multiple
        wrong = {
            "labels of another size": result.labels.shape != picture.shape[:2],
            "labels without a name": result.labels.max() >= len(result.names),
            "names that are no text": not all(isinstance(name, str) for name in result.names),
            "colours that are none": not all(
                len(rgb) == 3 and all(type(c) is int and 0 <= c <= 255 for c in rgb)
                for rgb in result.palette_rgb
            ),
            "sizes that are no sizes": not all(type(side) is int for side in sides),
            "a confidence that is none": result.confidence is not None
            and not (result.confidence >= 0).all(),
        }
        return ", ".join(what for what, is_so in wrong.items() if is_so)

    return attempt


def _json(rng: random.Random, depth: int = 0) -> str:
    """Make up JSON, of which some is none."""
    kind = rng.randrange(6 if depth < 3 else 2)
    if kind == 0:
        return rng.choice(_NUMBERS)
    if kind == 1:
        return rng.choice(_TEXTS)
    if kind == 2:
        members = (f"{rng.choice(_TEXTS)}: {_json(rng, depth + 1)}" for _ in range(3))
        return "{" + ", ".join(members) + "}"
    length = rng.choice((0, 1, 2, 3, 3, 4, 5, 150))
    one = _json(rng, depth + 1)
    alike = rng.random() < 0.6
    return f"[{', '.join(one if alike else _json(rng, depth + 1) for _ in range(length))}]"


def _entry(props: Mapping[str, str], rng: random.Random) -> tuple[str, str]:
    key = rng.choice(list(props))
    kind = rng.randrange(6)
    if kind == 0:
        return key, rng.choice(_BARE)
    if kind == 1:
        return key, _json(rng)
    if kind == 2:
        return key, rng.choice(list(props.values()))
    text = props[key]
    if kind == 3:  # one value of a list, or a single one
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return key, rng.choice(_TEXTS)
        if not isinstance(value, list) or not value:
            return key, rng.choice(_NUMBERS)
        parts = [json.dumps(each) for each in value]
        parts[rng.randrange(len(parts))] = rng.choice(_NUMBERS + _TEXTS + ("[]", "[1, 2, 3]"))
        return key, f"[{', '.join(parts)}]"
    if kind == 4:
        start = rng.randrange(len(text) + 1)
        return key, text[:start] + rng.choice((",", "]", '"', "0", "-", "e9", "\0")) + text[start:]
    return key, text * rng.choice((0, 2, 1000))


def _misdescribed(content: bytes, rng: random.Random) -> bytes:
    model = onnx.load_model_from_string(content)
    props = {entry.key: entry.value for entry in model.metadata_props}
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        key, value = _entry(props, rng)
        if rng.random() < 0.05:
            props.pop(key, None)
        elif props:
            props[key] = value
        if not props:
            break
    helper.set_model_props(
        model, {k: v.encode("utf-8", "replace").decode() for k, v in props.items()}
    )
    serialized = model.SerializeToString()
    if rng.random() < 0.1:  # text that is none
        at = serialized.find(b"ppms.") + rng.randrange(200)
        serialized = serialized[:at] + rng.choice((b"\xff", b"\xc0", b"\0")) + serialized[at + 1 :]
    return serialized


def _one(files: Mapping[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    if number % 2:
        return damaged(files, seed, number)
    rng = random.Random(f"{seed} {number}")
    name = rng.choice(list(files))
    return f"{name}: misdescribed", _misdescribed(files[name], rng)


def _damaged(seed: int) -> Damaged:
    return partial(_one, small_models(), seed)


if __name__ == "__main__":
    description = __doc__.splitlines()[0]
    sys.exit(run("models", description, _prepare, _damaged, count=10_000, seconds=30, memory_gb=2))
