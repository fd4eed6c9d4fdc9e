import dataclasses

import pytest

from ppmobileseg_deploy.metadata import ModelMetadata


def test_round_trip() -> None:
    metadata = ModelMetadata(
        variant="base",
        class_names=("straße", "sky"),
        palette_rgb=((1, 2, 3), (4, 5, 6)),
        output="logits",
        vim="image",
        stride=8,
        mean_rgb=(1.5, 2.5, 3.5),
        checkpoint="my.pth",
        checkpoint_sha256="ab" * 32,
        tool_version="1.2.3",
        channel_order="bgr",
        precision="int8",
    )
    assert ModelMetadata.from_props(metadata.to_props()) == metadata


def test_every_entry_is_text_and_none_is_left_out() -> None:
    props = ModelMetadata().to_props()
    assert list(props) == [f"ppms.{field.name}" for field in dataclasses.fields(ModelMetadata)]
    assert all(isinstance(value, str) for value in props.values())


def test_a_foreign_file_has_none() -> None:
    assert ModelMetadata.from_props({}) is None
    assert ModelMetadata.from_props({"author": "somebody"}) is None


def test_entries_of_later_versions_are_ignored_and_missing_ones_defaulted() -> None:
    props = ModelMetadata(stride=8).to_props()
    props["ppms.invented_later"] = "1"
    del props["ppms.stride"], props["ppms.precision"]
    assert ModelMetadata.from_props(props) == ModelMetadata(stride=0, precision="fp32")


@pytest.mark.parametrize(
    ("entry", "text", "message"),
    [
        ("class_names", "[", "class_names is malformed"),
        ("class_names", "[]", "expected one colour for each of at least one class"),
        ("class_names", '["only one"]', "found 1 names and 150 colours"),
        ("palette_rgb", "7", "palette_rgb is malformed"),
        ("palette_rgb", "[[0, 0, 256]]", "expected"),
        ("mean_rgb", "[1, 2]", "three finite means"),
        ("mean_rgb", "[NaN, 1, 2]", "finite means"),
        ("mean_rgb", "[1, 1e300, 2]", "finite means"),
        ("std_rgb", "[0, 1, 1]", "three finite standard deviations above zero"),
        ("std_rgb", "[1, -1, 1]", "deviations above zero"),
        ("std_rgb", "[1, 1, NaN]", "deviations above zero"),
        ("std_rgb", "[1, 1, Infinity]", "finite standard deviations"),
        ("std_rgb", "[1, 1e-300, 1]", "deviations above zero"),
        ("short_side", "0", "resize rule of 1 to 8192 pixels"),
        ("short_side", "1000000", "resize rule of 1 to 8192 pixels"),
        ("long_side", "8193", "resize rule of 1 to 8192 pixels"),
        ("size_multiple", "8193", "resize rule of 1 to 8192 pixels"),
        ("short_side", "Infinity", "short_side is malformed"),
        ("stride", "1e400", "stride is malformed"),
        ("stride", "-16", "stride of 0 to 256, found -16"),
        ("stride", "1000000", "stride of 0 to 256"),
        ("class_names", "[" * 100_000, "class_names is malformed"),
        ("size_multiple", '"x"', "size_multiple is malformed"),
        ("output", "boxes", "expected output labels or logits, found 'boxes'"),
    ],
    ids=lambda value: value[:20],
)
def test_malformed_entries_are_errors(entry: str, text: str, message: str) -> None:
    props = ModelMetadata().to_props()
    props[f"ppms.{entry}"] = text
    with pytest.raises(ValueError, match=message):
        ModelMetadata.from_props(props)
